#include "tests/unit/corrupt/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static _Noreturn void give_up(const char *what, const char *name) {
    (void)fprintf(stderr, "npz: %s: %s\n", name, what);
    exit(1);
}

struct npz_file npz_open(const char *path) {
    struct npz_file npz = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        give_up("cannot be opened", path);
    npz.size = (size_t)ftell(file);
    npz.bytes = malloc(npz.size);
    rewind(file);
    if (npz.bytes == NULL || fread(npz.bytes, 1, npz.size, file) != npz.size)
        give_up("cannot be read", path);
    (void)fclose(file);
    return npz;
}

void npz_close(struct npz_file *npz) {
    free(npz->bytes);
    *npz = (struct npz_file){0};
}

static uint32_t little(const uint8_t *at, int bytes) {
    uint32_t n = 0;
    for (int i = bytes - 1; i >= 0; i--)
        n = n << 8 | at[i];
    return n;
}

/* The entry of name + ".npy" in the central directory at the end of a zip file. */
static const uint8_t *find_entry(const struct npz_file *npz, const char *name) {
    const uint8_t *end = npz->bytes + npz->size - 22;
    if (npz->size < 22 || memcmp(end, "PK\5\6", 4) != 0)
        give_up("not a zip file", name);
    size_t length = strlen(name);
    const uint8_t *entry = npz->bytes + little(end + 16, 4);
    for (uint32_t i = little(end + 10, 2); i > 0; i--) {
        uint32_t entry_length = little(entry + 28, 2);
        const uint8_t *entry_name = entry + 46;
        if (entry_length == length + 4 && memcmp(entry_name, name, length) == 0 &&
            memcmp(entry_name + length, ".npy", 4) == 0)
            return entry;
        entry = entry_name + entry_length + little(entry + 30, 2) + little(entry + 32, 2);
    }
    give_up("no such array", name);
}

static void unpack(const uint8_t *src, size_t src_size, uint8_t *dst, size_t size,
                   const char *name) {
    z_stream z = {0};
    if (inflateInit2(&z, -15) != Z_OK)
        give_up("zlib does not start", name);
    z.next_in = (Bytef *)(uintptr_t)src;
    z.avail_in = (uInt)src_size;
    z.next_out = dst;
    z.avail_out = (uInt)size;
    if (inflate(&z, Z_FINISH) != Z_STREAM_END || z.avail_out != 0)
        give_up("damaged", name);
    (void)inflateEnd(&z);
}

/* The header is a Python dictionary: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), } */
static void read_shape(const char *header, struct npz_array *array, const char *name) {
    const char *shape = strstr(header, "'shape': (");
    if (strstr(header, "'descr': '|u1'") == NULL ||
        strstr(header, "'fortran_order': False") == NULL || shape == NULL)
        give_up("not an array of bytes in C order", name);
    char *at = strchr(shape, '(');
    while (*at != ')') {
        char *next = at + 1;
        long dim = strtol(next, &at, 10);
        if (at == next)
            break; /* (100,) */
        if (array->n_dims == NPZ_MOST_DIMENSIONS)
            give_up("too many dimensions", name);
        array->dims[array->n_dims++] = (int)dim;
    }
}

struct npz_array npz_load(const struct npz_file *npz, const char *name) {
    enum { STORED = 0, DEFLATED = 8, NPY_PREFIX = 10 };
    const uint8_t *entry = find_entry(npz, name);
    uint32_t method = little(entry + 10, 2);
    size_t packed_size = little(entry + 20, 4), size = little(entry + 24, 4);
    const uint8_t *local = npz->bytes + little(entry + 42, 4);
    const uint8_t *data = local + 30 + little(local + 26, 2) + little(local + 28, 2);
    struct npz_array array = {.file = calloc(size + 1, 1)};
    if (array.file == NULL)
        give_up("no memory", name);
    if (method == DEFLATED)
        unpack(data, packed_size, array.file, size, name);
    else if (method == STORED)
        memcpy(array.file, data, size);
    else
        give_up("unknown compression", name);
    if (size < NPY_PREFIX || memcmp(array.file, "\x93NUMPY\1", 7) != 0)
        give_up("not a .npy file of version 1", name);
    uint32_t header_size = little(array.file + 8, 2);
    array.values = array.file + NPY_PREFIX + header_size;
    array.file[NPY_PREFIX + header_size - 1] = '\0'; /* it ends with a line feed */
    read_shape((const char *)array.file + NPY_PREFIX, &array, name);
    size_t expected = NPY_PREFIX + header_size;
    size_t values = 1;
    for (int i = 0; i < array.n_dims; i++)
        values *= (size_t)array.dims[i];
    if (expected + values != size)
        give_up("of another size than its shape says", name);
    return array;
}

void npz_array_free(struct npz_array *array) {
    free(array->file);
    *array = (struct npz_array){0};
}
