#!/usr/bin/python3
"""Candidates per second of NSGA-II over fake-quantised PyTorch, written as people write it.

    /usr/bin/python3 tests/bench/bench_nsga2_torch.py MODEL.onnx AMAX.txt CHANNELS SIZE [IMAGES [CANDIDATES]]

Operators as in pymoo (Blank and Deb 2020): integer sampling, simulated binary crossover, polynomial
mutation, rank and crowding, binary tournaments. Each candidate, two integer genes of 2 to 8 bits a
layer, is evaluated by a forward pass over IMAGES images (2,000) on one thread, in batches of 128,
its weights quantised once. Images are random; the objectives are agreement with the float32 network
and bits times products. Prints "nsga2 N" candidates per second of processor time over CANDIDATES
(8) evaluations, selection and variation included.
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures"))
import numpy as np  # noqa: E402
import torch  # noqa: E402

from onnx_torch import Network, activation_scale, over_channels, quantise_activations, quantise_weights  # noqa: E402

LEAST, MOST, BATCH, POPULATION = 2, 8, 128, 4
CROSSOVER_ETA, MUTATION_ETA, CROSSOVER_RATE = 15, 20, 0.9


def evaluate(net, amax, genome, images, labels):
    prepared = []
    for layer, largest, (ab, wb) in zip(net.layers, amax, genome.reshape(-1, 2)):
        w, b = net.weights(layer)
        q, scale = quantise_weights(w, int(wb))
        prepared.append((q * over_channels(scale, w.dim()), b, activation_scale(largest, int(ab)), int(ab)))

    def hook(i, x, apply):
        w, b, scale, bits = prepared[i]
        return apply(quantise_activations(x, scale, bits) * scale, w, b)
    right = sum(int((net.run(x, hook).argmax(1) == y).sum()) for x, y in zip(images.split(BATCH), labels.split(BATCH)))
    cost = sum(float(a) * float(w) * net.weights(layer)[0].numel()
               for layer, (a, w) in zip(net.layers, genome.reshape(-1, 2)))
    return -right / len(labels), cost


def fronts(objectives):
    n = len(objectives)
    better = [[all(a <= b for a, b in zip(objectives[i], objectives[j])) and objectives[i] != objectives[j]
               for j in range(n)] for i in range(n)]
    left, rank = set(range(n)), [0] * n
    level = 0
    while left:
        front = {i for i in left if not any(better[j][i] for j in left)}
        for i in front:
            rank[i] = level
        left -= front
        level += 1
    return rank


def crowding(objectives, rank):
    distance = np.zeros(len(objectives))
    values = np.array(objectives)
    for level in set(rank):
        members = np.flatnonzero(np.array(rank) == level)
        for k in range(values.shape[1]):
            order = members[np.argsort(values[members, k])]
            width = values[order[-1], k] - values[order[0], k] or 1
            distance[order[[0, -1]]] = np.inf
            distance[order[1:-1]] += (values[order[2:], k] - values[order[:-2], k]) / width
    return distance


def crossover(a, b, rng):
    if rng.random() > CROSSOVER_RATE:
        return a.copy()
    u = rng.random(len(a))
    beta = np.where(u < 0.5, (2 * u) ** (1 / (CROSSOVER_ETA + 1)), (2 * (1 - u)) ** (-1 / (CROSSOVER_ETA + 1)))
    return np.where(rng.random(len(a)) < 0.5, 0.5 * ((1 + beta) * a + (1 - beta) * b), a)


def mutate(x, rng):
    u = rng.random(len(x))
    step = np.where(u < 0.5, (2 * u) ** (1 / (MUTATION_ETA + 1)) - 1, 1 - (2 * (1 - u)) ** (1 / (MUTATION_ETA + 1)))
    x = np.where(rng.random(len(x)) < 1 / len(x), x + step * (MOST - LEAST), x)
    return np.clip(np.rint(x), LEAST, MOST)


def survivors(population, objectives):
    rank = fronts(objectives)
    distance = crowding(objectives, rank)
    order = sorted(range(len(population)), key=lambda i: (rank[i], -distance[i]))[:POPULATION]
    return [population[i] for i in order], [objectives[i] for i in order]


def tournament(population, objectives, rng):
    rank = fronts(objectives)
    distance = crowding(objectives, rank)
    i, j = rng.integers(len(population), size=2)
    return population[i if (rank[i], -distance[i]) <= (rank[j], -distance[j]) else j]


@torch.no_grad()
def main():
    if len(sys.argv) < 5:
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    net = Network(sys.argv[1])
    amax = [float(line) for line in open(sys.argv[2])]
    channels, size = int(sys.argv[3]), int(sys.argv[4])
    n_images = int(sys.argv[5]) if len(sys.argv) > 5 else 2000
    wanted = int(sys.argv[6]) if len(sys.argv) > 6 else 8
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    images = torch.randn(n_images, channels, size, size)
    labels = torch.cat([net.run(x, lambda i, v, f: f(v, *net.weights(net.layers[i]))).argmax(1) for x in images.split(BATCH)])
    start, done = time.process_time(), 0
    population = [rng.integers(LEAST, MOST + 1, 2 * len(net.layers)).astype(float) for _ in range(POPULATION)]
    objectives = [evaluate(net, amax, x, images, labels) for x in population]
    done += POPULATION
    while done < wanted:
        children = [mutate(crossover(tournament(population, objectives, rng), tournament(population, objectives, rng), rng), rng)
                    for _ in range(POPULATION)]
        results = [evaluate(net, amax, x, images, labels) for x in children]
        done += POPULATION
        population, objectives = survivors(population + children, objectives + results)
    print(f"nsga2 {done / (time.process_time() - start):.4f}")
    print(f"candidates {done}, images {n_images}")


if __name__ == "__main__":
    main()
