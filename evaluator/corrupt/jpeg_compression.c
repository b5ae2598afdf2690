/* JPEG compression: images through the system's codec and back. */
#include "evaluator/corrupt/corrupt_internal.h"

static const int qualities[2][DSE_SEVERITIES] = {{80, 65, 58, 50, 40}, {25, 18, 15, 10, 7}};

enum dse_status corrupt__jpeg_compression(struct corrupt__job *job, struct dse_err *err) {
    struct dse_corrupter *corrupter = job->corrupter;
    if (corrupter->jpeg == NULL)
        DSE_TRY(dse_jpeg_codec_new(job->h, job->w, job->c, &corrupter->jpeg, err));
    return dse_jpeg_codec_apply(corrupter->jpeg, qualities[job->large][job->level], job->n,
                                job->src, job->dst, err);
}
