/* pareto reevaluate: members of a front once more, on more images or on others. It is a sweep of
 * one generation that begins with their genomes, so it is computed, kept and gone on with like any
 * other; the daemon knows which sweep it looks at. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "workloads/workloads.h"

enum { FEWEST = 2 /* of a population */ };

struct reevaluation {
    struct client *c;
    int64_t sweep;
    const struct dse_msg_sweep_workload *stored;
    const struct dse_msg_individual **chosen;
    int n_chosen;
    char initial[PATH_MAX + 64]; /* file of their genomes */
};

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "no memory to evaluate again");
}

/* ---- whom ---- */

static enum dse_status take_front(struct reevaluation *r, struct dse_err *err) {
    struct dse_msg_front_query query = {.sweep = r->sweep};
    const struct dse_msg_front *front;
    DSE_TRY(client__load_front(r->c, query, &front, err));
    r->chosen = dse_arena_alloc(&r->c->arena, (size_t)front->members_n, sizeof(void *));
    if (r->chosen == NULL)
        return no_memory(err);
    for (int i = 0; i < front->members_n; i++)
        r->chosen[i] = &front->members[i];
    r->n_chosen = front->members_n;
    return DSE_OK;
}

struct sorting {
    int objective;
    double sign; /* -1: the largest first */
};

static int compare_individuals(const void *a, const void *b, void *context) {
    const struct dse_msg_individual *x = *(const struct dse_msg_individual *const *)a,
                                    *y = *(const struct dse_msg_individual *const *)b;
    const struct sorting *by = context;
    double difference = by->sign * (x->objectives[by->objective] - y->objectives[by->objective]);
    if (difference != 0)
        return difference < 0 ? -1 : 1;
    return x->generation != y->generation ? (x->generation < y->generation ? -1 : 1)
                                          : (x->slot < y->slot ? -1 : x->slot > y->slot);
}

static enum dse_status find_objective(const struct reevaluation *r,
                                      const struct dse_msg_individual_page *page,
                                      struct sorting *sorting, struct dse_err *err) {
    const char *wanted = r->c->options.by, *names[64];
    char list[256];
    int n = 0;
    for (int i = 0; i < page->objectives_n && n < 64; i++) {
        names[n++] = page->objectives[i].metric;
        if (wanted == NULL || strcmp(page->objectives[i].metric, wanted) == 0) {
            sorting->objective = i;
            sorting->sign = strcmp(page->objectives[i].sense, "maximize") == 0 ? -1 : 1;
            return DSE_OK;
        }
    }
    DSE_FAIL(err, DSE_USAGE, "--by: \"%.60s\" is no objective of the sweep; those are %s", wanted,
             dse_words_join(names, n, list, sizeof list));
}

/* All feasible individuals, a page after the other. */
static enum dse_status take_feasible(struct reevaluation *r, struct sorting *sorting,
                                     struct dse_err *err) {
    struct dse_msg_individual_query query = {.sweep = r->sweep, .state = "done"};
    int capacity = 0;
    for (bool more = true; more;) {
        struct dse_rpc_reply reply;
        DSE_TRY(client__call(r->c, DSE_METHOD_individuals, &query, &reply, err));
        const struct dse_msg_individual_page *page = reply.result;
        DSE_TRY(find_objective(r, page, sorting, err));
        if (r->n_chosen + page->individuals_n > capacity) {
            capacity = 2 * (r->n_chosen + page->individuals_n);
            const struct dse_msg_individual **grown =
                dse_arena_alloc(&r->c->arena, (size_t)capacity, sizeof(void *));
            if (grown == NULL)
                return no_memory(err);
            if (r->n_chosen > 0)
                memcpy(grown, r->chosen, (size_t)r->n_chosen * sizeof(void *));
            r->chosen = grown;
        }
        for (int i = 0; i < page->individuals_n; i++) {
            const struct dse_msg_individual *one = &page->individuals[i];
            if (one->objectives_n > sorting->objective && !(one->violation > 0) &&
                isfinite(one->objectives[sorting->objective]))
                r->chosen[r->n_chosen++] = one;
        }
        more = page->more &&
               (page->next_generation > query.generation || page->next_slot > query.slot);
        query.generation = page->next_generation;
        query.slot = page->next_slot;
    }
    return DSE_OK;
}

static enum dse_status take_best(struct reevaluation *r, struct dse_err *err) {
    struct sorting sorting = {0};
    int64_t most;
    DSE_TRY(dse_console_read_count("--best", r->c->options.best, 1, INT_MAX, &most, err));
    DSE_TRY(take_feasible(r, &sorting, err));
    if (r->n_chosen > 0)
        qsort_r(r->chosen, (size_t)r->n_chosen, sizeof(void *), compare_individuals, &sorting);
    r->n_chosen = r->n_chosen < most ? r->n_chosen : (int)most;
    return DSE_OK;
}

/* ---- on what ---- */

