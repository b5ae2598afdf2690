/* Status codes and the error record. */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    const char *class_name;
    int exit_status;
} status_table[] = {
#define X(name, class, exit_status, text) [DSE_##name] = {#name, text, #class, exit_status},
    DSE_STATUS_TABLE(X)
#undef X
};

const char *dse_status_name(enum dse_status code) {
    return (unsigned)code < DSE_STATUS_COUNT ? status_table[code].name : "INTERNAL";
}

const char *dse_status_text(enum dse_status code) {
    return (unsigned)code < DSE_STATUS_COUNT ? status_table[code].text : "unknown status";
}

int dse_status_exit(enum dse_status code) {
    return (unsigned)code < DSE_STATUS_COUNT ? status_table[code].exit_status : 70;
}

bool dse_status_is_user(enum dse_status code) {
    return (unsigned)code < DSE_STATUS_COUNT && strcmp(status_table[code].class_name, "USER") == 0;
}

enum dse_status dse_status_from_name(const char *name) {
    for (int i = 0; i < DSE_STATUS_COUNT; i++)
        if (strcmp(status_table[i].name, name) == 0)
            return (enum dse_status)i;
    return DSE_INTERNAL;
}

enum dse_status dse_status_from_errno(int error_number) {
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return DSE_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return DSE_NO_SPACE;
    case ENOMEM:
        return DSE_NO_MEMORY;
    default:
        return DSE_IO;
    }
}

enum dse_status dse_err_vset(struct dse_err *err, enum dse_status code, const char *fmt,
                             va_list args) {
    if (err == NULL || err->code != DSE_OK)
        return code;
    err->code = code;
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    return code;
}

enum dse_status dse_err_set(struct dse_err *err, enum dse_status code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)dse_err_vset(err, code, fmt, args);
    va_end(args);
    return code;
}

enum dse_status dse_err_set_at(struct dse_err *err, enum dse_status code, const char *file,
                               int line, int column, const char *fmt, ...) {
    if (err == NULL || err->code != DSE_OK)
        return code;
    va_list args;
    va_start(args, fmt);
    (void)dse_err_vset(err, code, fmt, args);
    va_end(args);
    (void)snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
    return code;
}

enum dse_status dse_err_set_errno(struct dse_err *err, const char *path) {
    int error_number = errno;
    return dse_err_set(err, dse_status_from_errno(error_number), "%s: %s", path,
                       strerror(error_number));
}

enum dse_status dse_err_prefix(struct dse_err *err, const char *fmt, ...) {
    if (err == NULL)
        return DSE_INTERNAL;
    char prefix[256];
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    memcpy(text, err->text, sizeof text);
    int room = (int)(sizeof err->text - strlen(prefix) - sizeof ": ");
    (void)snprintf(err->text, sizeof err->text, "%s: %.*s", prefix, room, text);
    return err->code;
}

const char *dse_err_format(const struct dse_err *err, char *out, size_t size) {
    if (err->file[0] != '\0' && err->line > 0)
        (void)snprintf(out, size, "%s:%d:%d: %s", err->file, err->line, err->column, err->text);
    else if (err->file[0] != '\0')
        (void)snprintf(out, size, "%s: %s", err->file, err->text);
    else
        (void)snprintf(out, size, "%s", err->text);
    return out;
}

void dse_assert_failed(const char *condition, const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
