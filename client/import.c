/* pareto import: a workload of the replaced explorer becomes one of ours. The workload goes to
 * standard output or a file, what does not stand in it as it was to standard error, so that both
 * can be kept apart. */
#include "client/client.h"

#include <string.h>

#include "workloads/workloads.h"

/* "old.yaml:12:5: key: ignored: why" */
static void print_note(struct client *c, const char *file, const struct dse_import_note *note) {
    const char *place = dse_console_clean(&c->arena, file);
    if (note->mark.line > 0)
        place =
            dse_console_printf(&c->arena, "%s:%d:%d", place, note->mark.line, note->mark.column);
    (void)fprintf(stderr, "%s: %s: %s: %s\n", place, dse_console_clean(&c->arena, note->key),
                  note->what, dse_console_clean(&c->arena, note->why));
}

static void append_json(const struct dse_imported *imported, struct dse_buf *out) {
    dse_buf_puts(out, "{\"workload\":");
    dse_console_json_string(out, imported->yaml);
    dse_buf_puts(out, ",\"notes\":[");
    for (int i = 0; i < imported->n_notes; i++) {
        const struct dse_import_note *note = &imported->notes[i];
        dse_buf_printf(out, "%s{\"line\":%d,\"column\":%d,\"key\":", i > 0 ? "," : "",
                       note->mark.line, note->mark.column);
        dse_console_json_string(out, note->key);
        dse_buf_puts(out, ",\"what\":");
        dse_console_json_string(out, note->what);
        dse_buf_puts(out, ",\"why\":");
        dse_console_json_string(out, note->why);
        dse_buf_puts(out, "}");
    }
    dse_buf_puts(out, "]}\n");
}

enum dse_status client__command_import(struct client *c, struct dse_err *err) {
    struct dse_msg_workload_text old;
    struct dse_imported imported;
    struct dse_buf out = {0};
    const char *target = c->options.output;
    DSE_TRY(client__workload_read(c, c->options.operands[0], &old, err));
    DSE_TRY(dse_workload_import(old.text, strlen(old.text), old.file, &c->arena, &imported, err));
    for (int i = 0; !c->options.json && i < imported.n_notes; i++)
        print_note(c, old.file, &imported.notes[i]);
    if (c->options.json)
        append_json(&imported, &out);
    else
        dse_buf_puts(&out, imported.yaml);
    if (target == NULL || strcmp(target, "-") == 0)
        return dse_console_put(&out, err);
    enum dse_status status = dse_buf_status(&out, err);
    if (status == DSE_OK)
        status = dse_file_replace(target, out.data, out.size, err);
    dse_buf_fini(&out);
    return status;
}
