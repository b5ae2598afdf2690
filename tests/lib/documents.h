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
static inline void check_documents(const struct dse_console_program *program, const char *man_path,
                                   const char *completion_path) {
    struct dse_buf man = {0}, completion = {0}, help = {0};
    read_source(man_path, &man);
    read_source(completion_path, &completion);
    dse_console_help(program, program->n_commands, &help);
    for (int i = 0; i < program->n_commands; i++) {
        const char *name = program->commands[i].name;
        has("the man page", &man, "\n.It Cm ", name, "");
        has("the completion", &completion, " ", name, " ");
        has("the help", &help, "\n  ", name, " ");
    }
    for (int i = 0; i < program->n_options; i++) {
        const char *text = program->options[i].text;
        has("the man page", &man, "\n.It Fl ", text + 1, "");
        has("the completion", &completion, "", text, "");
        has("the help", &help, "\n  ", text, " ");
    }
#define X(name, class, exit_status, status_text)             \
    has("the man page", &man, "\n.It ", #exit_status, "\n"); \
    has("the help", &help, "  ", #exit_status, "  ");
    DSE_STATUS_TABLE(X)
#undef X
    dse_buf_fini(&man);
    dse_buf_fini(&completion);
    dse_buf_fini(&help);
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
