/* Rows as records for clients. Everything lives in the arena. */
#ifndef DSE_DAEMON_REPORT_H
#define DSE_DAEMON_REPORT_H

#include "base/base.h"
#include "daemon/scheduler.h"
#include "protocol/protocol.h"
#include "store/store.h"

DSE_MUST_USE enum dse_status dse_report_sweep(struct dse_store *store,
                                              const struct dse_scheduler *scheduler,
                                              int64_t sweep_id, struct dse_arena *arena,
                                              struct dse_msg_sweep *sweep, struct dse_err *err);
DSE_MUST_USE enum dse_status dse_report_list(struct dse_store *store,
                                             const struct dse_scheduler *scheduler,
                                             struct dse_arena *arena,
                                             struct dse_msg_sweep_list *list, struct dse_err *err);
/* A part of the front; parts that follow each other (after) have everybody who stays in it once. */
DSE_MUST_USE enum dse_status dse_report_front(struct dse_store *store,
                                              struct dse_scheduler *scheduler,
                                              const struct dse_msg_front_query *query,
                                              struct dse_arena *arena, struct dse_msg_front *front,
                                              struct dse_err *err);
DSE_MUST_USE enum dse_status dse_report_individual(struct dse_store *store,
                                                   const struct dse_msg_individual_id *which,
                                                   struct dse_arena *arena,
                                                   struct dse_msg_individual *individual,
                                                   struct dse_err *err);
DSE_MUST_USE enum dse_status dse_report_individuals(struct dse_store *store,
                                                    const struct dse_msg_individual_query *query,
                                                    struct dse_arena *arena,
                                                    struct dse_msg_individual_page *page,
                                                    struct dse_err *err);
/* All that makes the network of an individual; UNSUPPORTED where the sweep is about no network. */
DSE_MUST_USE enum dse_status dse_report_recipe(struct dse_store *store,
                                               const struct dse_msg_individual_id *which,
                                               struct dse_arena *arena,
                                               struct dse_msg_recipe *recipe, struct dse_err *err);
/* The worker processes, with what they do. */
DSE_MUST_USE enum dse_status dse_report_workers(struct dse_pool *pool, struct dse_arena *arena,
                                                struct dse_msg_worker_list *list,
                                                struct dse_err *err);
/* A plan, from a preparation that is done. */
DSE_MUST_USE enum dse_status dse_report_plan(struct dse_preparation *preparation,
                                             struct dse_msg_plan *plan, struct dse_err *err);
/* The spec of a preparation that is done, as JSON for its sweep row. */
DSE_MUST_USE enum dse_status dse_report_spec(struct dse_preparation *preparation,
                                             const char **spec_json, struct dse_err *err);
/* Objectives of settings, as records: name, sense, unit. */
DSE_MUST_USE enum dse_status dse_report_objectives(const struct dse_space *space,
                                                   struct dse_arena *arena,
                                                   const struct dse_msg_objective **objectives,
                                                   int *n, struct dse_err *err);

/* Keeps a retraining beside its individual; NOT_FOUND where there is none. */
DSE_MUST_USE enum dse_status dse_report_take_retraining(struct dse_store *store,
                                                        const struct dse_msg_retraining *retraining,
                                                        struct dse_err *err);
/* Those of a sweep. */
DSE_MUST_USE enum dse_status dse_report_retrainings(struct dse_store *store,
                                                    const struct dse_msg_sweep_id *which,
                                                    struct dse_arena *arena,
                                                    struct dse_msg_retraining_list *list,
                                                    struct dse_err *err);

/* How many of the individuals that a sweep bears have a result. Those that were found with others'
 * records have one from the start and do not bring the end nearer. */
double dse_report_measured(const struct dse_msg_spec *spec, const struct dse_sweep_counts *counts);

#endif
