/* Stands between a worker's messages and its engine in a pareto-worker made for tests (linked with
 * --wrap=dse_evaluator_run): tasks take a random time more, up to PARETO_TEST_DELAY_MS, each
 * process drawing from a stream of its own; and PARETO_TEST_DELAY_MIN_MS at least. With
 * PARETO_TEST_HANG=FILE the first task of the process that can create FILE never ends. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "evaluator/evaluator.h"

/* The names that the linker makes. */
enum dse_status __real_dse_evaluator_run(struct dse_evaluator *evaluator,
                                         const struct dse_msg_task *task, struct dse_arena *arena,
                                         struct dse_msg_partials *partials, struct dse_err *err);
enum dse_status __wrap_dse_evaluator_run(struct dse_evaluator *evaluator,
                                         const struct dse_msg_task *task, struct dse_arena *arena,
                                         struct dse_msg_partials *partials, struct dse_err *err);

static void hang_if_first(void) {
    const char *path = getenv("PARETO_TEST_HANG");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)close(fd);
    for (;;)
        (void)pause();
}

static void sleep_us(long us) {
    struct timespec delay = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&delay, NULL);
}

/* A worker is slow or fast for all its life, and a task more or less. */
static void wait_some(void) {
    static struct dse_rng rng;
    static uint32_t most_us;
    const char *least = getenv("PARETO_TEST_DELAY_MIN_MS");
    const char *text = getenv("PARETO_TEST_DELAY_MS");
    if (least != NULL)
        sleep_us(atol(least) * 1000);
    if (text == NULL)
        return;
    if (most_us == 0) {
        dse_rng_init(&rng, (uint64_t)getpid(), DSE_RNG_TEST, 1, 0);
        most_us = 1 + dse_rng_below(&rng, (uint32_t)atoi(text) * 1000);
    }
    sleep_us((long)dse_rng_below(&rng, most_us));
}

enum dse_status __wrap_dse_evaluator_run(struct dse_evaluator *evaluator,
                                         const struct dse_msg_task *task, struct dse_arena *arena,
                                         struct dse_msg_partials *partials, struct dse_err *err) {
    hang_if_first();
    wait_some();
    return __real_dse_evaluator_run(evaluator, task, arena, partials, err);
}
