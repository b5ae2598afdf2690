/* The header of an .npy file (NumPy, "numpy.lib.format"): magic, version, length, and a Python
 * dictionary in ASCII: {'descr': '|u1', 'fortran_order': False, 'shape': (50000, 32, 32, 3), }. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/datasets/datasets_internal.h"

enum { MAGIC_BYTES = 6, LONGEST_HEADER = 4096 };
static const char magic[MAGIC_BYTES + 1] = "\x93NUMPY";

enum dse_status datasets__array_fail(const struct datasets__array *array, struct dse_err *err,
                                     const char *why) {
    return dse_err_set(err, DSE_INVALID, "%s%s%s: %s", array->path,
                       array->member[0] != '\0' ? ", member " : "", array->member, why);
}

enum dse_status datasets__array_read(const struct datasets__array *array,
                                     struct datasets__stream *stream, void *out, size_t size,
                                     struct dse_err *err) {
    size_t got;
    DSE_TRY(datasets__stream_read(stream, out, size, &got, err));
    if (got < size)
        return datasets__array_fail(array, err, "ends too early; " DATASETS__ADVICE);
    return DSE_OK;
}

/* ---- the dictionary ---- */

static void skip_blanks(const char **at) {
    while (isspace((unsigned char)**at))
        ++*at;
}

/* What stands behind 'key':, NULL without such a key. */
static const char *value_of(const char *text, const char *key) {
    const char *at = strstr(text, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    skip_blanks(&at);
    if (*at++ != ':')
        return NULL;
    skip_blanks(&at);
    return at;
}

static enum dse_status read_type(struct datasets__array *array, const char *at,
                                 struct dse_err *err) {
    /* 'order, kind, bytes': "<i8" */
    if (at == NULL || *at++ != '\'')
        return datasets__array_fail(array, err, "its header does not say of what type it is");
    char order = *at++;
    if (order == '>')
        return datasets__array_fail(array, err,
                                    "its numbers are big-endian; save it little-endian");
    array->type = order == '\0' ? '\0' : *at++;
    if ((array->type != 'u' && array->type != 'i') || !isdigit((unsigned char)*at) || at[1] != '\'')
        return datasets__array_fail(
            array, err, "its numbers are not integers; images are uint8, labels integers");
    array->item_bytes = *at - '0';
    if (array->item_bytes != 1 && array->item_bytes != 2 && array->item_bytes != 4 &&
        array->item_bytes != 8)
        return datasets__array_fail(array, err, "its integers have an odd size");
    return DSE_OK;
}

static enum dse_status read_shape(struct datasets__array *array, const char *at,
                                  struct dse_err *err) {
    if (at == NULL || *at++ != '(')
        return datasets__array_fail(array, err, "its header does not say of what shape it is");
    for (skip_blanks(&at); *at != ')'; skip_blanks(&at)) {
        char *end;
        if (!isdigit((unsigned char)*at) || array->rank == DATASETS__MOST_DIMS)
            return datasets__array_fail(array, err, "its shape is not that of images or labels");
        long long extent = strtoll(at, &end, 10);
        if (extent < 1 || extent > DATASETS__MOST_IMAGES)
            return datasets__array_fail(array, err, "its shape is not that of images or labels");
        array->dims[array->rank++] = extent;
        at = end;
        skip_blanks(&at);
        at += *at == ',';
    }
    return DSE_OK;
}

/* ---- the header ---- */

static enum dse_status read_length(struct datasets__array *array, struct datasets__stream *stream,
                                   size_t *length, struct dse_err *err) {
    uint8_t head[MAGIC_BYTES + 2], size[4] = {0};
    DSE_TRY(datasets__array_read(array, stream, head, sizeof head, err));
    if (memcmp(head, magic, MAGIC_BYTES) != 0)
        return datasets__array_fail(array, err, "not an .npy array of NumPy");
    DSE_TRY(datasets__array_read(array, stream, size, head[MAGIC_BYTES] == 1 ? 2 : 4, err));
    *length = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (*length > LONGEST_HEADER)
        return datasets__array_fail(array, err, "its header is too long; " DATASETS__ADVICE);
    return DSE_OK;
}

static enum dse_status read_header(struct datasets__array *array, struct datasets__stream *stream,
                                   struct dse_err *err) {
    char text[LONGEST_HEADER + 1];
    size_t length = 0;
    DSE_TRY(read_length(array, stream, &length, err));
    DSE_TRY(datasets__array_read(array, stream, text, length, err));
    text[length] = '\0';
    array->rank = 0;
    DSE_TRY(read_type(array, value_of(text, "'descr'"), err));
    DSE_TRY(read_shape(array, value_of(text, "'shape'"), err));
    const char *fortran = value_of(text, "'fortran_order'");
    if (fortran == NULL || strncmp(fortran, "False", 5) != 0)
        return datasets__array_fail(array, err, "its elements are not in C order");
    return DSE_OK;
}

enum dse_status datasets__array_open(struct datasets__array *array,
                                     struct datasets__stream **stream, struct dse_err *err) {
    struct datasets__stream *opened = NULL;
    if (array->member[0] != '\0')
        DSE_TRY(datasets__stream_open_part(array->path, &array->part, &opened, err));
    else
        DSE_TRY(datasets__stream_open(array->path, &opened, err));
    enum dse_status status = read_header(array, opened, err);
    if (status == DSE_OK)
        *stream = opened;
    else
        datasets__stream_close(opened);
    return status;
}
