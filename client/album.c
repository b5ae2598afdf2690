/* What pictures and reports show of a sweep, asked of the daemon. */
#include "client/album.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Appends a page to the array; arrays grow in the arena by doubling. */
static enum dse_status keep_page(struct client__album *album,
                                 const struct dse_msg_individual_page *page, int *capacity,
                                 struct dse_err *err) {
    struct dse_plots_sweep *data = &album->data;
    int needed = data->n_individuals + page->individuals_n;
    if (needed > *capacity) {
        struct dse_msg_individual *grown =
            dse_arena_alloc(&album->c->arena, (size_t)needed * 2, sizeof *grown);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d individuals", needed);
        if (data->n_individuals > 0)
            memcpy(grown, album->individuals, (size_t)data->n_individuals * sizeof *grown);
        album->individuals = grown;
        *capacity = needed * 2;
    }
    for (int i = 0; i < page->individuals_n; i++)
        album->individuals[data->n_individuals++] = page->individuals[i];
    data->individuals = album->individuals;
    data->objectives = page->objectives;
    data->n_objectives = page->objectives_n;
    data->layers = page->layers;
    data->n_layers = page->layers_n;
    return DSE_OK;
}

static enum dse_status load_individuals(struct client__album *album, struct dse_err *err) {
    struct dse_msg_individual_query query = {.sweep = album->sweep->sweep};
    struct dse_console_progress progress = {0};
    int capacity = 0;
    for (bool more = true; more;) {
        struct dse_rpc_reply reply;
        DSE_TRY(client__call(album->c, DSE_METHOD_individuals, &query, &reply, err));
        const struct dse_msg_individual_page *page = reply.result;
        DSE_TRY(keep_page(album, page, &capacity, err));
        more = page->more;
        if (more && page->next_generation <= query.generation && page->next_slot <= query.slot)
            DSE_FAIL(err, DSE_PROTOCOL, "the daemon's pages do not go on");
        query.generation = page->next_generation;
        query.slot = page->next_slot;
        dse_console_progress_step(&progress, "individuals", album->data.n_individuals,
                                  album->sweep->individuals);
    }
    dse_console_progress_end(&progress);
    return DSE_OK;
}

static enum dse_status load_one(struct client__album *album, int64_t generation, int64_t slot,
                                const struct dse_msg_individual **out, struct dse_err *err) {
    struct dse_msg_individual_id id = {
        .sweep = album->sweep->sweep, .generation = generation, .slot = slot};
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(album->c, DSE_METHOD_show, &id, &reply, err));
    *out = reply.result;
    return DSE_OK;
}

static enum dse_status choose(struct client__album *album, int64_t generation, int64_t slot,
                              struct dse_err *err) {
    struct dse_plots_sweep *data = &album->data;
    if (data->n_chosen == DSE_PLOTS_CHOSEN_MAX)
        DSE_FAIL(err, DSE_USAGE, "--individuals: at most %d", (int)DSE_PLOTS_CHOSEN_MAX);
    return load_one(album, generation, slot, &data->chosen[data->n_chosen++], err);
}

static enum dse_status choose_named(struct client__album *album, const char *list,
                                    struct dse_err *err) {
    char *copy = dse_arena_strdup(&album->c->arena, list), *rest = NULL;
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a list");
    for (char *at = strtok_r(copy, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        int64_t generation, slot;
        DSE_TRY(client__individual_of(at, &generation, &slot, err));
        DSE_TRY(choose(album, generation, slot, err));
    }
    return DSE_OK;
}

/* Without names: members spread evenly over the front, as it is sorted by its first objective. */
static enum dse_status choose_from_front(struct client__album *album, struct dse_err *err) {
    enum { MEMBERS = 4 };
    struct dse_msg_front_query query = {.sweep = album->sweep->sweep, .spread = MEMBERS};
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(album->c, DSE_METHOD_front, &query, &reply, err));
    const struct dse_msg_front *front = reply.result;
    for (int i = 0; i < front->members_n && i < MEMBERS; i++)
        DSE_TRY(choose(album, front->members[i].generation, front->members[i].slot, err));
    return DSE_OK;
}

enum dse_status client__album_load(struct client__album *album, const char *sweep,
                                   struct dse_err *err) {
    struct client *c = album->c;
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, sweep, &id.sweep, err));
    DSE_TRY(client__call(c, DSE_METHOD_status, &id, &reply, err));
    album->sweep = reply.result;
    album->data.title = album->sweep->name;
    DSE_TRY(load_individuals(album, err));
    if (load_one(album, -1, 0, &album->data.baseline, NULL) != DSE_OK)
        album->data.baseline = NULL; /* sweeps of functions have none */
    if (c->options.individuals != NULL)
        return choose_named(album, c->options.individuals, err);
    return choose_from_front(album, err);
}

/* ---- where files go ---- */

/* results/NAME-ID, where the name has nothing that a path could stumble over. */
static char *default_directory(struct client__album *album) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char *path = dse_arena_printf(&album->c->arena, "results/%.60s-%lld", album->sweep->name,
                                  (long long)album->sweep->sweep);
    for (char *at = path == NULL ? NULL : path + strlen("results/"); at != NULL && *at != '\0';
         at++)
        if (strchr(plain, *at) == NULL)
            *at = '-';
    return path;
}

/* With its missing parents. */
enum dse_status client__album_directory(struct client__album *album, const char *wanted,
                                        struct dse_err *err) {
    album->directory =
        wanted == NULL ? default_directory(album) : dse_arena_strdup(&album->c->arena, wanted);
    if (album->directory == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a path");
    if (*album->directory == '\0')
        DSE_FAIL(err, DSE_USAGE, "--output is empty");
    for (char *at = strchr(album->directory + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(album->directory, 0777);
        *at = '/';
    }
    if (mkdir(album->directory, 0777) != 0 && errno != EEXIST)
        return dse_err_set_errno(err, album->directory);
    return DSE_OK;
}
