/* Files of predefined individuals: what pareto export writes, or a table that has a column genome.
 * CSV is RFC 4180 with any line ends; of JSON the record initial_file is read. */
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

enum { FILE_MAX_BYTES = 64 << 20, GENOME_COLUMN_NONE = -1 };

struct items {
    struct dse_arena *arena;
    const char *path;
    struct initial_item *list;
    int n, capacity;
};

static enum dse_status add_item(struct items *items, const struct initial_item *item,
                                struct dse_err *err) {
    if (item->genome == NULL || item->genome[0] == '\0') /* the float32 network */
        return DSE_OK;
    if (items->n == items->capacity) {
        int capacity = items->capacity == 0 ? 64 : items->capacity * 2;
        struct initial_item *grown = dse_arena_alloc(items->arena, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d individuals", capacity);
        if (items->n > 0)
            memcpy(grown, items->list, (size_t)items->n * sizeof *grown);
        items->list = grown;
        items->capacity = capacity;
    }
    items->list[items->n++] = *item;
    return DSE_OK;
}

/* ---- CSV ---- */

struct csv {
    const char *at, *end;
    const char *path;
    int line; /* of `at` */
    struct dse_buf field;
};

/* The next field into csv->field; *last: its record ends with it. INVALID: a quote without end. */
static enum dse_status read_field(struct csv *csv, bool *last, struct dse_err *err) {
    int begun = csv->line;
    bool quoted = csv->at < csv->end && *csv->at == '"';
    dse_buf_reset(&csv->field);
    for (csv->at += quoted; csv->at < csv->end; csv->at++) {
        char c = *csv->at;
        csv->line += c == '\n';
        if (quoted && c == '"' && csv->at + 1 < csv->end && csv->at[1] == '"') {
            csv->at++;
        } else if (quoted && c == '"') {
            quoted = false;
            continue;
        } else if (!quoted && (c == ',' || c == '\n')) {
            csv->at++;
            *last = c == '\n';
            return dse_buf_status(&csv->field, err);
        } else if (!quoted && c == '\r') {
            continue;
        }
        dse_buf_append(&csv->field, &c, 1);
    }
    if (quoted)
        return dse_err_set_at(err, DSE_INVALID, csv->path, begun, 1, "the quote has no end");
    *last = true;
    return dse_buf_status(&csv->field, err);
}

/* Which columns of the table are meant. */
struct columns {
    int genome, in_front; /* -1: there is none */
};

static enum dse_status read_head(struct csv *csv, struct columns *columns, struct dse_err *err) {
    bool last = false;
    *columns = (struct columns){GENOME_COLUMN_NONE, GENOME_COLUMN_NONE};
    for (int i = 0; !last; i++) {
        DSE_TRY(read_field(csv, &last, err));
        if (strcmp(dse_buf_text(&csv->field), "genome") == 0)
            columns->genome = i;
        else if (strcmp(dse_buf_text(&csv->field), "in_front") == 0)
            columns->in_front = i;
    }
    if (columns->genome == GENOME_COLUMN_NONE)
        return dse_err_set_at(err, DSE_INVALID, csv->path, 1, 1,
                              "there is no column \"genome\"; pareto export writes such a file");
    return DSE_OK;
}

static enum dse_status read_row(struct csv *csv, const struct columns *columns, struct items *items,
                                struct dse_err *err) {
    struct initial_item item = {.line = csv->line};
    bool last = false;
    for (int i = 0; !last; i++) {
        DSE_TRY(read_field(csv, &last, err));
        const char *text = dse_buf_text(&csv->field);
        if (i == columns->in_front)
            item.in_front = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
        if (i != columns->genome)
            continue;
        item.genome = dse_arena_strdup(items->arena, text);
        if (item.genome == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %s", items->path);
    }
    return add_item(items, &item, err);
}

static enum dse_status read_csv(const struct dse_buf *text, struct items *items,
                                struct dse_err *err) {
    struct csv csv = {
        .at = text->data, .end = text->data + text->size, .path = items->path, .line = 1};
    struct columns columns;
    enum dse_status status = read_head(&csv, &columns, err);
    while (status == DSE_OK && csv.at < csv.end)
        status = read_row(&csv, &columns, items, err);
    dse_buf_fini(&csv.field);
    return status;
}

/* ---- JSON ---- */

static enum dse_status read_json(const struct dse_buf *text, struct items *items,
                                 struct dse_err *err) {
    struct dse_msg_initial_file file;
    struct dse_err why = {0};
    enum dse_status status = dse_record_decode(DSE_RECORD_initial_file, text->data, text->size,
                                               items->arena, &file, &why);
    if (status == DSE_PROTOCOL)
        DSE_FAIL(err, DSE_INVALID, "%s is not what pareto export writes: %s", items->path,
                 why.text);
    if (status != DSE_OK)
        return dse_err_set(err, status, "%s: %s", items->path, why.text);
    for (int i = 0; i < file.individuals_n; i++) {
        struct initial_item item = {.genome = file.individuals[i].genome,
                                    .in_front = file.individuals[i].in_front};
        DSE_TRY(add_item(items, &item, err));
    }
    return DSE_OK;
}

enum dse_status dse_explorer__read_initial(const char *path, struct dse_arena *arena,
                                           struct initial_item **items, int *n,
                                           struct dse_err *err) {
    struct items read = {.arena = arena, .path = path};
    struct dse_buf text = {0};
    enum dse_status status = dse_file_read(path, FILE_MAX_BYTES, &text, err);
    if (status == DSE_OK && memchr(dse_buf_text(&text), 0, text.size) != NULL)
        status = dse_err_set(err, DSE_INVALID, "%s is no text: it has a 0 byte", path);
    if (status == DSE_OK) {
        bool is_json = dse_buf_text(&text)[strspn(dse_buf_text(&text), " \t\r\n")] == '{';
        status = is_json ? read_json(&text, &read, err) : read_csv(&text, &read, err);
    }
    if (status == DSE_OK && read.n == 0)
        status = dse_err_set(err, DSE_INVALID, "%s: there is no individual in it", path);
    dse_buf_fini(&text);
    if (status != DSE_OK)
        return status;
    *items = read.list;
    *n = read.n;
    return DSE_OK;
}
