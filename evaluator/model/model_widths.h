/* Bits and scales of the layers, from options or from an individual of a sweep. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_WIDTHS_H
#define DSE_EVALUATOR_MODEL_WIDTHS_H

#include "evaluator/model/convert_qdq.h"
#include "evaluator/model/model_run.h"
#include "protocol/protocol.h"

/* The file of --individual, which is about operand 0 (CONFLICT); it lives in the arena. */
DSE_MUST_USE enum dse_status model__read_recipe(struct model *m, struct dse_msg_recipe *recipe,
                                                struct dse_err *err);
/* Those of the recipe; NULL: of --input-bits, --weight-bits and --weight-scales, with largest
 * inputs from --calibration or the first images of --data. At most `most` bits. Arrays live in the
 * arena. */
DSE_MUST_USE enum dse_status model__read_widths(struct model *m, const struct dse_graph *graph,
                                                const struct dse_msg_recipe *recipe, int most,
                                                struct model__widths *widths, struct dse_err *err);

#endif
