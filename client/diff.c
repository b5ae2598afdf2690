/* pareto diff: two sweeps side by side. Individuals come a page at a time; of each only its genome,
 * place and figures are kept. */
#include "client/diff.h"

#include <stdlib.h>
#include <string.h>

/* ---- individuals ---- */

/* One side while its pages come. */
struct loading {
    struct dse_arena *kept;
    struct client__diff_side *side;
    struct dse_console_progress progress;
};

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "out of memory for the individuals of two sweeps");
}

static enum dse_status keep_objectives(struct loading *loading,
                                       const struct dse_msg_individual_page *page,
                                       struct dse_err *err) {
    struct client__diff_side *side = loading->side;
    struct dse_msg_objective *list =
        dse_arena_alloc(loading->kept, (size_t)page->objectives_n, sizeof *list);
    if (list == NULL)
        return no_memory(err);
    if (page->objectives_n > DSE_COMPARE_OBJECTIVES_MAX)
        DSE_FAIL(err, DSE_PROTOCOL, "a sweep of %d objectives", page->objectives_n);
    for (int j = 0; j < page->objectives_n; j++) {
        list[j].metric = dse_arena_strdup(loading->kept, page->objectives[j].metric);
        list[j].sense = dse_arena_strdup(loading->kept, page->objectives[j].sense);
        list[j].unit = dse_arena_strdup(loading->kept, page->objectives[j].unit);
        if (list[j].metric == NULL || list[j].sense == NULL || list[j].unit == NULL)
            return no_memory(err);
    }
    side->objectives = list;
    side->n_objectives = page->objectives_n;
    return DSE_OK;
}

static enum dse_status make_room(struct loading *loading, int n, struct dse_err *err) {
    struct client__diff_side *side = loading->side;
    if (side->n + n <= side->capacity)
        return DSE_OK;
    int capacity = 2 * (side->n + n);
    struct client__diff_item *grown =
        dse_arena_alloc(loading->kept, (size_t)capacity, sizeof *grown);
    if (grown == NULL)
        return no_memory(err);
    if (side->n > 0)
        memcpy(grown, side->items, (size_t)side->n * sizeof *grown);
    side->items = grown;
    side->capacity = capacity;
    return DSE_OK;
}

static enum dse_status keep_individual(struct loading *loading,
                                       const struct dse_msg_individual *individual,
                                       struct dse_err *err) {
    struct client__diff_side *side = loading->side;
    size_t m = (size_t)side->n_objectives;
    struct client__diff_item item = {
        .genome = dse_arena_strdup(loading->kept, individual->genome),
        .generation = individual->generation,
        .slot = individual->slot,
        .in_front = individual->in_front,
    };
    double *objectives = dse_arena_alloc(loading->kept, m, sizeof *objectives);
    if (item.genome == NULL || objectives == NULL)
        return no_memory(err);
    if (individual->objectives_n == side->n_objectives) {
        memcpy(objectives, individual->objectives, m * sizeof *objectives);
        item.objectives = objectives;
    }
    item.in_front = item.in_front && item.objectives != NULL;
    side->items[side->n++] = item;
    return DSE_OK;
}

static enum dse_status keep_page(void *context, const struct dse_msg_individual_page *page,
                                 struct dse_err *err) {
    struct loading *loading = context;
    if (loading->side->objectives == NULL)
        DSE_TRY(keep_objectives(loading, page, err));
    DSE_TRY(make_room(loading, page->individuals_n, err));
    for (int i = 0; i < page->individuals_n; i++)
        DSE_TRY(keep_individual(loading, &page->individuals[i], err));
    dse_console_progress_step(&loading->progress, "individuals", loading->side->n,
                              loading->side->sweep->individuals);
    return DSE_OK;
}

