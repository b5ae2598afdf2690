/* data: obtains a known data set. */
#include <string.h>

#include "evaluator/model/model.h"
#include "evaluator/obtain/obtain.h"

static enum dse_status find_set(const char *name, const struct dse_obtain_set **set,
                                struct dse_err *err) {
    int n;
    const struct dse_obtain_set *sets = dse_obtain_sets(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(sets[i].name, name) == 0) {
            *set = &sets[i];
            return DSE_OK;
        }
    DSE_FAIL(err, DSE_USAGE, "'%s' is no known data set: cifar10, mnist or fashion-mnist", name);
}

static void show(void *context, const char *phase, int64_t done, int64_t total) {
    struct model *m = context;
    if (total == 0)
        dse_console_progress_wait(&m->progress, phase);
    else
        dse_console_progress_step(&m->progress, phase, done, total);
}

/* The training files as --data of other commands takes them. */
static void put_usage(const struct dse_obtain_request *request, struct dse_buf *out) {
    const char *at = request->set->usage;
    for (const char *mark; (mark = strstr(at, "%s")) != NULL; at = mark + 2) {
        dse_buf_append(out, at, (size_t)(mark - at));
        dse_buf_puts(out, request->dir);
    }
    dse_buf_puts(out, at);
}

static enum dse_status say(struct model *m, const struct dse_obtain_request *request, int written,
                           struct dse_err *err) {
    struct dse_buf out = {0}, usage = {0};
    const struct dse_obtain_set *set = request->set;
    put_usage(request, &usage);
    if (m->options.json) {
        dse_buf_puts(&out, "{\"dir\":");
        dse_console_json_string(&out, request->dir);
        dse_buf_printf(&out, ",\"written\":%d,\"files\":[", written);
        for (int i = 0; i < set->n_files; i++)
            dse_buf_printf(&out, "%s{\"name\":\"%s\",\"md5\":\"%s\"}", i == 0 ? "" : ",",
                           set->files[i].name, set->files[i].md5);
        dse_buf_puts(&out, "],\"data\":");
        dse_console_json_string(&out, dse_buf_text(&usage));
        dse_buf_puts(&out, "}\n");
    } else {
        dse_buf_printf(&out, "%s: %d files of %s, each with its MD5; %d were written now\n",
                       request->dir, set->n_files, set->name, written);
        dse_buf_printf(&out, "to train: --data %s\n", dse_buf_text(&usage));
    }
    enum dse_status status = dse_buf_status(&usage, err);
    dse_buf_fini(&usage);
    enum dse_status put = dse_console_put(&out, err);
    return status != DSE_OK ? status : put;
}

enum dse_status model__command_data(struct model *m, struct dse_err *err) {
    struct dse_obtain_request request = {
        .dir = m->line.operands[1], .from = m->options.from, .progress = show, .context = m};
    int written = 0;
    DSE_TRY(find_set(m->line.operands[0], &request.set, err));
    DSE_TRY(dse_obtain_run(&request, &written, err));
    dse_console_progress_end(&m->progress);
    return say(m, &request, written, err);
}
