/* Corruptions and severities that commands are asked for. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_CELLS_H
#define DSE_EVALUATOR_MODEL_CELLS_H

#include "evaluator/corrupt/corrupt.h"
#include "evaluator/model/model.h"

enum { MODEL_CORRUPTIONS_MOST = 19 };

struct model__cells {
    const struct dse_corruption_def *corruptions[MODEL_CORRUPTIONS_MOST];
    int n_corruptions;
    bool severities[DSE_SEVERITIES];
    int n_severities;
};
/* "fog,blur": names and groups, each corruption once, in the order given. USAGE names the option.
 */
DSE_MUST_USE enum dse_status model__read_corruptions(struct model *m, const char *option,
                                                     const char *text, struct model__cells *cells,
                                                     struct dse_err *err);
/* "1,3,5"; NULL: all. */
DSE_MUST_USE enum dse_status model__read_severities(const char *option, const char *text,
                                                    struct model__cells *cells,
                                                    struct dse_err *err);
/* With the overlays of --frost-dir where it is given. */
DSE_MUST_USE enum dse_status model__new_corrupter(struct model *m, int h, int w, int c,
                                                  struct dse_corrupter **corrupter,
                                                  struct dse_err *err);

#endif
