/* What clients can ask. */
#include "daemon/methods.h"

#include <string.h>
#include <unistd.h>

#include "daemon/report.h"

enum { RPC_INTERNAL_CODE = -32000 };

/* A request that waits for its preparation. */
struct dse_request {
    struct dse_methods *methods;
    struct dse_client *client; /* NULL: gone */
    int64_t id;
    enum dse_method method;
    bool reuse;
    const char *source, *file, *base_dir; /* in the preparation's arena */
    struct dse_preparation preparation;
    struct dse_request *next;
};

/* ---- replies ---- */

static void send_error(struct dse_client *client, int64_t id, int rpc_code,
                       const struct dse_err *why, const char *const *errors, int n_errors) {
    struct dse_buf text = {0};
    if (client == NULL)
        return;
    if (rpc_code == 0)
        rpc_code = RPC_INTERNAL_CODE - (int)why->code;
    if (dse_rpc_write_error(id, rpc_code, why, errors, n_errors, &text, NULL) == DSE_OK)
        dse_client_send_take(client, &text);
    else
        dse_buf_fini(&text);
}

static void send_result(struct dse_client *client, int64_t id, enum dse_method method,
                        const void *result) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    if (client == NULL)
        return;
    if (dse_rpc_write_result(id, method, result, &text, &err) == DSE_OK) {
        dse_client_send_take(client, &text);
        return;
    }
    dse_buf_fini(&text);
    send_error(client, id, 0, &err, NULL, 0);
}

/* ---- methods that answer at once: fill *result, in the arena ---- */

typedef enum dse_status (*handler)(struct dse_methods *methods, struct dse_client *client,
                                   const void *params, struct dse_arena *arena, void **result,
                                   struct dse_err *err);

static void *new_result(struct dse_arena *arena, size_t size, void **result, struct dse_err *err) {
    *result = dse_arena_alloc(arena, 1, size);
    if (*result == NULL)
        (void)dse_err_set(err, DSE_NO_MEMORY, "out of memory for an answer");
    return *result;
}

static enum dse_status answer_hello(struct dse_methods *methods, struct dse_client *client,
                                    const void *params, struct dse_arena *arena, void **result,
                                    struct dse_err *err) {
    (void)client;
    (void)params;
    struct dse_msg_hello *hello = new_result(arena, sizeof *hello, result, err);
    if (hello == NULL)
        return DSE_NO_MEMORY;
    *hello = (struct dse_msg_hello){
        .version = DSE_VERSION,
        .protocol = DSE_PROTOCOL_VERSION,
        .pid = getpid(),
        .state_dir = methods->state_dir,
        .workers = dse_scheduler_workers(methods->scheduler),
        .clients = dse_server_clients(methods->server),
    };
    return DSE_OK;
}

static enum dse_status answer_list(struct dse_methods *methods, struct dse_client *client,
                                   const void *params, struct dse_arena *arena, void **result,
                                   struct dse_err *err) {
    (void)client;
    (void)params;
    struct dse_msg_sweep_list *list = new_result(arena, sizeof *list, result, err);
    if (list == NULL)
        return DSE_NO_MEMORY;
    return dse_report_list(methods->store, methods->scheduler, arena, list, err);
}

static enum dse_status answer_status(struct dse_methods *methods, struct dse_client *client,
                                     const void *params, struct dse_arena *arena, void **result,
                                     struct dse_err *err) {
    (void)client;
    const struct dse_msg_sweep_id *which = params;
    struct dse_msg_sweep *sweep = new_result(arena, sizeof *sweep, result, err);
    if (sweep == NULL)
        return DSE_NO_MEMORY;
    return dse_report_sweep(methods->store, methods->scheduler, which->sweep, arena, sweep, err);
}

static enum dse_status answer_workload(struct dse_methods *methods, struct dse_client *client,
                                       const void *params, struct dse_arena *arena, void **result,
                                       struct dse_err *err) {
    const struct dse_msg_sweep_id *id = params;
    struct dse_msg_sweep_workload *answer = new_result(arena, sizeof *answer, result, err);
    struct dse_sweep_row row;
    (void)client;
    if (answer == NULL)
        return DSE_NO_MEMORY;
    DSE_TRY(dse_store_load_sweep(methods->store, id->sweep, arena, &row, err));
    *answer = (struct dse_msg_sweep_workload){
        .sweep = id->sweep, .file = row.file, .canonical = row.canonical};
    return DSE_OK;
}

