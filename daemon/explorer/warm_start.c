/* The individuals that a sweep begins with: read and repaired once, at its submission. They are
 * kept with the sweep (record spec), so neither a file nor another sweep is asked again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

struct found {
    const char *genome; /* canonical */
    int order;
};
/* One loading. */
struct loading {
    const struct dse_workload *workload;
    const struct dse_problem_def *problem;
    struct dse_space space;
    struct dse_arena *arena;
    double *genome; /* n_genes, of the one being read */
    struct found *found;
    int n, room; /* of found */
    int n_given;
};

/* ---- genomes as people write them ---- */

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t");
}

/* The number of genes of "[8, 4, 2.5]", -1 where it is no list of finite numbers; the first n_genes
 * into genome. */
static int read_genes(const char *text, double *genome, int n_genes) {
    const char *at = skip_blanks(text);
    int n = 0;
    if (*at++ != '[')
        return -1;
    for (;; n++) {
        at = skip_blanks(at);
        size_t length = strspn(at, "+-.0123456789eE");
        const char *end;
        double value = length == 0 ? NAN : dse_number_read(at, &end);
        if (!isfinite(value) || end != at + length)
            return -1;
        if (n < n_genes)
            genome[n] = value;
        at = skip_blanks(end);
        if (*at == ',') {
            at++;
        } else {
            break;
        }
    }
    return *at == ']' && *skip_blanks(at + 1) == '\0' ? n + 1 : -1;
}

