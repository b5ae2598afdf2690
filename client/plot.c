/* pareto plot: pictures of a sweep. */
#include "client/client.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "client/plots/plots.h"

/* What is asked for and what the daemon has answered; all in the arena. */
struct album {
    struct client *c;
    enum dse_plot_format format;
    bool wanted[DSE_PLOT_COUNT];
    bool named; /* were plots named? Else those that have nothing to show are passed over */
    const char *sweep_operand;
    char *directory;
    const struct dse_msg_sweep *sweep;
    struct dse_msg_individual *individuals; /* what data.individuals shows */
    struct dse_plots_sweep data;
};

/* ---- the command line ---- */

static enum dse_status read_kind(struct album *album, const char *word, struct dse_err *err) {
    const char *names[DSE_PLOT_COUNT];
    char list[256];
    enum dse_plot plot;
    if (dse_plot_find(word, &plot)) {
        album->wanted[plot] = album->named = true;
        return DSE_OK;
    }
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        names[i] = dse_plot_name((enum dse_plot)i);
    const char *near = dse_word_nearest(word, names, DSE_PLOT_COUNT);
    DSE_FAIL(err, DSE_USAGE, "no plot \"%.40s\"%s%s%s; plots are %s", word,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?" : "", dse_words_join(names, DSE_PLOT_COUNT, list, sizeof list));
}

static enum dse_status read_operands(struct album *album, struct dse_err *err) {
    const struct client__options *o = &album->c->options;
    int first = 0;
    int64_t id;
    album->format = DSE_PLOT_FORMAT_svg;
    if (o->format != NULL && !dse_plot_format_find(o->format, &album->format))
        DSE_FAIL(err, DSE_USAGE, "--format: \"%.40s\" is not one of: svg png pdf tikz csv",
                 o->format);
    if (o->n_operands > 0 && client__parse_id(o->operands[0], &id, NULL) == DSE_OK)
        album->sweep_operand = o->operands[first++];
    for (int i = first; i < o->n_operands; i++)
        DSE_TRY(read_kind(album, o->operands[i], err));
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        album->wanted[i] = album->wanted[i] || !album->named;
    return DSE_OK;
}

/* ---- what the daemon knows ---- */

/* Appends a page to the array; arrays grow in the arena by doubling. */
static enum dse_status keep_page(struct album *album, const struct dse_msg_individual_page *page,
                                 int *capacity, struct dse_err *err) {
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

static enum dse_status load_individuals(struct album *album, struct dse_err *err) {
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

static enum dse_status load_one(struct album *album, int64_t generation, int64_t slot,
                                const struct dse_msg_individual **out, struct dse_err *err) {
    struct dse_msg_individual_id id = {
        .sweep = album->sweep->sweep, .generation = generation, .slot = slot};
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(album->c, DSE_METHOD_show, &id, &reply, err));
    *out = reply.result;
    return DSE_OK;
}

static enum dse_status choose(struct album *album, int64_t generation, int64_t slot,
                              struct dse_err *err) {
    struct dse_plots_sweep *data = &album->data;
    if (data->n_chosen == DSE_PLOTS_CHOSEN_MAX)
        DSE_FAIL(err, DSE_USAGE, "--individuals: at most %d", (int)DSE_PLOTS_CHOSEN_MAX);
    return load_one(album, generation, slot, &data->chosen[data->n_chosen++], err);
}

static enum dse_status choose_named(struct album *album, const char *list, struct dse_err *err) {
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
static enum dse_status choose_from_front(struct album *album, struct dse_err *err) {
    enum { MEMBERS = 4 };
    struct dse_msg_sweep_id id = {.sweep = album->sweep->sweep};
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(album->c, DSE_METHOD_front, &id, &reply, err));
    const struct dse_msg_front *front = reply.result;
    int n = front->members_n < MEMBERS ? front->members_n : MEMBERS;
    for (int i = 0; i < n; i++) {
        int place = n == 1 ? 0 : i * (front->members_n - 1) / (n - 1);
        DSE_TRY(choose(album, front->members[place].generation, front->members[place].slot, err));
    }
    return DSE_OK;
}

static enum dse_status load(struct album *album, struct dse_err *err) {
    struct client *c = album->c;
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, album->sweep_operand, &id.sweep, err));
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

/* ---- pictures ---- */

/* results/NAME-ID, where the name has nothing that a path could stumble over. */
static char *default_directory(struct album *album) {
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
static enum dse_status make_directory(struct album *album, struct dse_err *err) {
    const char *wanted = album->c->options.output;
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

static enum dse_status draw(struct album *album, enum dse_plot plot, struct dse_buf *out,
                            struct dse_err *err) {
    struct client *c = album->c;
    const char *path = dse_console_printf(&c->arena, "%s/%s.%s", album->directory,
                                          dse_plot_name(plot), dse_plot_extension(album->format));
    struct dse_err why = {0};
    enum dse_status status = dse_plots_draw(plot, album->format, &album->data, path, &why);
    if (status == DSE_UNSUPPORTED && !album->named && strstr(why.text, "gnuplot") == NULL)
        return DSE_OK;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", why.text);
    if (c->options.json) {
        dse_buf_puts(out, out->size > 0 ? "," : "");
        dse_console_json_string(out, path);
    } else {
        dse_buf_printf(out, "%s\n", dse_console_clean(&c->arena, path));
    }
    return DSE_OK;
}

enum dse_status client__command_plot(struct client *c, struct dse_err *err) {
    struct album album = {.c = c};
    struct dse_buf paths = {0}, out = {0};
    DSE_TRY(read_operands(&album, err));
    DSE_TRY(load(&album, err));
    DSE_TRY(make_directory(&album, err));
    enum dse_status status = DSE_OK;
    for (int i = 0; i < DSE_PLOT_COUNT && status == DSE_OK; i++)
        if (album.wanted[i])
            status = draw(&album, (enum dse_plot)i, &paths, err);
    if (c->options.json)
        dse_buf_printf(&out, "{\"files\":[%s]}\n", dse_buf_text(&paths));
    else
        dse_buf_puts(&out, dse_buf_text(&paths));
    dse_buf_fini(&paths);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}
