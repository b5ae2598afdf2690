/* Threads that compute one step together. Inside of train. */
#ifndef DSE_EVALUATOR_TRAIN_TEAM_H
#define DSE_EVALUATOR_TRAIN_TEAM_H

#include "base/base.h"

enum { TRAIN__MAX_THREADS = 64 };

struct train__team;
/* The caller is thread 0; the others wait for work. */
DSE_MUST_USE enum dse_status train__team_new(int threads, struct train__team **team,
                                             struct dse_err *err);
/* NULL is fine. */
void train__team_free(struct train__team *team);
int train__team_size(const struct train__team *team);
/* Runs work(context, thread) once on every thread, and returns when all have. */
void train__team_run(struct train__team *team, void (*work)(void *context, int thread),
                     void *context);
/* Inside of work: returns when every thread has come here. What they wrote before is seen after. */
void train__team_meet(struct train__team *team);

#endif
