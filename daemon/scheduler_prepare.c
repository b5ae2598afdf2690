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

/* Builds the context and answers from the store; AGAIN when a worker must open it. */
static enum dse_status prepare_without_worker(struct dse_scheduler *s,
                                              struct dse_preparation *preparation,
                                              const char *evaluator, struct dse_err *err) {
    const char *json;
    struct dse_err unknown = {0};
    if (!preparation->built)
        DSE_TRY(dse_context_build(&preparation->workload, evaluator, &preparation->arena,
                                  &preparation->context, &preparation->content_hash, err));
    preparation->built = true;
    enum dse_status status = dse_store_load_context(s->store, preparation->context.hash,
                                                    &preparation->arena, &json, &unknown);
    if (status == DSE_NOT_FOUND)
        return DSE_AGAIN;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", unknown.text);
    return daemon__take_prepared_json(preparation, json, err);
}

/* Is the worker busy with it now? */
bool daemon__begin_preparation(struct dse_scheduler *s, struct dse_worker *worker,
                               struct dse_preparation *preparation) {
    struct dse_err why = {0};
    enum dse_status status =
        prepare_without_worker(s, preparation, dse_worker_evaluator(worker), &why);
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
