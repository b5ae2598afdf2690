/* The commands of pareto-db. */
#include <string.h>

#include "store/store.h"
#include "store/upkeep/upkeep.h"

static void show_progress(void *context, const char *phase, int64_t done, int64_t total) {
    struct upkeep *u = context;
    dse_console_progress_step(&u->progress, phase, done, total);
}

static const char *megabytes(struct upkeep *u, int64_t bytes) {
    return dse_console_printf(&u->arena, "%.1f MB", (double)bytes / 1e6);
}

/* ---- check ---- */

static void print_report_json(const struct upkeep *u, const struct dse_store_report *report,
                              struct dse_buf *out) {
    dse_buf_puts(out, "{\"file\":");
    dse_console_json_string(out, u->path);
    dse_buf_printf(out,
                   ",\"ok\":%s,\"schema\":%d,\"old\":%s,\"bytes\":%lld,\"sweeps\":%lld,"
                   "\"individuals\":%lld,\"evaluations\":%lld,\"results\":%lld,\"partials\":%lld,"
                   "\"problems\":[",
                   report->n_problems == 0 ? "true" : "false", report->schema,
                   report->is_old ? "true" : "false", (long long)report->bytes,
                   (long long)report->sweeps, (long long)report->individuals,
                   (long long)report->evaluations, (long long)report->results,
                   (long long)report->partials);
    for (int i = 0; i < report->n_problems; i++) {
        dse_buf_puts(out, i > 0 ? "," : "");
        dse_console_json_string(out, report->problems[i]);
    }
    dse_buf_puts(out, "]}\n");
}

static void print_report(struct upkeep *u, const struct dse_store_report *report,
                         struct dse_buf *out) {
    struct dse_arena *arena = &u->arena;
    dse_buf_printf(out, "%s: schema %d, %s\n", dse_console_clean(arena, u->path), report->schema,
                   megabytes(u, report->bytes));
    if (report->is_old)
        dse_buf_puts(out, "The schema is an older one, which the next start of paretod brings up "
                          "to date: only structure and foreign keys were looked at.\n");
    else
        dse_buf_printf(out, "%s sweeps, %s individuals, %s evaluations, %s results, %s partials\n",
                       dse_console_count_text(arena, report->sweeps),
                       dse_console_count_text(arena, report->individuals),
                       dse_console_count_text(arena, report->evaluations),
                       dse_console_count_text(arena, report->results),
                       dse_console_count_text(arena, report->partials));
    for (int i = 0; i < report->n_problems; i++)
        dse_buf_printf(out, "- %s\n", dse_console_clean(arena, report->problems[i]));
    if (report->n_problems == 0)
        dse_buf_puts(out, "nothing is wrong\n");
}

enum dse_status upkeep__command_check(struct upkeep *u, struct dse_err *err) {
    struct dse_store_report report;
    struct dse_buf out = {0};
    DSE_TRY(dse_store_check(u->path, show_progress, u, &u->arena, &report, err));
    dse_console_progress_end(&u->progress);
    if (u->options.json)
        print_report_json(u, &report, &out);
    else
        print_report(u, &report, &out);
    DSE_TRY(dse_console_put(&out, err));
    if (report.n_problems > 0)
        DSE_FAIL(err, DSE_INVALID, "%s: %s%d problem%s: restore a backup (pareto db backup --help)",
                 u->path, report.n_problems == DSE_STORE_PROBLEMS_MAX ? "at least " : "",
                 report.n_problems, report.n_problems == 1 ? "" : "s");
    return DSE_OK;
}

/* ---- backup ---- */

enum dse_status upkeep__command_backup(struct upkeep *u, struct dse_err *err) {
    const char *copy = u->line.operands[0];
    struct dse_buf out = {0};
    int64_t bytes = 0;
    DSE_TRY(dse_store_backup(u->path, copy, show_progress, u, &bytes, err));
    dse_console_progress_end(&u->progress);
    if (u->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, copy);
        dse_buf_printf(&out, ",\"bytes\":%lld}\n", (long long)bytes);
    } else {
        dse_buf_printf(&out, "%s: %s\n", dse_console_clean(&u->arena, copy), megabytes(u, bytes));
    }
    return dse_console_put(&out, err);
}

/* ---- vacuum ---- */

enum dse_status upkeep__command_vacuum(struct upkeep *u, struct dse_err *err) {
    struct dse_store *store;
    struct dse_buf out = {0};
    int64_t before = 0, after = 0;
    DSE_TRY(dse_store_open(u->path, 0, &store, err));
    enum dse_status status = dse_store_vacuum(store, &before, &after, err);
    dse_store_close(store);
    if (status != DSE_OK)
        return status;
    if (u->options.json)
        dse_buf_printf(&out, "{\"bytes_before\":%lld,\"bytes_after\":%lld}\n", (long long)before,
                       (long long)after);
    else
        dse_buf_printf(&out, "%s: %s before, %s now\n", dse_console_clean(&u->arena, u->path),
                       megabytes(u, before), megabytes(u, after));
    return dse_console_put(&out, err);
}

/* ---- completion ---- */

enum dse_status upkeep__command_completion(struct upkeep *u, struct dse_err *err) {
    return dse_console_put_completion(&upkeep__program, u->line.operands[0], err);
}
