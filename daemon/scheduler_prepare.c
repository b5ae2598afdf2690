/* Workloads on their way to a plan or a sweep. */
#include "daemon/scheduler_internal.h"

#include <string.h>

void daemon__finish_preparation(struct dse_scheduler *s, struct dse_preparation *preparation,
                                enum dse_status status, const struct dse_err *why) {
    struct dse_preparation **link = &s->preparations;
    while (*link != preparation)
        link = &(*link)->next;
    *link = preparation->next;
    preparation->done(preparation->done_context, preparation, status, why);
}

enum dse_status daemon__take_prepared_json(struct dse_preparation *preparation, const char *json,
                                           struct dse_err *err) {
    struct dse_msg_prepared *prepared = dse_arena_alloc(&preparation->arena, 1, sizeof *prepared);
    preparation->prepared_json = dse_arena_strdup(&preparation->arena, json);
    if (prepared == NULL || preparation->prepared_json == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    DSE_TRY(dse_record_decode(DSE_RECORD_prepared, json, strlen(json), &preparation->arena,
                              prepared, err));
    preparation->prepared = prepared;
    return DSE_OK;
}

/* ---- files, hashed beside the loop: data sets may be large ---- */

/* Freed by the loop, after the thread's end. */
struct daemon__hashing {
    uv_work_t work;
    uv_sem_t left; /* the thread has left the preparation */
    atomic_bool stop;
    struct dse_scheduler *s;
    struct dse_preparation *preparation; /* NULL: given up */
    const char *evaluator;               /* in the preparation's arena */
    enum dse_status status;
    struct dse_err why;
};

static void hash_files(uv_work_t *work) {
    struct daemon__hashing *hashing = work->data;
    struct dse_preparation *p = hashing->preparation;
    const struct dse_context_terms terms = {.evaluator = hashing->evaluator,
                                            .stop = &hashing->stop};
    hashing->status = dse_context_build(&p->workload, &terms, &p->arena, &p->context,
                                        &p->content_hash, &hashing->why);
    uv_sem_post(&hashing->left);
}

static void take_hashes(uv_work_t *work, int cancelled) {
    struct daemon__hashing *hashing = work->data;
    struct dse_preparation *preparation = hashing->preparation;
    (void)cancelled; /* given up, then */
    if (preparation != NULL) {
        preparation->hashing = NULL;
        preparation->in_work = false;
        preparation->built = hashing->status == DSE_OK;
        if (!preparation->built)
            daemon__finish_preparation(hashing->s, preparation, hashing->status, &hashing->why);
        daemon__dispatch(hashing->s);
    }
    uv_sem_destroy(&hashing->left);
    dse_free(hashing);
}

static enum dse_status begin_hashing(struct dse_scheduler *s, struct dse_preparation *preparation,
                                     const char *evaluator, struct dse_err *err) {
    struct daemon__hashing *hashing = dse_alloc(1, sizeof *hashing);
    const char *copy = dse_arena_strdup(&preparation->arena, evaluator);
    if (hashing == NULL || copy == NULL || uv_sem_init(&hashing->left, 0) != 0) {
        dse_free(hashing);
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the hashes of a workload");
    }
    hashing->work.data = hashing;
    hashing->s = s;
    hashing->preparation = preparation;
    hashing->evaluator = copy;
    preparation->hashing = hashing;
    preparation->in_work = true;
    int code = uv_queue_work(s->space_retry.loop, &hashing->work, hash_files, take_hashes);
    dse_assert(code == 0); /* fails without a function only */
    return DSE_OK;
}

void daemon__give_up_preparation(struct dse_scheduler *s, struct dse_preparation *preparation) {
    struct daemon__hashing *hashing = preparation->hashing;
    struct dse_err why = {0};
    (void)dse_err_set(&why, DSE_FAILED, "the daemon is stopping");
    if (hashing != NULL) {
        atomic_store(&hashing->stop, true);
        if (uv_cancel((uv_req_t *)&hashing->work) != 0)
            uv_sem_wait(&hashing->left); /* a block of a file */
        hashing->preparation = NULL;
        preparation->hashing = NULL;
    }
    daemon__finish_preparation(s, preparation, DSE_FAILED, &why);
}

/* ---- contexts ---- */

/* Answers from the store; AGAIN when a worker must open the context. */
static enum dse_status prepare_without_worker(struct dse_scheduler *s,
                                              struct dse_preparation *preparation,
                                              struct dse_err *err) {
    const char *json;
    struct dse_err unknown = {0};
    enum dse_status status = dse_store_load_context(s->store, preparation->context.hash,
                                                    &preparation->arena, &json, &unknown);
    if (status == DSE_NOT_FOUND)
        return DSE_AGAIN;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", unknown.text);
    return daemon__take_prepared_json(preparation, json, err);
}

bool daemon__begin_preparation(struct dse_scheduler *s, struct dse_worker *worker,
                               struct dse_preparation *preparation) {
    struct dse_err why = {0};
    enum dse_status status;
    if (!preparation->built) {
        status = begin_hashing(s, preparation, dse_worker_evaluator(worker), &why);
        if (status != DSE_OK)
            daemon__finish_preparation(s, preparation, status, &why);
        return false;
    }
    status = prepare_without_worker(s, preparation, &why);
    if (status == DSE_AGAIN)
        status = dse_worker_send(worker, DSE_WORKER_open, &preparation->context, &why);
    else if (status == DSE_OK) {
        daemon__finish_preparation(s, preparation, DSE_OK, NULL);
        return false;
    }
    if (status != DSE_OK) {
        daemon__finish_preparation(s, preparation, status, &why);
        return false;
    }
    preparation->in_work = true;
    dse_worker_notes(worker)->preparation = preparation;
    dse_worker_notes(worker)->context[0] = '\0';
    return true;
}

struct dse_preparation *daemon__waiting_preparation(struct dse_scheduler *s) {
    struct dse_preparation *p = s->preparations;
    while (p != NULL && p->in_work)
        p = p->next;
    return p;
}
