/* Shared by the families of function problems. A family is a file here: its functions and their
 * table, ended by {0}, and one line below. */
#ifndef DSE_PROBLEMS_FUNCTIONS_H
#define DSE_PROBLEMS_FUNCTIONS_H

#include "problems/problems.h"

#define PROBLEMS_FUNCTION_FAMILIES(X) \
    X(zdt)                            \
    X(dtlz)                           \
    X(constrained)                    \
    X(knapsack)

#define X(family) extern const struct dse_function_def problems__##family[];
PROBLEMS_FUNCTION_FAMILIES(X)
#undef X

#endif
