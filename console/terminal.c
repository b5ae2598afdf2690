/* What is known of the terminal, and writing to it. */
#include "console/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool dse_console_is_terminal(int fd) {
    return isatty(fd) == 1;
}

int dse_console_terminal_width(int fd) {
    enum { DEFAULT = 80, LEAST = 20, MOST = 1000 };
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;
    if (width <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = DEFAULT;
    return width < LEAST ? LEAST : width > MOST ? MOST : (int)width;
}

struct dse_console_style dse_console_style_of(int fd, bool no_color) {
    const char *term = getenv("TERM");
    const char *no_color_wish = getenv("NO_COLOR");
    bool plain = no_color || !dse_console_is_terminal(fd) || term == NULL ||
                 strcmp(term, "dumb") == 0 || (no_color_wish != NULL && no_color_wish[0] != '\0');
    if (plain)
        return (struct dse_console_style){"", "", "", ""};
    return (struct dse_console_style){"\033[1m", "\033[2m", "\033[31m", "\033[0m"};
}

static enum dse_status fail_to_write(struct dse_err *err) {
    return dse_err_set(err, errno == ENOSPC ? DSE_NO_SPACE : DSE_IO,
                       "cannot write to standard output: %s", strerror(errno));
}

enum dse_status dse_console_put(struct dse_buf *text, struct dse_err *err) {
    enum dse_status status = dse_buf_status(text, err);
    if (status == DSE_OK && fwrite(dse_buf_text(text), 1, text->size, stdout) != text->size)
        status = fail_to_write(err);
    dse_buf_fini(text);
    return status;
}

enum dse_status dse_console_flush(struct dse_err *err) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return DSE_OK;
    return fail_to_write(err);
}

void dse_console_print_error(const char *program, const struct dse_err *err, bool no_color) {
    struct dse_console_style style = dse_console_style_of(STDERR_FILENO, no_color);
    struct dse_arena arena = {0};
    char text[sizeof err->file + sizeof err->text + 32];
    (void)dse_err_format(err, text, sizeof text);
    (void)fprintf(stderr, "%s%s:%s", style.red, program, style.reset);
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line == text || line[0] != '\0')
            (void)fprintf(stderr, "%s%s\n", line == text ? " " : "  ",
                          dse_console_clean(&arena, line));
    dse_arena_fini(&arena);
}