static int compare_items(const void *left, const void *right) {
    const struct client__diff_item *a = left, *b = right;
    int order = strcmp(a->genome, b->genome);
    if (order != 0)
        return order;
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static int compare_births(const void *left, const void *right) {
    const struct client__diff_item *a = *(const struct client__diff_item *const *)left;
    const struct client__diff_item *b = *(const struct client__diff_item *const *)right;
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static enum dse_status list_front(struct dse_arena *kept, struct client__diff_side *side,
                                  struct dse_err *err) {
    side->front = dse_arena_alloc(kept, (size_t)side->n, sizeof *side->front);
    if (side->front == NULL)
        return no_memory(err);
    for (int i = 0; i < side->n; i++)
        if (side->items[i].in_front)
            side->front[side->n_front++] = &side->items[i];
    if (side->n_front > 0)
        qsort(side->front, (size_t)side->n_front, sizeof *side->front, compare_births);
    return DSE_OK;
}

static enum dse_status load_side(struct client *c, struct client__diff *diff, int number,
                                 struct dse_err *err) {
    struct client__diff_side *side = &diff->sides[number];
    struct loading loading = {.kept = &diff->kept, .side = side};
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    DSE_TRY(client__parse_id(c->options.operands[number], &id.sweep, err));
    DSE_TRY(client__call(c, DSE_METHOD_status, &id, &reply, err));
    side->sweep = reply.result;
    DSE_TRY(client__call(c, DSE_METHOD_workload, &id, &reply, err));
    side->canonical = ((const struct dse_msg_sweep_workload *)reply.result)->canonical;
    struct dse_msg_individual_query query = {.sweep = id.sweep};
    enum dse_status status = client__each_page(c, query, keep_page, &loading, err);
    dse_console_progress_end(&loading.progress);
    if (status == DSE_OK && side->n > 0)
        qsort(side->items, (size_t)side->n, sizeof *side->items, compare_items);
    return status == DSE_OK ? list_front(&diff->kept, side, err) : status;
}

/* ---- workloads: their canonical texts have one key a line, in one order ---- */

struct lines {
    struct client__diff_key *list; /* values[0] alone */
    int n;
};

static enum dse_status read_lines(struct dse_arena *kept, const char *text, struct lines *lines,
                                  struct dse_err *err) {
    size_t most = 1;
    const char *section = "";
    for (const char *p = text; *p != '\0'; p++)
        most += *p == '\n';
    lines->list = dse_arena_alloc(kept, most, sizeof *lines->list);
    char *copy = dse_arena_strdup(kept, text), *rest = copy, *line;
    if (lines->list == NULL || copy == NULL)
        return no_memory(err);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        if (colon[1] == '\0') {
            section = line;
            continue;
        }
        bool is_inner = line[0] == ' ';
        lines->list[lines->n++] = (struct client__diff_key){
            .key = is_inner ? dse_console_printf(kept, "%s.%s", section, line + strspn(line, " "))
                            : line,
            .values = {colon + 1 + strspn(colon + 1, " ")}};
    }
    return DSE_OK;
}

static const char *value_of(const struct lines *lines, const char *key) {
    for (int i = 0; i < lines->n; i++)
        if (strcmp(lines->list[i].key, key) == 0)
            return lines->list[i].values[0];
    return NULL;
}

static enum dse_status compare_workloads(struct client__diff *diff, struct dse_err *err) {
    struct lines lines[2] = {{0}};
    for (int s = 0; s < 2; s++)
        DSE_TRY(read_lines(&diff->kept, diff->sides[s].canonical, &lines[s], err));
    diff->keys =
        dse_arena_alloc(&diff->kept, (size_t)(lines[0].n + lines[1].n), sizeof *diff->keys);
    if (diff->keys == NULL)
        return no_memory(err);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < lines[s].n; i++) {
            const char *key = lines[s].list[i].key;
            const char *mine = lines[s].list[i].values[0], *other = value_of(&lines[1 - s], key);
            if (s == 1 ? other != NULL : other != NULL && strcmp(mine, other) == 0)
                continue;
            struct client__diff_key *found = &diff->keys[diff->n_keys++];
            found->key = key;
            found->values[s] = mine;
            found->values[1 - s] = other;
        }
    return DSE_OK;
}

/* ---- figures ---- */

static bool have_equal_objectives(const struct client__diff *diff) {
    const struct client__diff_side *a = &diff->sides[0], *b = &diff->sides[1];
    bool equal = a->n_objectives == b->n_objectives && a->n_objectives > 0;
    for (int j = 0; equal && j < a->n_objectives; j++)
        equal = strcmp(a->objectives[j].metric, b->objectives[j].metric) == 0 &&
                strcmp(a->objectives[j].sense, b->objectives[j].sense) == 0;
    return equal;
}

