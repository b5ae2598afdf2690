/* The program pareto-db: reads the command line, runs one command, reports its error. */
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "store/upkeep/upkeep.h"

static const struct dse_console_command commands[] = {
#define X(name, operands, fewest, most, summary, more) \
    {#name, operands, fewest, most, summary, more},
    UPKEEP_COMMAND_TABLE(X)
#undef X
};

static const struct dse_console_option options[] = {
#define X(member, kind, text, value, help) \
    {text, DSE_CONSOLE_##kind, value, 0, 0, 0, help, offsetof(struct upkeep__options, member)},
    UPKEEP_OPTION_TABLE(X)
#undef X
};

static const struct dse_console_choices choices[] = {{"SHELL", "bash zsh fish"}};

const struct dse_console_program upkeep__program = {
    .name = "pareto-db",
    .intro = "pareto-db looks after the database of paretod, pareto.db in its state directory.\n"
             "pareto db COMMAND is the same program.\n",
    .notes = "",
    .outro = "\nEnvironment: PARETO_STATE names the state directory (default\n"
             "~/.local/state/paretod), NO_COLOR switches colours off.\n",
    .failed = "",
    .end = "\npareto-db COMMAND --help says more.\n",
    .commands = commands,
    .n_commands = UPKEEP_COMMAND_COUNT,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .choices = choices,
    .n_choices = sizeof choices / sizeof choices[0],
};

static enum dse_status (*const functions[])(struct upkeep *u, struct dse_err *err) = {
#define X(name, operands, fewest, most, summary, more) upkeep__command_##name,
    UPKEEP_COMMAND_TABLE(X)
#undef X
};

static enum dse_status print_about(const struct upkeep *u, struct dse_err *err) {
    struct dse_buf out = {0};
    if (u->line.version)
        dse_buf_puts(&out, "pareto-db " DSE_VERSION "\n");
    else
        dse_console_help(&upkeep__program, u->line.command, &out);
    return dse_console_put(&out, err);
}

static enum dse_status find_database(struct upkeep *u, struct dse_err *err) {
    char dir[sizeof u->path];
    const char *state = u->options.state;
    if (state == NULL) {
        dse_default_state_dir(dir, sizeof dir);
        state = dir;
    }
    if (snprintf(u->path, sizeof u->path, "%s/pareto.db", state) >= (int)sizeof u->path)
        DSE_FAIL(err, DSE_USAGE, "the name of the state directory is too long");
    if (access(u->path, F_OK) != 0)
        DSE_FAIL(err, DSE_NOT_FOUND,
                 "%s: there is no database; --state DIR names the state directory", u->path);
    return DSE_OK;
}

static enum dse_status run(struct upkeep *u, struct dse_err *err) {
    if (u->line.help || u->line.version)
        return print_about(u, err);
    if (u->line.command != UPKEEP_COMMAND_completion)
        DSE_TRY(find_database(u, err));
    return functions[u->line.command](u, err);
}

int main(int argc, char **argv) {
    struct upkeep u = {0};
    struct dse_err err = {0};
    (void)setlocale(LC_CTYPE, ""); /* for the width of letters; numbers stay as in C */
    enum dse_status status =
        dse_console_read(&upkeep__program, argc, argv, &u.line, &u.options, &err);
    if (status == DSE_OK)
        status = run(&u, &err);
    dse_console_progress_end(&u.progress);
    if (status == DSE_OK)
        status = dse_console_flush(&err);
    if (status != DSE_OK)
        dse_console_print_error("pareto-db", &err, u.options.no_color);
    dse_arena_fini(&u.arena);
    return dse_status_exit(status);
}
