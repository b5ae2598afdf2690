/* Networks that can be built. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_NETWORKS_H
#define DSE_EVALUATOR_MODEL_NETWORKS_H

#include "base/base.h"

/* What a user may choose. */
struct model__network_wish {
    int classes;
    double width; /* factor of the channels in braces */
    int exits;    /* the last included; 0: all there are */
};

/* Steps as in networks.def to steps as dse_surgery_new_network takes them; appended. */
DSE_MUST_USE enum dse_status model__network_text(const char *steps,
                                                 const struct model__network_wish *wish,
                                                 struct dse_buf *out, struct dse_err *err);

#endif
