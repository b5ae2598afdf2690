/* The program pareto: reads the command line, runs one command, reports its error. */
#include "client/client.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

static enum dse_status (*const commands[])(struct client *c, struct dse_err *err) = {
#define X(name, operands, fewest, most, summary, more) client__command_##name,
    CLIENT_COMMAND_TABLE(X)
#undef X
};

static enum dse_status find_places(struct client *c, struct dse_err *err) {
    const struct client__options *options = &c->options;
    int needed = 0;
    if (options->state != NULL)
        needed = snprintf(c->state_dir, sizeof c->state_dir, "%s", options->state);
    else
        dse_default_state_dir(c->state_dir, sizeof c->state_dir);
    if (needed >= (int)sizeof c->state_dir)
        DSE_FAIL(err, DSE_USAGE, "--state is longer than %zu bytes", sizeof c->state_dir - 1);
    if (options->socket != NULL)
        needed = snprintf(c->socket_path, sizeof c->socket_path, "%s", options->socket);
    else
        needed = snprintf(c->socket_path, sizeof c->socket_path, "%s/socket", c->state_dir);
    if (needed >= (int)sizeof c->socket_path)
        DSE_FAIL(err, DSE_USAGE, "--socket is longer than %zu bytes", sizeof c->socket_path - 1);
    return DSE_OK;
}

static enum dse_status print_about(const struct client__options *options, struct dse_err *err) {
    struct dse_buf out = {0};
    if (options->version)
        dse_buf_puts(&out, "pareto " DSE_VERSION "\n");
    else
        client__help(options->command, &out);
    return dse_console_put(&out, err);
}

static enum dse_status run_command(struct client *c, struct dse_err *err) {
    DSE_TRY(find_places(c, err));
    c->style = dse_console_style_of(1, c->options.no_color);
    return commands[c->options.command](c, err);
}

static void report(struct client *c, const struct dse_err *err) {
    for (int i = 0; i < c->errors_n; i++)
        (void)fprintf(stderr, "%s\n", dse_console_clean(&c->arena, c->errors[i]));
    if (c->errors_n > 0)
        (void)fprintf(stderr, "pareto: %d error%s in the workload\n", c->errors_n,
                      c->errors_n == 1 ? "" : "s");
    else
        dse_console_print_error("pareto", err, c->options.no_color);
}

/* The tools for networks are a program of their own, so that this one needs none of the engine; so
 * are those for the database, which only the daemon and they open. */
static const struct {
    const char *word, *program;
} other_programs[] = {{"model", "pareto-model"}, {"db", "pareto-db"}};

static enum dse_status refuse_options_before(const char *word, struct dse_err *err) {
    DSE_FAIL(err, DSE_USAGE, "options of pareto %s stand behind the word \"%s\"", word, word);
}

enum dse_status client__command_model(struct client *c, struct dse_err *err) {
    (void)c;
    return refuse_options_before("model", err);
}

enum dse_status client__command_db(struct client *c, struct dse_err *err) {
    (void)c;
    return refuse_options_before("db", err);
}

static enum dse_status become_program(const char *program, char **argv, struct dse_err *err) {
    char dir[4096], path[sizeof dir + 32];
    dse_program_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/%s", dir, program);
    (void)execv(path, argv);
    (void)execvp(program, argv);
    DSE_FAIL(err, DSE_NOT_FOUND, "the program %s is neither in %s nor in PATH: %s", program, dir,
             strerror(errno));
}

/* NULL: the command is one of ours. */
static const char *other_program_for(const char *word) {
    for (size_t i = 0; i < sizeof other_programs / sizeof other_programs[0]; i++)
        if (strcmp(other_programs[i].word, word) == 0)
            return other_programs[i].program;
    return NULL;
}

int main(int argc, char **argv) {
    struct client c = {.connection = {.fd = -1}, .signal_fd = -1};
    struct dse_err err = {0};
    (void)setlocale(LC_CTYPE, ""); /* for the width of letters; numbers stay as in C */
    enum dse_status status = DSE_OK;
    const char *program = argc > 1 ? other_program_for(argv[1]) : NULL;
    if (program != NULL)
        status = become_program(program, argv + 1, &err);
    else
        status = client__options_read(argc, argv, &c.options, &err);
    if (status == DSE_OK && (c.options.help || c.options.version))
        status = print_about(&c.options, &err);
    else if (status == DSE_OK)
        status = run_command(&c, &err);
    if (status == DSE_OK)
        status = dse_console_flush(&err);
    if (status != DSE_OK)
        report(&c, &err);
    client__disconnect(&c);
    client__release_signals(&c);
    dse_arena_fini(&c.arena);
    return dse_status_exit(status);
}
