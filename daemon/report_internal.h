/* Shared by the files that make records of rows. */
#ifndef DSE_DAEMON_REPORT_INTERNAL_H
#define DSE_DAEMON_REPORT_INTERNAL_H

#include "daemon/explorer/explorer.h"
#include "daemon/front_part.h"
#include "daemon/report.h"

/* What is needed to understand the rows of a sweep. */
struct daemon__decoder {
    struct dse_workload workload;
    struct dse_msg_prepared prepared;
    struct dse_msg_spec spec;
    const struct dse_problem_def *problem;
    struct dse_model_facts model;
    struct dse_space space; /* the caller's to finish */
    bool with_bins;         /* are cells wanted with their images by confidence? */
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
/* Images of a cell by confidence, from its tally of full size. */
DSE_MUST_USE enum dse_status daemon__add_bins(const int64_t *tally, struct dse_arena *arena,
                                              struct dse_msg_cell_result *cell,
                                              struct dse_err *err);
/* Individuals of a sweep, to which what sweeps that evaluate it again found is added. */
struct daemon__looked_at {
    struct dse_msg_individual *individuals;
    int n;
    bool with_cells;
};
DSE_MUST_USE enum dse_status daemon__add_second_looks(struct dse_store *store, int64_t sweep_id,
                                                      const struct daemon__looked_at *of,
                                                      struct dse_arena *arena, struct dse_err *err);
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
