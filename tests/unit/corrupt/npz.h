/* Reads arrays of bytes from NumPy's .npz files (a zip of .npy, stored or deflated). For trusted
 * test data: anything unexpected ends the program. */
#ifndef DSE_TESTS_UNIT_CORRUPT_NPZ_H
#define DSE_TESTS_UNIT_CORRUPT_NPZ_H

#include <stddef.h>
#include <stdint.h>

enum { NPZ_MOST_DIMENSIONS = 5 };

struct npz_file {
    uint8_t *bytes; /* owned */
    size_t size;
};
struct npz_array {
    uint8_t *file; /* owned */
    const uint8_t *values;
    int n_dims;
    int dims[NPZ_MOST_DIMENSIONS];
};

struct npz_file npz_open(const char *path);
void npz_close(struct npz_file *npz);
/* The array of that name; release with npz_array_free. */
struct npz_array npz_load(const struct npz_file *npz, const char *name);
void npz_array_free(struct npz_array *array);

#endif
