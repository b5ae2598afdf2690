/* A program's man page, completion and help against the tables it is made of. */
#ifndef DSE_TESTS_DOCUMENTS_H
#define DSE_TESTS_DOCUMENTS_H

#include "console/console.h"
#include "tests/lib/testing.h"

static inline void read_source(const char *name, struct dse_buf *out) {
    char path[512];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", DSE_SOURCE_DIR, name);
    assert_ok(dse_file_read(path, 1 << 20, out, &err), &err);
}

static inline void has(const char *what, const struct dse_buf *text, const char *before,
                       const char *name, const char *after) {
    char needle[128];
    (void)snprintf(needle, sizeof needle, "%s%s%s", before, name, after);
    if (strstr(dse_buf_text(text), needle) == NULL)
        fail_msg("%s does not have \"%s\"", what, needle);
}

/* Every command, option and exit status is in all of them. */
static inline void check_documents(const struct dse_console_program *program,
                                   const char *man_path) {
    struct dse_buf man = {0}, help = {0};
    read_source(man_path, &man);
    dse_console_help(program, program->n_commands, &help);
    for (int i = 0; i < program->n_commands; i++) {
        const char *name = program->commands[i].name;
        has("the man page", &man, "\n.It Cm ", name, "");
        has("the help", &help, "\n  ", name, " ");
    }
    for (int i = 0; i < program->n_options; i++) {
        const char *text = program->options[i].text;
        has("the man page", &man, "\n.It Fl ", text + 1, "");
        has("the help", &help, "\n  ", text, " ");
    }
#define X(name, class, exit_status, status_text)             \
    has("the man page", &man, "\n.It ", #exit_status, "\n"); \
    has("the help", &help, "  ", #exit_status, "  ");
    DSE_STATUS_TABLE(X)
#undef X
    dse_buf_fini(&man);
    dse_buf_fini(&help);
}

/* Words of a script that stand between `before` and `after`, all occurrences, must be one of the
 * names; returns how many there were. */
static inline int count_known(const struct dse_console_program *program, const struct dse_buf *text,
                              const char *before, const char *stop) {
    int n = 0;
    for (const char *at = dse_buf_text(text); (at = strstr(at, before)) != NULL; n++) {
        at += strlen(before);
        size_t length = strcspn(at, stop);
        bool known = false;
        for (int i = 0; i < program->n_options; i++)
            known = known || (strlen(program->options[i].text) == length + 2 &&
                              strncmp(program->options[i].text + 2, at, length) == 0);
        if (!known)
            fail_msg("--%.*s is no option of %s", (int)length, at, program->name);
    }
    return n;
}

/* Each shell's script has every command and option of the tables, and no other option. */
static inline void check_completions(const struct dse_console_program *program) {
    static const struct {
        const char *shell, *command_before, *command_after, *option_before, *stop;
    } cases[] = {{"bash", " ", " ", " --", " \"|)"},
                 {"zsh", "\n        '", ":", "'--", "["},
                 {"fish", " -n __fish_use_subcommand -a ", " -d ", " -l ", " "}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct dse_buf text = {0};
        struct dse_err err = {0};
        assert_ok(dse_console_completion(program, cases[c].shell, &text, &err), &err);
        for (int i = 0; i < program->n_commands; i++)
            has(cases[c].shell, &text, cases[c].command_before, program->commands[i].name,
                cases[c].command_after);
        for (int i = 0; i < program->n_options; i++)
            has(cases[c].shell, &text, cases[c].option_before, program->options[i].text + 2, "");
        if (strcmp(cases[c].shell, "bash") != 0) /* there, -- stands for itself, too */
            assert_true(count_known(program, &text, cases[c].option_before, cases[c].stop) >=
                        program->n_options);
        dse_buf_fini(&text);
    }
    struct dse_buf none = {0};
    struct dse_err err = {0};
    assert_int_equal(dse_console_completion(program, "csh", &none, &err), DSE_USAGE);
    assert_int_equal(none.size, 0);
}

/* Of the program (command n_commands) or of a command. */
static inline void check_help_width(const struct dse_console_program *program, int command) {
    struct dse_buf help = {0};
    dse_console_help(program, command, &help);
    char *rest = help.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (strlen(line) > 80)
            fail_msg("%zu columns: %s", strlen(line), line);
    dse_buf_fini(&help);
}

#endif