static enum dse_status take_files(struct reevaluation *r, struct dse_workload *workload,
                                  struct dse_err *err) {
    struct dse_arena *arena = &r->c->arena;
    char *rest = NULL, path[PATH_MAX], *copy = dse_arena_strdup(arena, r->c->options.data);
    struct dse_text_list files = {.n = 0};
    if (copy == NULL)
        return no_memory(err);
    for (char *at = strtok_r(copy, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        if (files.n == DSE_WORKLOAD_LIST_MAX)
            DSE_FAIL(err, DSE_USAGE, "--data: more than %d files", (int)DSE_WORKLOAD_LIST_MAX);
        if (realpath(at, path) == NULL)
            return dse_err_set_errno(err, at);
        files.items[files.n] = dse_arena_strdup(arena, path);
        if (files.items[files.n++] == NULL)
            return no_memory(err);
    }
    /* The quantisers stay calibrated on what they were calibrated on. */
    if (workload->calibration_files.n == 0)
        workload->calibration_files = workload->dataset_files;
    workload->dataset_files = files;
    workload->dataset_first = 0;
    return DSE_OK;
}

static enum dse_status change_workload(struct reevaluation *r, struct dse_workload *workload,
                                       struct dse_err *err) {
    const struct client__options *options = &r->c->options;
    workload->name = dse_console_printf(&r->c->arena, "%s, again", workload->name);
    workload->dataset_images = 0;
    if (options->images != NULL && strcmp(options->images, "all") != 0)
        DSE_TRY(dse_console_read_count("--images", options->images, 1, INT_MAX,
                                       &workload->dataset_images, err));
    if (options->data != NULL)
        DSE_TRY(take_files(r, workload, err));
    workload->problem_thresholds = "genes"; /* those of the individuals, no others */
    workload->exploration_initial = r->initial;
    workload->exploration_initial_sweep = 0;
    workload->exploration_population = r->n_chosen < FEWEST ? FEWEST : r->n_chosen;
    workload->exploration_offspring = 0;
    workload->exploration_generations = 1;
    workload->exploration_individuals = workload->exploration_time_s =
        workload->exploration_standstill = 0;
    return DSE_OK;
}

/* A file in the daemon's place, which it reads once, while it takes the workload. */
static enum dse_status write_genomes(struct reevaluation *r, struct dse_err *err) {
    struct dse_buf text = {0};
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    char dir[PATH_MAX];
    DSE_TRY(client__call(r->c, DSE_METHOD_hello, &nothing, &reply, err));
    const struct dse_msg_hello *hello = reply.result;
    if (realpath(hello->state_dir, dir) == NULL)
        return dse_err_set_errno(err, hello->state_dir);
    (void)snprintf(r->initial, sizeof r->initial, "%s/again-%ld.csv", dir, (long)getpid());
    dse_buf_puts(&text, "in_front,genome\n");
    for (int i = 0; i < r->n_chosen; i++)
        dse_buf_printf(&text, "1,\"%s\"\n", r->chosen[i]->genome);
    enum dse_status status = dse_buf_status(&text, err);
    if (status == DSE_OK)
        status = dse_file_replace(r->initial, text.data, text.size, err);
    dse_buf_fini(&text);
    return status;
}

static enum dse_status submit(struct reevaluation *r, int64_t *sweep, struct dse_err *err) {
    struct client *c = r->c;
    struct dse_workload workload;
    struct dse_buf text = {0};
    struct dse_rpc_reply reply;
    DSE_TRY(dse_workload_parse_stored(r->stored->canonical, strlen(r->stored->canonical),
                                      r->stored->file, "/", &c->arena, &workload, err));
    if (!dse_workload_is_about_network(&workload))
        DSE_FAIL(err, DSE_UNSUPPORTED, "sweep %" PRId64 " is about no network and no images",
                 r->sweep);
    DSE_TRY(change_workload(r, &workload, err));
    enum dse_status status = dse_workload_print(&workload, &text, err);
    struct dse_msg_workload_text message = {.text = dse_buf_text(&text),
                                            .file = r->stored->file,
                                            .base_dir = "/",
                                            .reuse = true,
                                            .reevaluates = r->sweep};
    if (status == DSE_OK)
        status = client__call(c, DSE_METHOD_submit, &message, &reply, err);
    dse_buf_fini(&text);
    DSE_TRY(status);
    const struct dse_msg_sweep *answer = reply.result;
    *sweep = answer->sweep;
    (void)fprintf(stderr,
                  "pareto: %d individuals of sweep %" PRId64 " again, as sweep %" PRId64 "%s\n",
                  r->n_chosen, r->sweep, *sweep,
                  strcmp(answer->state, "done") == 0 ? ", which was finished already" : "");
    return strcmp(answer->state, "done") == 0 ? DSE_OK
                                              : client__watch_to_end(c, *sweep, stderr, err);
}

static enum dse_status evaluate_again(struct client *c, struct dse_err *err) {
    struct reevaluation r = {.c = c};
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    int64_t again;
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &id.sweep, err));
    r.sweep = id.sweep;
    DSE_TRY(client__call(c, DSE_METHOD_workload, &id, &reply, err));
    r.stored = reply.result;
    DSE_TRY(c->options.best != NULL ? take_best(&r, err) : take_front(&r, err));
    if (r.n_chosen == 0)
        DSE_FAIL(err, DSE_NOT_FOUND, "sweep %" PRId64 " has nobody to evaluate again yet", r.sweep);
    DSE_TRY(write_genomes(&r, err));
    enum dse_status status = submit(&r, &again, err);
    (void)unlink(r.initial);
    DSE_TRY(status);
    c->options.reevaluated = true;
    return client__front_of(c, r.sweep, err);
}

enum dse_status client__command_reevaluate(struct client *c, struct dse_err *err) {
    if (c->options.by != NULL && c->options.best == NULL)
        DSE_FAIL(err, DSE_USAGE, "--by says what --best is meant by");
    DSE_TRY(client__catch_signals(c, err));
    enum dse_status status = client__find_daemon(c, err);
    if (status == DSE_OK)
        status = evaluate_again(c, err);
    if (status == DSE_INTERRUPTED)
        status = client__explain_interrupt(c, err);
    client__stop_daemon(c);
    return status;
}
