/* Networks as they are run: with the bits of a converted file, dropouts and branches. Inside of
 * model. */
#ifndef DSE_EVALUATOR_MODEL_NETWORK_H
#define DSE_EVALUATOR_MODEL_NETWORK_H

#include "evaluator/model/model.h"
#include "problems/problems.h"

struct model__network {
    const char *path;
    const char *name; /* of the file, without folder and ending; arena */
    int64_t file_bytes;
    struct dse_graph *graph;        /* owned; of the outputs that count */
    struct dse_candidate candidate; /* arrays in the arena; as many passes as there are */
    const double *amax;             /* arena; NULL: all layers are float32 */
    int classes;
    int64_t input_size; /* numbers of one image */
};
/* Opens an ONNX file, a converted one too (its layers get their bits). Outputs: --output; else
 * the last, with all its branches where it is one. Dropouts in training mode drop, `passes`
 * times; without any there is one pass. */
DSE_MUST_USE enum dse_status model__network_open(struct model *m, const char *path, int passes,
                                                 struct model__network *network,
                                                 struct dse_err *err);
void model__network_close(struct model__network *network); /* {0} is fine */

/* One thread's way to run a network; borrows it. */
struct model__runner;
/* batch: images at a time. */
DSE_MUST_USE enum dse_status model__runner_new(const struct model__network *network, int batch,
                                               struct model__runner **runner, struct dse_err *err);
void model__runner_free(struct model__runner *runner); /* NULL is fine */
/* Runs n images, at most the batch, [n][h][w][c] normalised. Masks of dropouts are those of the
 * seed and of images first_image and following. */
DSE_MUST_USE enum dse_status model__runner_run(struct model__runner *runner, const float *images,
                                               int n, uint64_t seed, uint32_t first_image,
                                               struct dse_err *err);
/* After a run: adds its n images to a tally (problems.h); the prediction is the mean of the
 * soft-maxes over branches and passes. */
void model__runner_tally(struct model__runner *runner, const int32_t *labels, int n,
                         int64_t *tally);

#endif
