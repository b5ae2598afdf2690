/* The program pareto-model: reads the command line, runs one command, reports its error. */
#include <locale.h>
#include <unistd.h>

#include "evaluator/kernels/kernels.h"
#include "evaluator/model/model.h"

static enum dse_status (*const functions[])(struct model *m, struct dse_err *err) = {
#define X(name, operands, fewest, most, summary, more) model__command_##name,
#include "evaluator/model/commands.def"
#undef X
};

static enum dse_status print_about(const struct model *m, struct dse_err *err) {
    struct dse_buf out = {0};
    if (m->line.version)
        dse_buf_puts(&out, "pareto-model " DSE_VERSION "\n");
    else
        dse_console_help(&model__program, m->line.command, &out);
    return dse_console_put(&out, err);
}

int main(int argc, char **argv) {
    struct model m = {0};
    struct dse_err err = {0};
    dse_kernels_fix_environment(argv);
    (void)setlocale(LC_CTYPE, ""); /* for the width of letters; numbers stay as in C */
    enum dse_status status = model__read_line(argc, argv, &m, &err);
    m.style = dse_console_style_of(STDOUT_FILENO, m.options.no_color);
    if (status == DSE_OK && (m.line.help || m.line.version))
        status = print_about(&m, &err);
    else if (status == DSE_OK)
        status = functions[m.line.command](&m, &err);
    dse_console_progress_end(&m.progress);
    if (status == DSE_OK)
        status = dse_console_flush(&err);
    if (status != DSE_OK)
        dse_console_print_error("pareto-model", &err, m.options.no_color);
    dse_arena_fini(&m.arena);
    return dse_status_exit(status);
}
