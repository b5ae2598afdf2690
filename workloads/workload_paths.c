/* Paths: ${NAME}, base directory, is the file there? */
#include "workloads/workloads_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t length_of_variable_name(const char *text) {
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n > 0 && isdigit((unsigned char)text[0]) ? 0 : n;
}

static void complain(struct workloads__reading *reading, enum workloads__key key,
                     struct dse_mark mark, const char *text) {
    char name[WORKLOADS_NAME_SIZE];
    reading->wrong[key] = true;
    WORKLOADS_COMPLAIN(reading, mark, "%s: %s", workloads__name(key, name), text);
}

/* The value of a variable; NULL where it is not set. */
static const char *find_variable(const struct dse_workload_source *source, const char *name) {
    size_t length = strlen(name);
    if (!source->foreign)
        return getenv(name);
    for (int i = 0; i < source->n_environment; i++)
        if (strncmp(source->environment[i], name, length) == 0 &&
            source->environment[i][length] == '=')
            return source->environment[i] + length + 1;
    return NULL;
}

/* Appends the value of the variable whose "${" begins at text; returns the length of the whole
 * reference, 0 after a complaint. */
static size_t expand_variable(struct workloads__reading *reading, enum workloads__key key,
                              struct dse_mark mark, const char *text, struct dse_buf *out) {
    char shown[WORKLOADS_QUOTE_SIZE], message[320];
    char name[128];
    size_t n = length_of_variable_name(text + 2);
    if (n == 0 || n >= sizeof name || text[2 + n] != '}') {
        (void)snprintf(message, sizeof message,
                       "%s: expected ${NAME} with the name of an environment variable "
                       "(for the characters ${ themselves write $${)",
                       workloads__quote(text, shown, sizeof shown));
        complain(reading, key, mark, message);
        return 0;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)n, text + 2);
    const char *value = find_variable(reading->source, name);
    if (value == NULL || value[0] == '\0') {
        (void)snprintf(message, sizeof message, "the environment variable %s is %s", name,
                       value == NULL ? "not set" : "empty");
        complain(reading, key, mark, message);
        return 0;
    }
    dse_buf_puts(out, value);
    return n + 3;
}

/* "${NAME}" to the variable's value, "$${" to "${". False after a complaint. */
static bool expand(struct workloads__reading *reading, enum workloads__key key,
                   struct dse_mark mark, const char *written, struct dse_buf *out) {
    while (*written != '\0') {
        if (strncmp(written, "$${", 3) == 0) {
            dse_buf_puts(out, "${");
            written += 3;
        } else if (strncmp(written, "${", 2) == 0) {
            size_t length = expand_variable(reading, key, mark, written, out);
            if (length == 0)
                return false;
            written += length;
        } else {
            dse_buf_append(out, written, 1);
            written++;
        }
    }
    return true;
}

static const char *trouble_with_folder(const char *path, bool is_folder) {
    if (!is_folder)
        return "it is a file; a folder is needed";
    if (access(path, R_OK | X_OK) != 0)
        return errno == EACCES ? "it may not be read (permissions)" : strerror(errno);
    return NULL;
}

const char *workloads__trouble_with_path(const char *path, bool wants_folder) {
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? wants_folder ? "there is no such folder" : "there is no such file"
                   : strerror(errno);
    if (wants_folder)
        return trouble_with_folder(path, S_ISDIR(st.st_mode));
    if (S_ISDIR(st.st_mode))
        return "it is a directory; a file is needed";
    if (!S_ISREG(st.st_mode))
        return "it is not a regular file";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == EACCES ? "it may not be read (permissions)" : strerror(errno);
    (void)close(fd);
    return NULL;
}

/* Of data it is looked at when their format is known. */
static const char *trouble_with_path_of(enum workloads__key key, const char *path) {
    struct stat st;
    bool may_be_folder = key == KEY_dataset_files || key == KEY_calibration_files;
    if (may_be_folder && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return NULL;
    return workloads__trouble_with_path(path, key == KEY_corruptions_folder);
}

static void check_path(struct workloads__reading *reading, enum workloads__key key,
                       struct dse_mark mark, const char *path) {
    char shown[WORKLOADS_QUOTE_PATH_SIZE], message[WORKLOADS_QUOTE_PATH_SIZE + 128];
    if (reading->stored)
        return;
    /* Paths are printed into YAML and sent as JSON. */
    const char *trouble = workloads__is_one_line(path)
                              ? trouble_with_path_of(key, path)
                              : "the path is not UTF-8 text without control characters";
    if (trouble == NULL)
        return;
    (void)snprintf(message, sizeof message, "%s: %s", workloads__quote(path, shown, sizeof shown),
                   trouble);
    complain(reading, key, mark, message);
}

static void append_base(const char *base_dir, struct dse_buf *out) {
    char here[4096];
    if (base_dir[0] != '/' && getcwd(here, sizeof here) != NULL) {
        dse_buf_puts(out, here);
        dse_buf_puts(out, "/");
    }
    dse_buf_puts(out, base_dir);
    if (base_dir[0] != '\0' && base_dir[strlen(base_dir) - 1] != '/')
        dse_buf_puts(out, "/");
}

const char *workloads__resolve_path(struct workloads__reading *reading, enum workloads__key key,
                                    struct dse_mark mark, const char *written) {
    struct dse_buf expanded = {0}, path = {0};
    const char *resolved = NULL;
    if (!expand(reading, key, mark, written, &expanded))
        goto fail_expanded;
    const char *text = dse_buf_text(&expanded);
    if (text[0] != '/')
        append_base(reading->base_dir, &path);
    dse_buf_puts(&path, text);
    if (!expanded.failed && !path.failed)
        resolved = dse_arena_strdup(reading->arena, dse_buf_text(&path));
    if (resolved == NULL)
        reading->no_memory = true;
    else
        check_path(reading, key, mark, resolved);
    dse_buf_fini(&path);
fail_expanded:
    dse_buf_fini(&expanded);
    return resolved;
}
