/* Networks run over images, for the commands that calibrate, convert and measure. Inside of model.
 */
#ifndef DSE_EVALUATOR_MODEL_RUN_H
#define DSE_EVALUATOR_MODEL_RUN_H

#include "evaluator/model/model_data.h"
#include "evaluator/quantize/quantize.h"

/* Loads --data for a network: count images where --images does not say how many. USAGE without
 * --data, INVALID where the images do not fit the network. */
DSE_MUST_USE enum dse_status model__load_images_for(struct model *m, const struct dse_graph *graph,
                                                    int count, struct model__images *images,
                                                    struct dse_err *err);
/* Do images and labels fit the network? INVALID says how not; name is the network's, in the
 * message.
 */
DSE_MUST_USE enum dse_status model__check_images(const char *name, const struct dse_graph *graph,
                                                 const struct model__images *images,
                                                 struct dse_err *err);
/* Images first .. first + n, normalised, into out [n][h][w][c]. */
void model__normalize_images(const struct model__images *images, int first, int n, float *out);
/* Largest inputs of the layers over the images, by --method and --percentile. amax: [n_layers]. */
DSE_MUST_USE enum dse_status model__calibrate(struct model *m, const struct dse_graph *graph,
                                              const struct model__images *images,
                                              const struct dse_calibration_rule *rule, double *amax,
                                              struct dse_err *err);
/* The rule of --method and --percentile. */
DSE_MUST_USE enum dse_status model__rule(const struct model *m, struct dse_calibration_rule *rule,
                                         struct dse_err *err);
/* Names of the layers, in the arena. */
DSE_MUST_USE enum dse_status model__layer_names(struct model *m, const struct dse_graph *graph,
                                                const char ***names, struct dse_err *err);

#endif
