/* Shared by the files that make records of rows. */
#ifndef DSE_DAEMON_REPORT_INTERNAL_H
#define DSE_DAEMON_REPORT_INTERNAL_H

#include "daemon/explorer/explorer.h"
#include "daemon/report.h"

/* What is needed to understand the rows of a sweep. */
struct daemon__decoder {
    struct dse_workload workload;
    struct dse_msg_prepared prepared;
    struct dse_msg_spec spec;
    const struct dse_problem_def *problem;
    struct dse_model_facts model;
    struct dse_space space; /* the caller's to finish */
};
DSE_MUST_USE enum dse_status
daemon__make_decoder(struct dse_store *store, const struct dse_sweep_row *row,
                     struct dse_arena *arena, struct daemon__decoder *decoder, struct dse_err *err);
DSE_MUST_USE enum dse_status
daemon__describe_sweep(struct dse_store *store, const struct dse_scheduler *scheduler,
                       const struct dse_sweep_row *row, struct dse_arena *arena,
                       struct dse_msg_sweep *sweep, struct dse_err *err);
struct dse_msg_individual daemon__describe_individual(const struct dse_individual_row *row);
DSE_MUST_USE enum dse_status daemon__add_settings(const struct daemon__decoder *decoder,
                                                  const struct dse_individual_row *row,
                                                  struct dse_arena *arena,
                                                  struct dse_msg_individual *individual,
                                                  struct dse_err *err);
/* The result of each cell. */
DSE_MUST_USE enum dse_status
daemon__add_cells(struct dse_store *store, const struct daemon__decoder *decoder,
                  const struct dse_individual_row *row, struct dse_arena *arena,
                  struct dse_msg_individual *individual, struct dse_err *err);
/* What n individuals of a sweep were found to be in the sweeps that evaluate it again, those that
 * have a result. */
DSE_MUST_USE enum dse_status daemon__add_second_looks(struct dse_store *store, int64_t sweep_id,
                                                      bool with_cells, struct dse_arena *arena,
                                                      struct dse_msg_individual *individuals, int n,
                                                      struct dse_err *err);
/* An individual's candidate, the caller's to finish, and what was found of it, in the arena. */
DSE_MUST_USE enum dse_status daemon__load_result(struct dse_store *store,
                                                 const struct daemon__decoder *decoder,
                                                 const struct dse_individual_row *row,
                                                 struct dse_arena *arena,
                                                 struct dse_candidate *candidate,
                                                 struct dse_outcome *outcome, struct dse_err *err);
/* The sweep's objectives of an individual that is done, with their intervals. */
DSE_MUST_USE enum dse_status
daemon__estimate_own(struct dse_store *store, const struct daemon__decoder *decoder,
                     const struct dse_individual_row *row, struct dse_arena *arena,
                     struct dse_msg_individual *individual, struct dse_err *err);

#endif
