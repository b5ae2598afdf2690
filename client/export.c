/* pareto export: all individuals of a sweep, or its front, as CSV or JSON. They come a page at a
 * time, so a sweep of a million costs no more memory than a page. */
#include "client/client.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the text goes: standard output, or a file beside the wanted one that takes its name when
 * it is whole. */
struct target {
    FILE *file;
    const char *path; /* NULL: standard output */
    const char *part; /* NULL: no file of its own */
};

static enum dse_status open_target(struct client *c, struct target *target, struct dse_err *err) {
    *target = (struct target){.file = stdout, .path = c->options.output};
    if (target->path == NULL || strcmp(target->path, "-") == 0) {
        target->path = NULL;
        return DSE_OK;
    }
    struct stat st;
    if (stat(target->path, &st) == 0 && !S_ISREG(st.st_mode)) { /* a device or a pipe */
        target->file = fopen(target->path, "we");
        return target->file != NULL ? DSE_OK : dse_err_set_errno(err, target->path);
    }
    target->part = dse_console_printf(&c->arena, "%s.%ld.part", target->path, (long)getpid());
    target->file = fopen(target->part, "wxe");
    return target->file != NULL ? DSE_OK : dse_err_set_errno(err, target->path);
}

/* Under its name only when it is whole and on disk. */
static enum dse_status close_target(struct target *target, enum dse_status status,
                                    struct dse_err *err) {
    if (target->path == NULL)
        return status;
    if (status == DSE_OK && fflush(target->file) != 0)
        status = dse_err_set_errno(err, target->path);
    if (status == DSE_OK && target->part != NULL && fsync(fileno(target->file)) != 0)
        status = dse_err_set_errno(err, target->path);
    if (fclose(target->file) != 0 && status == DSE_OK)
        status = dse_err_set_errno(err, target->path);
    if (target->part == NULL)
        return status;
    if (status == DSE_OK && rename(target->part, target->path) != 0)
        status = dse_err_set_errno(err, target->path);
    if (status != DSE_OK)
        (void)unlink(target->part);
    return status;
}

static enum dse_status put_text(struct target *target, struct dse_buf *text, struct dse_err *err) {
    enum dse_status status = dse_buf_status(text, err);
    if (status == DSE_OK && fwrite(dse_buf_text(text), 1, text->size, target->file) != text->size)
        status = dse_err_set_errno(err, target->path != NULL ? target->path : "standard output");
    dse_buf_reset(text);
    return status;
}

/* ---- CSV: RFC 4180 with plain newlines ---- */

