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
    return client__put(&out, err);
}

static enum dse_status run_command(struct client *c, struct dse_err *err) {
    DSE_TRY(find_places(c, err));
    c->style = client__style_of(1, c->options.no_color);
    return commands[c->options.command](c, err);
}

/* A full disk shows when the last bytes are written. */
static enum dse_status flush_output(struct dse_err *err) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return DSE_OK;
    DSE_FAIL(err, errno == ENOSPC ? DSE_NO_SPACE : DSE_IO, "cannot write to standard output: %s",
             strerror(errno));
}

/* Like client__clean, but lines stay lines: the end of a log is a part of some messages. */
static void print_error(struct client *c, const struct dse_err *err) {
    struct client__style style = client__style_of(2, c->options.no_color);
    char text[sizeof err->file + sizeof err->text + 32];
    (void)dse_err_format(err, text, sizeof text);
    (void)fprintf(stderr, "%spareto:%s", style.red, style.reset);
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line == text || line[0] != '\0')
            (void)fprintf(stderr, "%s%s\n", line == text ? " " : "  ",
                          client__clean(&c->arena, line));
}

static void report(struct client *c, const struct dse_err *err) {
    for (int i = 0; i < c->errors_n; i++)
        (void)fprintf(stderr, "%s\n", client__clean(&c->arena, c->errors[i]));
    if (c->errors_n > 0)
        (void)fprintf(stderr, "pareto: %d error%s in the workload\n", c->errors_n,
                      c->errors_n == 1 ? "" : "s");
    else
        print_error(c, err);
}

int main(int argc, char **argv) {
    struct client c = {.connection = {.fd = -1}, .signal_fd = -1};
    struct dse_err err = {0};
    (void)setlocale(LC_CTYPE, ""); /* for the width of letters; numbers stay as in C */
    enum dse_status status = client__options_read(argc, argv, &c.options, &err);
    if (status == DSE_OK && (c.options.help || c.options.version))
        status = print_about(&c.options, &err);
    else if (status == DSE_OK)
        status = run_command(&c, &err);
    if (status == DSE_OK)
        status = flush_output(&err);
    if (status != DSE_OK)
        report(&c, &err);
    client__disconnect(&c);
    client__release_signals(&c);
    dse_arena_fini(&c.arena);
    return dse_status_exit(status);
}
