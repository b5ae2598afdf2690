/* The samples that take less than a minute, run to their fronts by `pareto run`, as a user would
 * (external.yaml: test_external.c). */
#include "tests/lib/daemon_fixture.h"
#include "tests/lib/testing.h"

#include <math.h>

#include "problems/problems.h"
#include "search/search.h"

/* Runs a sample in a state directory of its own and returns its front, which lives in the arena. */
static const struct dse_msg_front *run_sample(const char *name, struct dse_arena *arena) {
    char dir[256], path[4096];
    struct dse_buf out = {0}, errors = {0};
    struct dse_err err = {0};
    struct dse_msg_front *front = dse_arena_alloc(arena, 1, sizeof *front);
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/workloads/%s", DSE_SOURCE_DIR, name);
    const char *const argv[] = {
        DSE_BINARY_DIR "/pareto", "--state", dir, "--workers", "2", "run", "--json", path, NULL};
    if (run_program(argv, &out, &errors) != 0)
        fail_msg("%s: %s", name, dse_buf_text(&errors));
    assert_ok(dse_record_decode(DSE_RECORD_front, dse_buf_text(&out), strcspn(out.data, "\n"),
                                arena, front, &err),
              &err);
    assert_string_equal(front->sweep->state, "done");
    assert_int_equal(front->sweep->failures, 0);
    dse_buf_fini(&out);
    dse_buf_fini(&errors);
    const char *const rm[] = {"/bin/rm", "-rf", dir, NULL};
    assert_int_equal(run_program(rm, NULL, NULL), 0);
    return front;
}

static double volume_of(const double *points, int n, const double *reference) {
    struct dse_space space = {.n_objectives = 2};
    struct dse_err err = {0};
    double volume = 0;
    assert_ok(dse_search_hypervolume(&space, points, n, reference, &volume, &err), &err);
    return volume;
}

/* Volume of a front whose first objective has this sign when minimised. */
static double front_volume(const struct dse_msg_front *front, double sign,
                           const double *reference) {
    double *points = dse_alloc((size_t)front->members_n * 2, sizeof *points);
    assert_non_null(points);
    for (int i = 0; i < front->members_n; i++) {
        points[2 * i] = sign * front->members[i].objectives[0];
        points[2 * i + 1] = front->members[i].objectives[1];
    }
    double volume = volume_of(points, front->members_n, reference);
    dse_free(points);
    return volume;
}

static void zdt1_reaches_its_front(void **state) {
    (void)state;
    static const double reference[] = {1.1, 1.1};
    struct dse_arena arena = {0};
    double whole = 0.1 + 2.0 / 3 + 0.11; /* of f2 = 1 - sqrt(f1) */
    double volume = front_volume(run_sample("zdt1.yaml", &arena), 1, reference);
    print_message("zdt1: %.4f of the volume of the front\n", volume / whole);
    assert_true(volume > 0.97 * whole && volume < whole);
    dse_arena_fini(&arena);
}

/* Most value for each weight, item by item and copy by copy. */
static void knapsack_reaches_its_front(void **state) {
    (void)state;
    enum { CAPACITY = 2000, COPIES = 5 };
    static const double reference[] = {1, CAPACITY + 1};
    static double best[CAPACITY + 1], points[2 * (CAPACITY + 1)];
    struct dse_arena arena = {0};
    const struct dse_function_def *def = dse_function_find("knapsack");
    assert_true(def != NULL && def->n_genes <= 64);
    for (int item = 0; item < def->n_genes; item++) {
        double one[64] = {0}, values[3];
        one[item] = 1;
        def->evaluate(one, values);
        for (int copy = 0; copy < COPIES; copy++)
            for (int w = CAPACITY; w >= (int)values[1]; w--)
                best[w] = fmax(best[w], best[w - (int)values[1]] + values[0]);
    }
    for (int w = 0; w <= CAPACITY; w++) {
        points[2 * w] = -best[w];
        points[2 * w + 1] = w;
    }
    double whole = volume_of(points, CAPACITY + 1, reference);
    double volume = front_volume(run_sample("knapsack.yaml", &arena), -1, reference);
    print_message("knapsack: %.4f of the volume of the front\n", volume / whole);
    assert_true(volume > 0.97 * whole && volume <= whole);
    dse_arena_fini(&arena);
}

/* The ends of the front (Deb 2001): f1 from -274 to -42, f2 from 4 to 76. */
static void osy_reaches_its_front(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    const struct dse_msg_front *front = run_sample("osy.yaml", &arena);
    double least[2] = {INFINITY, INFINITY};
    for (int i = 0; i < front->members_n; i++) {
        assert_true(front->members[i].violation == 0);
        for (int j = 0; j < 2; j++)
            least[j] = fmin(least[j], front->members[i].objectives[j]);
    }
    print_message("osy: f1 down to %.1f, f2 down to %.1f\n", least[0], least[1]);
    assert_true(least[0] < -265 && least[0] > -274.001 && least[1] < 12 && least[1] > 3.999);
    dse_arena_fini(&arena);
}

/* Some member is about as right as the float32 network for a small share of its bit operations. */
static void networks_reach_their_front(const char *name, int most_individuals) {
    static const double as_right = 0.005, small_share = 0.1;
    struct dse_arena arena = {0};
    if (access("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", R_OK) != 0) {
        print_message("skipped: the package dataset-fashion-mnist is not installed\n");
        skip();
    }
    const struct dse_msg_front *front = run_sample(name, &arena);
    int accuracy = -1, cost = -1, good = 0;
    for (int j = 0; j < front->objectives_n; j++) {
        if (strncmp(front->objectives[j].metric, "accuracy", strlen("accuracy")) == 0)
            accuracy = j;
        if (strcmp(front->objectives[j].metric, "bit_operations") == 0)
            cost = j;
    }
    assert_true(accuracy >= 0 && cost >= 0 && front->baseline != NULL);
    const double *baseline = front->baseline->objectives;
    for (int i = 0; i < front->members_n; i++) {
        const double *values = front->members[i].objectives;
        good += values[accuracy] >= baseline[accuracy] - as_right &&
                values[cost] <= small_share * baseline[cost];
    }
    print_message("%s: %d of %lld in the front, %d of them as right as float32 for a tenth of its"
                  " bit operations\n",
                  name, front->members_n, (long long)front->sweep->individuals, good);
    assert_true(good > 0 && front->sweep->individuals >= most_individuals / 2);
    dse_arena_fini(&arena);
}

static void quant_fashion_reaches_its_front(void **state) {
    (void)state;
    networks_reach_their_front("quant-fashion.yaml", 288);
}

static void quickstart_reaches_its_front(void **state) {
    (void)state;
    networks_reach_their_front("quickstart.yaml", 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zdt1_reaches_its_front),
        cmocka_unit_test(knapsack_reaches_its_front),
        cmocka_unit_test(osy_reaches_its_front),
        cmocka_unit_test(quant_fashion_reaches_its_front),
        cmocka_unit_test(quickstart_reaches_its_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