static const struct client__diff_item *find_item(const struct client__diff_side *side,
                                                 const char *genome) {
    int low = 0, high = side->n; /* the first that is not before the genome */
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(side->items[middle].genome, genome) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < side->n && strcmp(side->items[low].genome, genome) == 0;
    return found ? &side->items[low] : NULL;
}

bool client__diff_is_shared(const struct client__diff *diff, int side,
                            const struct client__diff_item *member) {
    const struct client__diff_side *other = &diff->sides[1 - side];
    const struct client__diff_item *end = other->items + other->n;
    for (const struct client__diff_item *item = find_item(other, member->genome);
         item != NULL && item < end && strcmp(item->genome, member->genome) == 0; item++)
        if (item->in_front)
            return true;
    return false;
}

static bool is_first_with_result(const struct client__diff_side *side, int i) {
    if (side->items[i].objectives == NULL)
        return false;
    for (int k = i - 1; k >= 0 && strcmp(side->items[k].genome, side->items[i].genome) == 0; k--)
        if (side->items[k].objectives != NULL)
            return false;
    return true;
}

static const struct client__diff_item *find_result(const struct client__diff_side *side,
                                                   const char *genome) {
    const struct client__diff_item *item = find_item(side, genome);
    const struct client__diff_item *end = side->items + side->n;
    while (item != NULL && item < end && strcmp(item->genome, genome) == 0) {
        if (item->objectives != NULL)
            return item;
        item++;
    }
    return NULL;
}

static enum dse_status pair_genomes(struct client__diff *diff, struct dse_err *err) {
    const struct client__diff_side *a = &diff->sides[0];
    diff->pairs = dse_arena_alloc(&diff->kept, (size_t)a->n, sizeof *diff->pairs);
    if (diff->pairs == NULL)
        return no_memory(err);
    for (int i = 0; i < a->n; i++) {
        if (!is_first_with_result(a, i))
            continue;
        const struct client__diff_item *other = find_result(&diff->sides[1], a->items[i].genome);
        if (other == NULL)
            continue;
        struct client__diff_pair *pair = &diff->pairs[diff->n_pairs++];
        *pair = (struct client__diff_pair){.items = {&a->items[i], other}};
        for (int j = 0; j < a->n_objectives; j++)
            pair->differs = pair->differs || a->items[i].objectives[j] != other->objectives[j];
        diff->n_differing += pair->differs;
    }
    return DSE_OK;
}

static enum dse_status compare_fronts(struct client__diff *diff, struct dse_err *err) {
    struct dse_compare_front fronts[2];
    for (int s = 0; s < 2; s++) {
        struct client__diff_side *side = &diff->sides[s];
        size_t m = (size_t)side->n_objectives;
        double *points = dse_arena_alloc(&diff->kept, (size_t)side->n_front * m, sizeof *points);
        if (points == NULL)
            return no_memory(err);
        for (int i = 0; i < side->n_front; i++) {
            memcpy(points + (size_t)i * m, side->front[i]->objectives, m * sizeof *points);
            side->n_only += !client__diff_is_shared(diff, s, side->front[i]);
        }
        fronts[s] = (struct dse_compare_front){.points = points, .n = side->n_front};
    }
    return dse_compare_fronts(diff->sides[0].objectives, diff->sides[0].n_objectives, fronts,
                              &diff->numbers, err);
}

static enum dse_status compare_sweeps(struct client *c, struct client__diff *diff,
                                      struct dse_err *err) {
    for (int s = 0; s < 2; s++)
        DSE_TRY(load_side(c, diff, s, err));
    DSE_TRY(compare_workloads(diff, err));
    diff->comparable = have_equal_objectives(diff);
    if (diff->comparable) {
        DSE_TRY(compare_fronts(diff, err));
        DSE_TRY(pair_genomes(diff, err));
    }
    return c->options.json ? client__diff_print_json(diff, err) : client__diff_print(c, diff, err);
}

enum dse_status client__command_diff(struct client *c, struct dse_err *err) {
    struct client__diff diff = {0};
    DSE_TRY(client__connect(c, err));
    enum dse_status status = compare_sweeps(c, &diff, err);
    dse_arena_fini(&diff.kept);
    return status;
}