static enum dse_status answer_watch(struct dse_methods *methods, struct dse_client *client,
                                    const void *params, struct dse_arena *arena, void **result,
                                    struct dse_err *err) {
    const struct dse_msg_sweep_id *which = params;
    DSE_TRY(answer_status(methods, client, params, arena, result, err));
    dse_client_notes(client)->watched_sweep = which->sweep;
    dse_client_notes(client)->event_due = true;
    return DSE_OK;
}

static enum dse_status answer_front(struct dse_methods *methods, struct dse_client *client,
                                    const void *params, struct dse_arena *arena, void **result,
                                    struct dse_err *err) {
    (void)client;
    struct dse_msg_front *front = new_result(arena, sizeof *front, result, err);
    if (front == NULL)
        return DSE_NO_MEMORY;
    return dse_report_front(methods->store, methods->scheduler, params, arena, front, err);
}

static enum dse_status answer_show(struct dse_methods *methods, struct dse_client *client,
                                   const void *params, struct dse_arena *arena, void **result,
                                   struct dse_err *err) {
    (void)client;
    struct dse_msg_individual *individual = new_result(arena, sizeof *individual, result, err);
    if (individual == NULL)
        return DSE_NO_MEMORY;
    return dse_report_individual(methods->store, params, arena, individual, err);
}

static enum dse_status answer_recipe(struct dse_methods *methods, struct dse_client *client,
                                     const void *params, struct dse_arena *arena, void **result,
                                     struct dse_err *err) {
    (void)client;
    struct dse_msg_recipe *recipe = new_result(arena, sizeof *recipe, result, err);
    if (recipe == NULL)
        return DSE_NO_MEMORY;
    return dse_report_recipe(methods->store, params, arena, recipe, err);
}

static enum dse_status answer_retrained(struct dse_methods *methods, struct dse_client *client,
                                        const void *params, struct dse_arena *arena, void **result,
                                        struct dse_err *err) {
    (void)client;
    struct dse_msg_empty *nothing = new_result(arena, sizeof *nothing, result, err);
    if (nothing == NULL)
        return DSE_NO_MEMORY;
    return dse_report_take_retraining(methods->store, params, err);
}

static enum dse_status answer_retrainings(struct dse_methods *methods, struct dse_client *client,
                                          const void *params, struct dse_arena *arena,
                                          void **result, struct dse_err *err) {
    (void)client;
    struct dse_msg_retraining_list *list = new_result(arena, sizeof *list, result, err);
    if (list == NULL)
        return DSE_NO_MEMORY;
    return dse_report_retrainings(methods->store, params, arena, list, err);
}

static enum dse_status answer_individuals(struct dse_methods *methods, struct dse_client *client,
                                          const void *params, struct dse_arena *arena,
                                          void **result, struct dse_err *err) {
    (void)client;
    struct dse_msg_individual_page *page = new_result(arena, sizeof *page, result, err);
    if (page == NULL)
        return DSE_NO_MEMORY;
    return dse_report_individuals(methods->store, params, arena, page, err);
}

/* Watchers see a change that no result brings. */
static void tell_watchers(struct dse_methods *methods, int64_t sweep_id) {
    for (struct dse_client *c = dse_server_first_client(methods->server); c != NULL;
         c = dse_client_next(c))
        if (dse_client_notes(c)->watched_sweep == sweep_id)
            dse_client_notes(c)->event_due = true;
}

