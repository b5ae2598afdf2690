/* Networks and heads made of steps; shared by the files that do it. */
#ifndef DSE_EVALUATOR_GRAPH_SURGERY_STEPS_H
#define DSE_EVALUATOR_GRAPH_SURGERY_STEPS_H

#include "evaluator/graph/graph.h"
#include "evaluator/graph/surgery.h"

enum { GRAPH__NAME_ROOM = 256, GRAPH__MAX_MARKS = 16 };

/* A model that grows at its end. */
struct graph__growth {
    struct dse_onnx *model;
    char name[GRAPH__NAME_ROOM]; /* of what grows; begins the names of its parts */
    const char *value;           /* made last */
    struct dse_shape shape;      /* of it */
    bool is_flat;
    uint64_t seed;
    const char *marks[GRAPH__MAX_MARKS]; /* values marked by `exit` */
    int n_marks;
    struct dse_err *err;
};

/* Adds the steps of a text "STEP,STEP,...". INVALID names the step that cannot be. */
DSE_MUST_USE enum dse_status graph__add_steps(struct graph__growth *growth, const char *steps);
/* The last value becomes an output of that name, before output `at`; it must be flat. */
DSE_MUST_USE enum dse_status graph__end_growth(struct graph__growth *growth, int at);

#endif
