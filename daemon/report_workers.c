/* The worker processes as records. */
#include "daemon/report.h"

static const char *state_of(struct dse_worker *worker) {
    const struct dse_worker_notes *notes = dse_worker_notes(worker);
    if (!dse_worker_said_hello(worker))
        return "starting";
    if (notes->preparation != NULL)
        return "preparing";
    return notes->opening ? "opening" : notes->task != NULL ? "computing" : "idle";
}

static struct dse_msg_worker describe_worker(struct dse_worker *worker) {
    const struct dse_worker_notes *notes = dse_worker_notes(worker);
    double age_s = (double)dse_worker_age_ms(worker) / 1e3;
    bool is_busy = notes->turn != 0;
    /* A task belongs to an explorer that may have ended; its number does not. */
    return (struct dse_msg_worker){
        .pid = dse_worker_pid(worker),
        .state = state_of(worker),
        .sweep = notes->sweep,
        .shard = notes->task != NULL ? notes->shard : -1,
        .candidates = notes->task != NULL ? notes->candidates : 0,
        .busy_s = is_busy ? (double)(dse_clock_mono_ms() - notes->started_ms) / 1e3 : 0,
        .silent_s = (double)dse_worker_silent_ms(worker) / 1e3,
        .tasks = notes->tasks_done,
        .inferences = notes->inferences,
        .inferences_per_s = age_s > 0 ? (double)notes->inferences / age_s : 0,
        .memory_bytes = dse_worker_memory_bytes(worker),
        .evaluator = dse_worker_evaluator(worker),
    };
}

enum dse_status dse_report_workers(struct dse_pool *pool, struct dse_arena *arena,
                                   struct dse_msg_worker_list *list, struct dse_err *err) {
    int n = 0;
    for (struct dse_worker *w = dse_pool_first_worker(pool); w != NULL; w = dse_worker_next(w))
        n++;
    struct dse_msg_worker *workers = dse_arena_alloc(arena, (size_t)n, sizeof *workers);
    if (workers == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for an answer");
    n = 0;
    for (struct dse_worker *w = dse_pool_first_worker(pool); w != NULL; w = dse_worker_next(w))
        workers[n++] = describe_worker(w);
    *list = (struct dse_msg_worker_list){.workers = workers, .workers_n = n};
    return DSE_OK;
}
