/* obtain: known data sets from the packages that hold them, as the official files. */
#ifndef DSE_EVALUATOR_OBTAIN_H
#define DSE_EVALUATOR_OBTAIN_H

#include "base/base.h"
#include "evaluator/images/images.h"

/* A file of the official distribution. */
struct dse_obtain_file {
    const char *name;
    const char *md5;    /* of its bytes, not packed */
    const char *source; /* what it is made of, in the package */
};

struct dse_obtain_set {
    const char *name;    /* cifar10 */
    const char *package; /* as its programs name it */
    const char *advice;  /* how a user gets it by hand */
    const char *folder;  /* where the package puts the files when it is installed; "": nowhere */
    const char *script;  /* shell commands that fetch the package into the working directory */
    const char *fetched; /* what they leave there */
    const char *usage;   /* the files as DATA of other commands; %s is the folder, each time */
    bool is_pictures;    /* records made of pictures and lists of labels, see pictures.c */
    int n_files;
    const struct dse_obtain_file *files;
};
/* All of them; n is set. */
const struct dse_obtain_set *dse_obtain_sets(int *n);

struct dse_obtain_request {
    const struct dse_obtain_set *set;
    const char *dir;  /* made where it does not exist */
    const char *from; /* the package as the user has it: a tar archive, plain or gzip, or a folder;
                         NULL: where it is installed, else it is fetched */
    /* A file is begun (done of total), or, total 0, a program of others runs. May be NULL. */
    void (*progress)(void *context, const char *phase, int64_t done, int64_t total);
    void *context;
};
/* Writes the files that are not yet there; each only when it has its MD5, and whole or not at all.
 * *written says how many. Errors name the file and what to do: NOT_FOUND, FAILED (a program that
 * fetches), INVALID (another MD5), CONFLICT (another process does the same), IO, NO_SPACE. */
DSE_MUST_USE enum dse_status dse_obtain_run(const struct dse_obtain_request *request, int *written,
                                            struct dse_err *err);

/* Records of the binary version of CIFAR-10 from a picture whose rows are images and whose columns
 * are their pixels in raster order: label, red, green and blue plane. Appended. */
DSE_MUST_USE enum dse_status dse_obtain_records(const struct dse_image *picture,
                                                const uint8_t *labels, struct dse_buf *out,
                                                struct dse_err *err);
/* Labels from the text "[6,9,...]"; exactly n, of 0 to 9. */
DSE_MUST_USE enum dse_status dse_obtain_labels(const char *text, int n, uint8_t *labels,
                                               struct dse_err *err);

#endif