/* Adds the genome that has been read, repaired. */
static enum dse_status add_repaired(struct loading *loading, struct dse_err *err) {
    struct dse_buf text = {0};
    loading->problem->repair(&loading->space, loading->genome);
    dse_genome_print(loading->genome, loading->space.n_genes, &text);
    enum dse_status status = dse_buf_status(&text, err);
    const char *copy =
        status == DSE_OK ? dse_arena_strdup(loading->arena, dse_buf_text(&text)) : NULL;
    if (status == DSE_OK && copy == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for a genome");
    dse_buf_fini(&text);
    dse_assert(loading->n < loading->room);
    if (status == DSE_OK) {
        loading->found[loading->n] = (struct found){.genome = copy, .order = loading->n};
        loading->n++;
    }
    return status;
}

/* Room for n more. */
static enum dse_status make_room(struct loading *loading, int n, struct dse_err *err) {
    struct found *grown =
        dse_arena_alloc(loading->arena, (size_t)loading->n + (size_t)n, sizeof *grown);
    if (grown == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d individuals", n);
    if (loading->n > 0)
        memcpy(grown, loading->found, (size_t)loading->n * sizeof *grown);
    loading->found = grown;
    loading->room = loading->n + n;
    return DSE_OK;
}

/* ---- from a file ---- */

static enum dse_status take_item(struct loading *loading, const struct initial_item *item,
                                 int number, struct dse_err *err) {
    const char *path = loading->workload->exploration_initial;
    int n = read_genes(item->genome, loading->genome, loading->space.n_genes);
    if (n < 0)
        return dse_err_set_at(err, DSE_INVALID, path, item->line, item->line > 0 ? 1 : 0,
                              "individual %d: genome \"%.60s\" is no list of numbers like [8,4]",
                              number, item->genome);
    if (n != loading->space.n_genes)
        return dse_err_set_at(err, DSE_INVALID, path, item->line, item->line > 0 ? 1 : 0,
                              "individual %d has %d genes; the problem has %d, from %s to %s",
                              number, n, loading->space.n_genes, loading->space.genes[0].name,
                              loading->space.genes[loading->space.n_genes - 1].name);
    return add_repaired(loading, err);
}

/* All are read, so that every wrong one is found; those of a front are kept before others. */
static enum dse_status take_file(struct loading *loading, struct dse_err *err) {
    struct initial_item *items;
    int n;
    DSE_TRY(dse_explorer__read_initial(loading->workload->exploration_initial, loading->arena,
                                       &items, &n, err));
    DSE_TRY(make_room(loading, n, err));
    for (int front = 1; front >= 0; front--)
        for (int i = 0; i < n; i++)
            if (items[i].in_front == (front == 1))
                DSE_TRY(take_item(loading, &items[i], i + 1, err));
    loading->n_given += n;
    return DSE_OK;
}

/* ---- from another sweep ---- */

static int compare_by_first_objective(const void *left, const void *right) {
    const struct dse_individual_row *a = left, *b = right;
    if (a->objectives[0] != b->objectives[0])
        return a->objectives[0] < b->objectives[0] ? -1 : 1;
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static enum dse_status take_rows(struct loading *loading, struct dse_individual_row *rows, int n,
                                 struct dse_err *err) {
    int missing = (int)loading->workload->exploration_population - loading->n;
    int wanted = missing < 0 ? 0 : n < missing ? n : missing;
    struct dse_mark mark = loading->workload->at.exploration_initial_sweep;
    qsort(rows, (size_t)n, sizeof *rows, compare_by_first_objective);
    loading->n_given += n;
    DSE_TRY(make_room(loading, wanted, err));
    for (int i = 0; i < wanted; i++) {
        const char *genome = rows[(int64_t)i * n / wanted].genome;
        int n_genes = read_genes(genome, loading->genome, loading->space.n_genes);
        if (n_genes != loading->space.n_genes)
            return dse_err_set_at(err, DSE_INVALID, loading->workload->file, mark.line, mark.column,
                                  "exploration.initial_sweep: sweep %lld has %d genes; the problem"
                                  " has %d",
                                  (long long)loading->workload->exploration_initial_sweep, n_genes,
                                  loading->space.n_genes);
        DSE_TRY(add_repaired(loading, err));
    }
    return DSE_OK;
}

static enum dse_status take_front(struct loading *loading, struct dse_store *store,
                                  struct dse_err *err) {
    int64_t sweep = loading->workload->exploration_initial_sweep;
    struct dse_mark mark = loading->workload->at.exploration_initial_sweep;
    struct dse_sweep_row row;
    struct dse_individual_row *rows;
    struct dse_err why = {0};
    int n = 0;
    enum dse_status status = dse_store_load_sweep(store, sweep, loading->arena, &row, &why);
    if (status == DSE_NOT_FOUND)
        return dse_err_set_at(err, DSE_INVALID, loading->workload->file, mark.line, mark.column,
                              "exploration.initial_sweep: there is no sweep %lld; pareto list"
                              " names them",
                              (long long)sweep);
    if (status != DSE_OK)
        return dse_err_set(err, status, "%s", why.text);
    DSE_TRY(dse_store_load_individuals(store, sweep, DSE_SELECT_FRONT, 0, loading->arena, &rows, &n,
                                       err));
    if (n == 0)
        return dse_err_set_at(err, DSE_INVALID, loading->workload->file, mark.line, mark.column,
                              "exploration.initial_sweep: sweep %lld (%s) has no front%s",
                              (long long)sweep, dse_sweep_state_text(row.state),
                              dse_sweep_state_final(row.state) ? "" : " yet");
    return take_rows(loading, rows, n, err);
}

/* ---- both ---- */

static int compare_by_genome(const void *left, const void *right) {
    const struct found *a = left, *b = right;
    int order = strcmp(a->genome, b->genome);
    return order != 0 ? order : a->order < b->order ? -1 : 1;
}

static int compare_by_order(const void *left, const void *right) {
    const struct found *a = left, *b = right;
    return a->order < b->order ? -1 : 1;
}

/* Of equal genomes the first stays; of more than the population the first ones. */
static void leave_out_spare(struct loading *loading) {
    int kept = 0, most = (int)loading->workload->exploration_population;
    if (loading->n == 0)
        return;
    qsort(loading->found, (size_t)loading->n, sizeof *loading->found, compare_by_genome);
    for (int i = 0; i < loading->n; i++)
        if (i == 0 || strcmp(loading->found[i].genome, loading->found[kept - 1].genome) != 0)
            loading->found[kept++] = loading->found[i];
    qsort(loading->found, (size_t)kept, sizeof *loading->found, compare_by_order);
    loading->n = kept < most ? kept : most;
}

static enum dse_status give(struct loading *loading, struct dse_initial *initial,
                            struct dse_err *err) {
    leave_out_spare(loading);
    const char **genomes = dse_arena_alloc(loading->arena, (size_t)loading->n, sizeof *genomes);
    if (genomes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for predefined individuals");
    for (int i = 0; i < loading->n; i++)
        genomes[i] = loading->found[i].genome;
    *initial =
        (struct dse_initial){.genomes = genomes, .n = loading->n, .n_given = loading->n_given};
    return DSE_OK;
}

static enum dse_status take_all(struct loading *loading, struct dse_store *store,
                                struct dse_err *err) {
    loading->genome =
        dse_arena_alloc(loading->arena, (size_t)loading->space.n_genes, sizeof *loading->genome);
    if (loading->genome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a genome");
    if (loading->workload->exploration_initial[0] != '\0')
        DSE_TRY(take_file(loading, err));
    if (loading->workload->exploration_initial_sweep > 0)
        DSE_TRY(take_front(loading, store, err));
    return DSE_OK;
}

enum dse_status dse_context_load_initial(struct dse_store *store,
                                         const struct dse_workload *workload,
                                         const struct dse_model_facts *facts,
                                         struct dse_arena *arena, struct dse_initial *initial,
                                         struct dse_err *err) {
    struct loading loading = {.workload = workload, .arena = arena};
    *initial = (struct dse_initial){0};
    if (workload->exploration_initial[0] == '\0' && workload->exploration_initial_sweep == 0)
        return DSE_OK;
    DSE_TRY(dse_context_search_space(workload, facts, &loading.problem, &loading.space, err));
    enum dse_status status = take_all(&loading, store, err);
    if (status == DSE_OK)
        status = give(&loading, initial, err);
    dse_space_fini(&loading.space);
    return status;
}

enum dse_status dse_context_hash_initial(const struct dse_initial *initial, struct dse_arena *arena,
                                         const char **content_hash, struct dse_err *err) {
    char hex[DSE_SHA256_HEX];
    struct dse_buf text = {0};
    if (initial->n == 0)
        return DSE_OK;
    dse_buf_printf(&text, "%s\n", *content_hash);
    for (int i = 0; i < initial->n; i++)
        dse_buf_printf(&text, "initial %s\n", initial->genomes[i]);
    enum dse_status status = dse_buf_status(&text, err);
    if (status == DSE_OK)
        status = dse_sha256_bytes(text.data, text.size, hex, err);
    dse_buf_fini(&text);
    const char *copy = status == DSE_OK ? dse_arena_strdup(arena, hex) : NULL;
    if (status == DSE_OK && copy == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for a hash");
    if (status == DSE_OK)
        *content_hash = copy;
    return status;
}
