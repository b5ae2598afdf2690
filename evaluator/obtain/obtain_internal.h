/* What the files of this room share. */
#ifndef DSE_EVALUATOR_OBTAIN_INTERNAL_H
#define DSE_EVALUATOR_OBTAIN_INTERNAL_H

#include "evaluator/obtain/obtain.h"

/* A file of a package, out of its archive or folder, unpacked; appended. */
DSE_MUST_USE enum dse_status obtain__read(const char *package, const char *name,
                                          struct dse_buf *out, struct dse_err *err);
/* The records of one batch, number `batch` of those whose labels are in one list. */
DSE_MUST_USE enum dse_status obtain__make_batch(const char *package,
                                                const struct dse_obtain_file *file, int batch,
                                                struct dse_buf *out, struct dse_err *err);
/* Runs the script of a set in an empty folder inside of dir; path names what it fetched. The folder
 * is to be removed by obtain__forget, also after a failure. */
DSE_MUST_USE enum dse_status obtain__fetch(const struct dse_obtain_request *request,
                                           struct dse_buf *path, struct dse_err *err);
void obtain__forget(const struct dse_obtain_request *request);

#endif
