// pagmo2's NSGA-II (Biscani, Izzo 2020), for comparison with our search. Built by the scripts beside
// it where libpagmo-dev is installed.
//   bench_pagmo time POPULATION GENERATIONS    milliseconds a generation of ZDT1, 30 genes
//   bench_pagmo volumes                        a line a problem: name, hypervolumes of 31 seeds
// The second: 25,000 evaluations, population 100, operators of the NSGA-II paper, reference points
// those of bench_quality.c.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/problems/dtlz.hpp>
#include <pagmo/problems/zdt.hpp>
#include <pagmo/utils/hypervolume.hpp>

static pagmo::algorithm nsga2(unsigned generations, int genes, unsigned seed) {
    return pagmo::algorithm{pagmo::nsga2(generations, 0.9, 15., 1. / genes, 20., seed)};
}

static int print_time(unsigned population, unsigned generations) {
    pagmo::population pop(pagmo::problem{pagmo::zdt(1u, 30u)}, population, 1u);
    auto algorithm = nsga2(generations, 30, 1u);
    auto start = std::chrono::steady_clock::now();
    pop = algorithm.evolve(pop);
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("%.4f\n", took.count() / generations);
    return 0;
}

static void print_volumes(const char *name, const pagmo::problem &problem,
                          const pagmo::vector_double &reference) {
    enum { SEEDS = 31, POPULATION = 100, GENERATIONS = 249 };
    std::printf("%s", name);
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        pagmo::population pop(problem, POPULATION, seed);
        pop = nsga2(GENERATIONS, (int)problem.get_nx(), seed).evolve(pop);
        pagmo::hypervolume volume(pop);
        auto points = volume.get_points();
        decltype(points) inside;
        for (const auto &point : points) {
            bool counts = true;
            for (size_t j = 0; j < point.size(); j++)
                counts = counts && point[j] < reference[j];
            if (counts)
                inside.push_back(point);
        }
        double v = inside.empty() ? 0 : pagmo::hypervolume(inside).compute(reference);
        std::printf(" %.17g", v);
    }
    std::printf("\n");
}

int main(int argc, char **argv) {
    if (argc == 4 && std::strcmp(argv[1], "time") == 0)
        return print_time((unsigned)std::atoi(argv[2]), (unsigned)std::atoi(argv[3]));
    const pagmo::vector_double two{1.1, 1.1}, three{1.1, 1.1, 1.1};
    print_volumes("zdt1", pagmo::problem{pagmo::zdt(1u, 30u)}, two);
    print_volumes("zdt2", pagmo::problem{pagmo::zdt(2u, 30u)}, two);
    print_volumes("zdt3", pagmo::problem{pagmo::zdt(3u, 30u)}, two);
    print_volumes("zdt4", pagmo::problem{pagmo::zdt(4u, 10u)}, two);
    print_volumes("zdt6", pagmo::problem{pagmo::zdt(6u, 10u)}, two);
    print_volumes("dtlz2", pagmo::problem{pagmo::dtlz(2u, 12u, 3u)}, three);
    return 0;
}
