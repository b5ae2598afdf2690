/* The workload file as the user named it. */
#include "client/client.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* As large as a request may be; the daemon has a lower limit of its own. */
enum { TEXT_MAX = DSE_CLIENT_LINE_MAX };

/* JSON carries UTF-8 only; the place is easier to find here than from the daemon's answer. */
static enum dse_status check_utf8(const char *file, const struct dse_buf *text,
                                  struct dse_err *err) {
    int line = 1, column = 1;
    for (size_t i = 0; i < text->size;) {
        uint32_t code = 0;
        size_t n = dse_utf8_next(text->data + i, text->size - i, &code);
        if (n == 0 || code == 0) /* behind a 0 byte nothing would be sent */
            return dse_err_set_at(err, DSE_INVALID, file, line, column,
                                  "byte 0x%02x is not UTF-8; save the file as UTF-8 text",
                                  (unsigned char)text->data[i]);
        column++;
        if (text->data[i] == '\n') {
            line++;
            column = 1;
        }
        i += n;
    }
    return DSE_OK;
}

/* The directory that relative paths of the file start from. */
static enum dse_status find_base_dir(struct client *c, const char *path, const char **out,
                                     struct dse_err *err) {
    char resolved[PATH_MAX];
    char *copy = dse_arena_strdup(&c->arena, path);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a path");
    if (realpath(strcmp(path, "-") == 0 ? "." : dirname(copy), resolved) == NULL)
        DSE_FAIL(err, dse_status_from_errno(errno), "the directory of %s: %s", path,
                 strerror(errno));
    *out = dse_arena_strdup(&c->arena, resolved);
    if (*out == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a path");
    struct dse_buf name = {.data = resolved, .size = strlen(resolved)};
    if (check_utf8(resolved, &name, NULL) != DSE_OK)
        DSE_FAIL(err, DSE_INVALID, "the directory of %s has a name that is not UTF-8; rename it",
                 path);
    return DSE_OK;
}

/* ---- environment variables: the daemon has others than we ---- */

static size_t variable_length(const char *text) {
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

/* "NAME=value" of each ${NAME} in the text that is set here. What is written where it means nothing
 * does no harm. */
static enum dse_status gather_environment(struct client *c, const char *text,
                                          struct dse_msg_workload_text *out, struct dse_err *err) {
    enum { VARIABLES_MAX = 256 };
    const char **found = dse_arena_alloc(&c->arena, VARIABLES_MAX, sizeof *found);
    int n = 0;
    if (found == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for environment variables");
    for (const char *at = text; (at = strstr(at, "${")) != NULL && n < VARIABLES_MAX; at += 2) {
        const char *name = dse_arena_strndup(&c->arena, at + 2, variable_length(at + 2));
        const char *value = name == NULL ? NULL : getenv(name);
        if (value == NULL)
            continue;
        found[n++] = dse_console_printf(&c->arena, "%s=%s", name, value);
    }
    out->environment = found;
    out->environment_n = n;
    return DSE_OK;
}

enum dse_status client__workload_read(struct client *c, const char *path,
                                      struct dse_msg_workload_text *out, struct dse_err *err) {
    bool is_standard_input = strcmp(path, "-") == 0;
    const char *file = is_standard_input ? "<stdin>" : path;
    const char *base_dir;
    struct dse_buf text = {0};
    enum dse_status status = is_standard_input
                                 ? dse_file_read_fd(0, "standard input", TEXT_MAX, &text, err)
                                 : dse_file_read(path, TEXT_MAX, &text, err);
    if (status == DSE_OK)
        status = check_utf8(file, &text, err);
    if (status == DSE_OK)
        status = find_base_dir(c, path, &base_dir, err);
    if (status == DSE_OK) {
        char *copy = dse_arena_strdup(&c->arena, dse_buf_text(&text));
        if (copy == NULL)
            status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for %s", path);
        else
            *out = (struct dse_msg_workload_text){.text = copy, .file = file, .base_dir = base_dir};
        if (status == DSE_OK)
            status = gather_environment(c, copy, out, err);
    }
    dse_buf_fini(&text);
    return status;
}