static void put_field(const char *text, struct dse_buf *out) {
    if (strpbrk(text, ",\"\n\r") == NULL) {
        dse_buf_puts(out, text);
        return;
    }
    dse_buf_puts(out, "\"");
    for (const char *p = text; *p != '\0'; p++)
        dse_buf_append(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    dse_buf_puts(out, "\"");
}

/* 17 digits name a double exactly; what is no number stays empty. */
static void put_number(double value, struct dse_buf *out) {
    if (isfinite(value))
        dse_buf_printf(out, "%.17g", value);
}

static void put_names(const char *prefix, const char *const *names, int n, const char *suffix,
                      struct dse_buf *out) {
    for (int i = 0; i < n; i++) {
        struct dse_buf name = {0};
        dse_buf_printf(&name, "%s%s%s", prefix, names[i], suffix);
        dse_buf_puts(out, ",");
        put_field(dse_buf_text(&name), out);
        dse_buf_fini(&name);
    }
}

static void put_csv_head(const struct dse_msg_individual_page *page, bool with_cells,
                         struct dse_buf *out) {
    dse_buf_puts(out, "generation,slot,state,reason,in_front,cached,rank,violation");
    for (int i = 0; i < page->objectives_n; i++) {
        dse_buf_puts(out, ",");
        put_field(page->objectives[i].metric, out);
    }
    dse_buf_puts(out, ",genome");
    put_names("input_bits:", page->layers, page->layers_n, "", out);
    put_names("weight_bits:", page->layers, page->layers_n, "", out);
    if (page->layers_n > 0)
        dse_buf_puts(out, ",dropout_rate,dropout_from,passes,thresholds");
    if (with_cells) {
        put_names("seen:", page->cells, page->cells_n, "", out);
        put_names("correct:", page->cells, page->cells_n, "", out);
    }
    dse_buf_puts(out, "\n");
}

static void put_integers(const int64_t *values, int n, int wanted, struct dse_buf *out) {
    for (int i = 0; i < wanted; i++)
        if (i < n)
            dse_buf_printf(out, ",%" PRId64, values[i]);
        else
            dse_buf_puts(out, ",");
}

/* Rate and the first layer that has it, passes, and a JSON array of thresholds; empty for none. */
static void put_dropout_and_exits(const struct dse_msg_individual_page *page,
                                  const struct dse_msg_individual *one, struct dse_buf *out) {
    int first = 0;
    while (first < one->dropout_n && one->dropout[first] == 0)
        first++;
    bool has_dropout = first < one->dropout_n && first < page->layers_n;
    dse_buf_puts(out, ",");
    if (has_dropout)
        put_number(client__dropout_percent(one->dropout[first]) / 100, out);
    dse_buf_puts(out, ",");
    if (has_dropout)
        put_field(page->layers[first], out);
    dse_buf_puts(out, ",");
    if (one->passes > 0)
        dse_buf_printf(out, "%" PRId64, one->passes);
    dse_buf_puts(out, one->thresholds_n > 0 ? ",\"[" : ",");
    for (int i = 0; i < one->thresholds_n; i++)
        dse_buf_printf(out, "%s%.17g", i > 0 ? "," : "", one->thresholds[i]);
    dse_buf_puts(out, one->thresholds_n > 0 ? "]\"" : "");
}

static const struct dse_msg_cell_result *find_cell(const struct dse_msg_individual *individual,
                                                   const char *name) {
    for (int i = 0; i < individual->cells_n; i++)
        if (strcmp(individual->cells[i].cell, name) == 0)
            return &individual->cells[i];
    return NULL;
}

static void put_cells(const struct dse_msg_individual_page *page,
                      const struct dse_msg_individual *individual, bool correct,
                      struct dse_buf *out) {
    for (int i = 0; i < page->cells_n; i++) {
        const struct dse_msg_cell_result *cell = find_cell(individual, page->cells[i]);
        dse_buf_puts(out, ",");
        if (cell != NULL)
            dse_buf_printf(out, "%" PRId64, correct ? cell->correct : cell->seen);
    }
}

static void put_csv_row(const struct dse_msg_individual_page *page,
                        const struct dse_msg_individual *individual, bool with_cells,
                        struct dse_buf *out) {
    dse_buf_printf(out, "%" PRId64 ",%" PRId64 ",", individual->generation, individual->slot);
    put_field(individual->state, out);
    dse_buf_puts(out, ",");
    put_field(individual->reason, out);
    dse_buf_printf(out, ",%d,%d,", individual->in_front, individual->cached);
    if (individual->rank > 0)
        dse_buf_printf(out, "%" PRId64, individual->rank);
    dse_buf_puts(out, ",");
    if (strcmp(individual->state, "done") == 0)
        put_number(individual->violation, out);
    for (int i = 0; i < page->objectives_n; i++) {
        dse_buf_puts(out, ",");
        if (i < individual->objectives_n)
            put_number(individual->objectives[i], out);
    }
    dse_buf_puts(out, ",");
    put_field(individual->genome, out);
    put_integers(individual->input_bits, individual->input_bits_n, page->layers_n, out);
    put_integers(individual->weight_bits, individual->weight_bits_n, page->layers_n, out);
    if (page->layers_n > 0)
        put_dropout_and_exits(page, individual, out);
    if (with_cells) {
        put_cells(page, individual, false, out);
        put_cells(page, individual, true, out);
    }
    dse_buf_puts(out, "\n");
}

/* ---- JSON: the records of PROTOCOL.md, an individual a line ---- */

static enum dse_status put_json_head(const struct dse_msg_sweep *sweep,
                                     const struct dse_msg_individual_page *page,
                                     struct dse_buf *out, struct dse_err *err) {
    dse_buf_puts(out, "{\"sweep\":");
    DSE_TRY(dse_record_encode(DSE_RECORD_sweep, sweep, out, err));
    dse_buf_puts(out, ",\n\"objectives\":[");
    for (int i = 0; i < page->objectives_n; i++) {
        dse_buf_puts(out, i > 0 ? "," : "");
        DSE_TRY(dse_record_encode(DSE_RECORD_objective, &page->objectives[i], out, err));
    }
    dse_buf_puts(out, "],\n\"layers\":[");
    for (int i = 0; i < page->layers_n; i++) {
        dse_buf_puts(out, i > 0 ? "," : "");
        dse_console_json_string(out, page->layers[i]);
    }
    dse_buf_puts(out, "],\n\"individuals\":[");
    return DSE_OK;
}

/* ---- pages ---- */

struct export {
    struct client *c;
    const struct dse_msg_sweep *sweep;
    struct target target;
    bool is_json, has_head;
    int64_t written, expected;
    struct dse_console_progress progress;
};

static enum dse_status put_page(struct export *export, const struct dse_msg_individual_page *page,
                                struct dse_err *err) {
    struct dse_buf text = {0};
    bool with_cells = export->c->options.cells;
    enum dse_status status = DSE_OK;
    if (!export->has_head) {
        if (export->is_json)
            status = put_json_head(export->sweep, page, &text, err);
        else
            put_csv_head(page, with_cells, &text);
    }
    export->has_head = true;
    for (int i = 0; status == DSE_OK && i < page->individuals_n; i++) {
        if (export->is_json) {
            dse_buf_puts(&text, export->written + i > 0 ? ",\n" : "\n");
            status = dse_record_encode(DSE_RECORD_individual, &page->individuals[i], &text, err);
        } else {
            put_csv_row(page, &page->individuals[i], with_cells, &text);
        }
    }
    if (status == DSE_OK)
        status = put_text(&export->target, &text, err);
    dse_buf_fini(&text);
    export->written += page->individuals_n;
    return status;
}

static enum dse_status export_page(void *context, const struct dse_msg_individual_page *page,
                                   struct dse_err *err) {
    struct export *export = context;
    DSE_TRY(put_page(export, page, err));
    dse_console_progress_step(&export->progress, "individuals", export->written, export->expected);
    return DSE_OK;
}

static enum dse_status export_pages(struct export *export, struct dse_err *err) {
    const struct client__options *options = &export->c->options;
    struct dse_msg_individual_query query = {
        .sweep = export->sweep->sweep,
        .generation = options->front ? 0 : -1,
        .front = options->front,
        .cells = options->cells,
    };
    return client__each_page(export->c, query, export_page, export, err);
}

static enum dse_status read_format(const struct client *c, bool *is_json, struct dse_err *err) {
    const char *format = c->options.format;
    *is_json = c->options.json;
    if (format == NULL)
        return DSE_OK;
    if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
        DSE_FAIL(err, DSE_USAGE, "--format: \"%.40s\" is not one of: csv json", format);
    if (c->options.json && strcmp(format, "json") != 0)
        DSE_FAIL(err, DSE_USAGE, "--json and --format %s exclude each other", format);
    *is_json = strcmp(format, "json") == 0;
    return DSE_OK;
}

static enum dse_status write_export(struct export *export, struct dse_err *err) {
    struct dse_buf end = {0};
    enum dse_status status = export_pages(export, err);
    dse_console_progress_end(&export->progress);
    if (status == DSE_OK && export->is_json) {
        dse_buf_puts(&end, "\n]}\n");
        status = put_text(&export->target, &end, err);
    }
    dse_buf_fini(&end);
    return status;
}

enum dse_status client__command_export(struct client *c, struct dse_err *err) {
    struct export export = {.c = c};
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    if (c->options.onnx != NULL)
        return client__export_onnx(c, err);
    DSE_TRY(read_format(c, &export.is_json, err));
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &id.sweep, err));
    DSE_TRY(client__call(c, DSE_METHOD_status, &id, &reply, err));
    export.sweep = reply.result;
    export.expected = c->options.front ? export.sweep->front_size : export.sweep->individuals + 1;
    DSE_TRY(client__catch_signals(c, err)); /* so that no half file stays behind */
    DSE_TRY(open_target(c, &export.target, err));
    enum dse_status status = close_target(&export.target, write_export(&export, err), err);
    if (status == DSE_OK && export.target.path != NULL)
        (void)fprintf(stderr, "pareto: %lld individuals in %s\n", (long long)export.written,
                      dse_console_clean(&c->arena, export.target.path));
    return status;
}
