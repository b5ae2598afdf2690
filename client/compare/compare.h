/* compare: two fronts with the same objectives, in numbers. */
#ifndef DSE_CLIENT_COMPARE_H
#define DSE_CLIENT_COMPARE_H

#include "base/base.h"
#include "protocol/protocol.h"

enum { DSE_COMPARE_OBJECTIVES_MAX = 8 };

/* points: [n][n_objectives], finite; borrowed. */
struct dse_compare_front {
    const double *points;
    int n;
};

struct dse_comparison {
    /* The worst value of both fronts in each objective, and a tenth of the range beyond it, so that
     * the ends of a front count; a range of 0 counts as 1. */
    double reference[DSE_COMPARE_OBJECTIVES_MAX];
    /* Shares of the box from the reference to the best values of both fronts; NaN for more than
     * four objectives, and where both fronts are empty. */
    double hypervolume[2];
    /* [0]: share of the second front's members that some member of the first dominates or equals;
     * [1]: the other way round (the C-metric of Zitzler and Thiele 1999). NaN: no such members. */
    double coverage[2];
};

/* At most DSE_COMPARE_OBJECTIVES_MAX objectives. Of more than two, takes time in proportion to the
 * product of the fronts' sizes. NO_MEMORY. */
DSE_MUST_USE enum dse_status dse_compare_fronts(const struct dse_msg_objective *objectives,
                                                int n_objectives,
                                                const struct dse_compare_front fronts[2],
                                                struct dse_comparison *comparison,
                                                struct dse_err *err);

#endif