static enum dse_status answer_cancel(struct dse_methods *methods, struct dse_client *client,
                                     const void *params, struct dse_arena *arena, void **result,
                                     struct dse_err *err) {
    const struct dse_msg_sweep_id *which = params;
    DSE_TRY(dse_store_set_sweep_state(methods->store, which->sweep, DSE_SWEEP_CANCELLED, "",
                                      dse_clock_wall_ms(), err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_cancelled", DSE_LOG_INT("sweep", which->sweep));
    dse_scheduler_kick(methods->scheduler);
    tell_watchers(methods, which->sweep);
    return answer_status(methods, client, params, arena, result, err);
}

static enum dse_status answer_with_sweep(struct dse_methods *methods, int64_t sweep_id,
                                         struct dse_arena *arena, void **result,
                                         struct dse_err *err) {
    struct dse_msg_sweep *sweep = new_result(arena, sizeof *sweep, result, err);
    if (sweep == NULL)
        return DSE_NO_MEMORY;
    return dse_report_sweep(methods->store, methods->scheduler, sweep_id, arena, sweep, err);
}

static enum dse_status answer_pause(struct dse_methods *methods, struct dse_client *client,
                                    const void *params, struct dse_arena *arena, void **result,
                                    struct dse_err *err) {
    (void)client;
    const struct dse_msg_sweep_id *which = params;
    DSE_TRY(dse_store_set_sweep_state(methods->store, which->sweep, DSE_SWEEP_PAUSED, "", 0, err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_paused", DSE_LOG_INT("sweep", which->sweep));
    dse_scheduler_kick(methods->scheduler);
    tell_watchers(methods, which->sweep);
    return answer_with_sweep(methods, which->sweep, arena, result, err);
}

static enum dse_status answer_resume(struct dse_methods *methods, struct dse_client *client,
                                     const void *params, struct dse_arena *arena, void **result,
                                     struct dse_err *err) {
    (void)client;
    enum { NOT_BEGUN = -2 };
    const struct dse_msg_sweep_id *which = params;
    struct dse_sweep_row row;
    struct dse_sweep_counts counts;
    DSE_TRY(dse_store_load_sweep(methods->store, which->sweep, arena, &row, err));
    DSE_TRY(dse_store_count_sweep(methods->store, which->sweep, &counts, err));
    if (row.state != DSE_SWEEP_PAUSED && row.state != DSE_SWEEP_FAILED)
        DSE_FAIL(err, DSE_CONFLICT, "sweep %lld is %s, neither paused nor failed",
                 (long long)which->sweep, dse_sweep_state_text(row.state));
    DSE_TRY(dse_store_set_sweep_state(
        methods->store, which->sweep,
        counts.generation == NOT_BEGUN ? DSE_SWEEP_QUEUED : DSE_SWEEP_RUNNING, "", 0, err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_resumed", DSE_LOG_INT("sweep", which->sweep));
    dse_scheduler_kick(methods->scheduler);
    tell_watchers(methods, which->sweep);
    return answer_with_sweep(methods, which->sweep, arena, result, err);
}

static enum dse_status answer_priority(struct dse_methods *methods, struct dse_client *client,
                                       const void *params, struct dse_arena *arena, void **result,
                                       struct dse_err *err) {
    (void)client;
    enum { PRIORITY_MAX = 1000 };
    const struct dse_msg_priority_of *wish = params;
    if (wish->priority < -PRIORITY_MAX || wish->priority > PRIORITY_MAX)
        DSE_FAIL(err, DSE_INVALID, "priority %lld is not from %d to %d", (long long)wish->priority,
                 -PRIORITY_MAX, PRIORITY_MAX);
    DSE_TRY(dse_store_set_sweep_priority(methods->store, wish->sweep, wish->priority, err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_priority", DSE_LOG_INT("sweep", wish->sweep),
            DSE_LOG_INT("priority", wish->priority));
    dse_scheduler_kick(methods->scheduler);
    return answer_with_sweep(methods, wish->sweep, arena, result, err);
}

static enum dse_status answer_delete(struct dse_methods *methods, struct dse_client *client,
                                     const void *params, struct dse_arena *arena, void **result,
                                     struct dse_err *err) {
    (void)client;
    const struct dse_msg_deletion *wish = params;
    struct dse_sweep_row row;
    struct dse_deletion gone;
    struct dse_msg_deleted *deleted = new_result(arena, sizeof *deleted, result, err);
    if (deleted == NULL)
        return DSE_NO_MEMORY;
    DSE_TRY(dse_store_load_sweep(methods->store, wish->sweep, arena, &row, err));
    if (!dse_sweep_state_final(row.state)) {
        if (!wish->force)
            DSE_FAIL(err, DSE_CONFLICT,
                     "sweep %lld is %s: cancel it before it is deleted, or force it",
                     (long long)wish->sweep, dse_sweep_state_text(row.state));
        DSE_TRY(dse_store_set_sweep_state(methods->store, wish->sweep, DSE_SWEEP_CANCELLED, "",
                                          dse_clock_wall_ms(), err));
        dse_scheduler_kick(methods->scheduler);
        tell_watchers(methods, wish->sweep);
        dse_methods_send_events(methods); /* while there is something to tell */
    }
    DSE_TRY(dse_store_delete_sweep(methods->store, wish->sweep, &gone, err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_deleted", DSE_LOG_INT("sweep", wish->sweep),
            DSE_LOG_INT("individuals", gone.individuals));
    *deleted = (struct dse_msg_deleted){.sweep = wish->sweep,
                                        .name = row.name,
                                        .individuals = gone.individuals,
                                        .evaluations = gone.evaluations};
    return DSE_OK;
}

static enum dse_status answer_workers(struct dse_methods *methods, struct dse_client *client,
                                      const void *params, struct dse_arena *arena, void **result,
                                      struct dse_err *err) {
    (void)client;
    (void)params;
    struct dse_msg_worker_list *list = new_result(arena, sizeof *list, result, err);
    if (list == NULL)
        return DSE_NO_MEMORY;
    return dse_report_workers(dse_scheduler_pool(methods->scheduler), arena, list, err);
}

static enum dse_status answer_dump(struct dse_methods *methods, struct dse_client *client,
                                   const void *params, struct dse_arena *arena, void **result,
                                   struct dse_err *err) {
    (void)client;
    const struct dse_msg_generation_id *which = params;
    struct dse_sweep_counts counts;
    struct dse_buf text = {0};
    struct dse_msg_dump_part *part = new_result(arena, sizeof *part, result, err);
    if (part == NULL)
        return DSE_NO_MEMORY;
    DSE_TRY(dse_store_count_sweep(methods->store, which->sweep, &counts, err));
    if (which->generation < -1 || which->generation > INT32_MAX)
        DSE_FAIL(err, DSE_NOT_FOUND, "there is no generation %lld", (long long)which->generation);
    enum dse_status status =
        dse_store_dump(methods->store, which->sweep, (int)which->generation, &text, err);
    if (status == DSE_OK) {
        part->text = dse_arena_strndup(arena, dse_buf_text(&text), text.size);
        part->next = which->generation < counts.generation ? which->generation + 1 : -2;
        if (part->text == NULL)
            status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for a dump");
    }
    dse_buf_fini(&text);
    return status;
}

/* ---- plan and submit: answered when the preparation is done ---- */

static void free_request(struct dse_request *request) {
    struct dse_request **link = &request->methods->waiting;
    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    dse_arena_fini(&request->preparation.arena);
    dse_free(request);
}

enum dse_status dse_methods_keep_sweep(struct dse_store *store, struct dse_preparation *preparation,
                                       const struct dse_workload_source *source, int64_t *id,
                                       struct dse_err *err) {
    struct dse_buf canonical = {0};
    struct dse_sweep_row row = {
        .name = preparation->workload.name,
        .state = DSE_SWEEP_QUEUED,
        .reason = "",
        .seed = (uint64_t)preparation->workload.seed,
        .content_hash = preparation->content_hash,
        .context_hash = preparation->context.hash,
        .source = source->text,
        .file = source->file,
        .base_dir = source->base_dir,
        .submitted_at_ms = dse_clock_wall_ms(),
    };
    DSE_TRY(dse_report_spec(preparation, &row.spec, err));
    enum dse_status status = dse_workload_print(&preparation->workload, &canonical, err);
    if (status != DSE_OK)
        goto fail;
    row.canonical = canonical.data;
    DSE_TRY_GOTO(status, dse_store_begin(store, err), fail);
    status = dse_store_put_context(store, row.context_hash, preparation->prepared_json, err);
    if (status == DSE_OK)
        status = dse_store_insert_sweep(store, &row, id, err);
    status = dse_store_finish(store, status, err);
fail:
    dse_buf_fini(&canonical);
    return status;
}

static enum dse_status find_or_insert_sweep(struct dse_request *request, int64_t *id, bool *reused,
                                            struct dse_err *err) {
    struct dse_err unknown = {0};
    *reused = false;
    if (request->reuse) {
        enum dse_status status = dse_store_find_sweep(
            request->methods->store, request->preparation.content_hash, id, &unknown);
        *reused = status == DSE_OK;
        if (status != DSE_NOT_FOUND)
            return status == DSE_OK ? DSE_OK : dse_err_set(err, status, "%s", unknown.text);
    }
    const struct dse_workload_source source = {
        .text = request->source, .file = request->file, .base_dir = request->base_dir};
    DSE_TRY(
        dse_methods_keep_sweep(request->methods->store, &request->preparation, &source, id, err));
    dse_log(DSE_LOG_INFO, "methods", "sweep_submitted", DSE_LOG_INT("sweep", *id),
            DSE_LOG_TEXT("name", request->preparation.workload.name));
    return DSE_OK;
}

static enum dse_status finish_submit(struct dse_request *request, struct dse_err *err) {
    struct dse_msg_sweep sweep;
    int64_t id;
    bool reused;
    DSE_TRY(find_or_insert_sweep(request, &id, &reused, err));
    DSE_TRY(dse_report_sweep(request->methods->store, request->methods->scheduler, id,
                             &request->preparation.arena, &sweep, err));
    sweep.reused = reused;
    send_result(request->client, request->id, request->method, &sweep);
    return DSE_OK;
}

static enum dse_status finish_plan(struct dse_request *request, struct dse_err *err) {
    struct dse_msg_plan plan;
    DSE_TRY(dse_report_plan(&request->preparation, &plan, err));
    send_result(request->client, request->id, request->method, &plan);
    return DSE_OK;
}

/* Now that the problem is known, the individuals to begin with can be read. */
static enum dse_status read_initial(struct dse_request *request, struct dse_err *err) {
    struct dse_preparation *preparation = &request->preparation;
    struct dse_model_facts facts;
    DSE_TRY(dse_context_model_facts(&preparation->workload, preparation->prepared,
                                    &preparation->arena, &facts, err));
    DSE_TRY(dse_context_load_initial(request->methods->store, &preparation->workload, &facts,
                                     &preparation->arena, &preparation->initial, err));
    return dse_context_hash_initial(&preparation->initial, &preparation->arena,
                                    &preparation->content_hash, err);
}

static enum dse_status finish_request(struct dse_request *request, struct dse_err *err) {
    struct dse_sweep_row row;
    if (request->preparation.reevaluates != 0)
        DSE_TRY(dse_store_load_sweep(request->methods->store, request->preparation.reevaluates,
                                     &request->preparation.arena, &row, err));
    DSE_TRY(read_initial(request, err));
    return request->method == DSE_METHOD_submit ? finish_submit(request, err)
                                                : finish_plan(request, err);
}

static void when_prepared(void *context, struct dse_preparation *preparation,
                          enum dse_status status, const struct dse_err *why) {
    struct dse_methods *methods = context;
    struct dse_request *request = preparation->request;
    struct dse_err err = {0};
    if (status != DSE_OK)
        err = *why;
    else
        status = finish_request(request, &err);
    if (status != DSE_OK)
        send_error(request->client, request->id, 0, &err, NULL, 0);
    free_request(request);
    dse_scheduler_kick(methods->scheduler);
}

static void send_workload_errors(struct dse_client *client, int64_t id,
                                 const struct dse_workload_errors *errors,
                                 const struct dse_err *why) {
    struct dse_arena arena = {0};
    char text[sizeof why->text + sizeof why->file + 32];
    const char *lines[DSE_WORKLOAD_ERRORS_MAX];
    int n = 0;
    for (int i = 0; i < errors->n; i++) {
        lines[n] = dse_arena_strdup(&arena, dse_err_format(&errors->items[i], text, sizeof text));
        n += lines[n] != NULL;
    }
    send_error(client, id, 0, why, lines, n);
    dse_arena_fini(&arena);
}

static enum dse_status read_request(struct dse_request *request,
                                    const struct dse_msg_workload_text *params,
                                    struct dse_workload_errors *errors, struct dse_err *err) {
    struct dse_arena *arena = &request->preparation.arena;
    if (params->base_dir[0] != '/')
        DSE_FAIL(err, DSE_INVALID, "base_dir: '%s' is not an absolute path", params->base_dir);
    request->preparation.reevaluates = params->reevaluates;
    request->source = dse_arena_strdup(arena, params->text);
    request->file = dse_arena_strdup(arena, params->file);
    request->base_dir = dse_arena_strdup(arena, params->base_dir);
    if (request->source == NULL || request->file == NULL || request->base_dir == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a workload");
    struct dse_workload_source source = {
        .text = request->source,
        .length = strlen(request->source),
        .file = request->file,
        .base_dir = request->base_dir,
        .foreign = true,
        .environment = params->environment,
        .n_environment = params->environment_n,
    };
    return dse_workload_parse_source(&source, arena, &request->preparation.workload, errors, err);
}

static void begin_request(struct dse_methods *methods, struct dse_client *client,
                          const struct dse_rpc_request *rpc) {
    struct dse_err err = {0};
    const struct dse_msg_workload_text *params = rpc->params;
    struct dse_request *request = dse_alloc(1, sizeof *request);
    struct dse_workload_errors *errors = dse_alloc(1, sizeof *errors);
    if (request == NULL || errors == NULL) {
        (void)dse_err_set(&err, DSE_NO_MEMORY, "out of memory for a workload");
        send_error(client, rpc->id, 0, &err, NULL, 0);
        dse_free(request);
        dse_free(errors);
        return;
    }
    *request = (struct dse_request){.methods = methods,
                                    .client = client,
                                    .id = rpc->id,
                                    .method = rpc->method,
                                    .reuse = params->reuse,
                                    .next = methods->waiting};
    methods->waiting = request;
    enum dse_status status = read_request(request, params, errors, &err);
    if (status != DSE_OK) {
        send_workload_errors(client, rpc->id, errors, &err);
        free_request(request);
    } else {
        request->preparation.done = when_prepared;
        request->preparation.done_context = methods;
        request->preparation.request = request;
        dse_scheduler_prepare(methods->scheduler, &request->preparation);
    }
    dse_free(errors);
}

/* ---- dispatch ---- */

/* Methods that wait for a preparation have no entry. */
static const handler handlers[DSE_METHOD_COUNT] = {
    [DSE_METHOD_hello] = answer_hello,         [DSE_METHOD_list] = answer_list,
    [DSE_METHOD_status] = answer_status,       [DSE_METHOD_workload] = answer_workload,
    [DSE_METHOD_watch] = answer_watch,         [DSE_METHOD_front] = answer_front,
    [DSE_METHOD_show] = answer_show,           [DSE_METHOD_cancel] = answer_cancel,
    [DSE_METHOD_dump] = answer_dump,           [DSE_METHOD_individuals] = answer_individuals,
    [DSE_METHOD_pause] = answer_pause,         [DSE_METHOD_resume] = answer_resume,
    [DSE_METHOD_priority] = answer_priority,   [DSE_METHOD_delete] = answer_delete,
    [DSE_METHOD_workers] = answer_workers,     [DSE_METHOD_recipe] = answer_recipe,
    [DSE_METHOD_retrained] = answer_retrained, [DSE_METHOD_retrainings] = answer_retrainings,
};

void dse_methods_answer(struct dse_methods *methods, struct dse_client *client, const char *line,
                        size_t length) {
    struct dse_arena arena = {0};
    struct dse_rpc_request rpc;
    struct dse_err err = {0};
    int rpc_code = 0;
    if (dse_rpc_read_request(line, length, &arena, &rpc, &rpc_code, &err) != DSE_OK) {
        send_error(client, rpc.id, rpc_code, &err, NULL, 0);
    } else if (handlers[rpc.method] == NULL) {
        begin_request(methods, client, &rpc);
    } else {
        void *result;
        if (handlers[rpc.method](methods, client, rpc.params, &arena, &result, &err) == DSE_OK)
            send_result(client, rpc.id, rpc.method, result);
        else
            send_error(client, rpc.id, 0, &err, NULL, 0);
    }
    dse_arena_fini(&arena);
}

void dse_methods_forget_client(struct dse_methods *methods, struct dse_client *client) {
    for (struct dse_request *r = methods->waiting; r != NULL; r = r->next)
        if (r->client == client)
            r->client = NULL;
}

static void send_event(struct dse_methods *methods, struct dse_client *client) {
    struct dse_client_notes *notes = dse_client_notes(client);
    struct dse_arena arena = {0};
    struct dse_msg_sweep sweep;
    struct dse_buf text = {0};
    struct dse_err err = {0};
    notes->event_due = false;
    if (dse_report_sweep(methods->store, methods->scheduler, notes->watched_sweep, &arena, &sweep,
                         &err) == DSE_OK &&
        dse_rpc_write_progress(&sweep, &text, &err) == DSE_OK)
        dse_client_send_take(client, &text);
    dse_buf_fini(&text);
    dse_arena_fini(&arena);
}

void dse_methods_send_events(struct dse_methods *methods) {
    struct dse_client *next;
    for (struct dse_client *c = dse_server_first_client(methods->server); c != NULL; c = next) {
        next = dse_client_next(c);
        if (dse_client_notes(c)->event_due && dse_client_drained(c))
            send_event(methods, c);
    }
}
