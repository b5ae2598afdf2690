/* One sweep being explored: from rows to tasks, from partials to rows, generation after generation.
 * Knows neither loop nor processes. Everything it needs is read from the store at each generation,
 * by the same code that reads it after a restart. */
#ifndef DSE_DAEMON_EXPLORER_H
#define DSE_DAEMON_EXPLORER_H

#include "base/base.h"
#include "problems/problems.h"
#include "protocol/protocol.h"
#include "search/search.h"
#include "store/store.h"
#include "workloads/workloads.h"

struct dse_explorer;

/* (group of candidates) x (shard). Owned by the explorer. */
struct dse_task {
    int shard;
    int *members; /* indices into the wave */
    int n_members;
    int attempts; /* workers that it has cost */
    bool in_work;
    struct dse_task *next;
};

/* Takes up a sweep that is not finished: parses its workload, reads its context, and writes the
 * first generation where there is none. USER errors mean that the sweep cannot go on (its files
 * are gone, say) and should be marked failed. */
DSE_MUST_USE enum dse_status dse_explorer_open(struct dse_store *store, int64_t sweep_id,
                                               struct dse_explorer **explorer, struct dse_err *err);
void dse_explorer_free(struct dse_explorer *explorer);

/* The sweep's id. */
int64_t dse_explorer_sweep(const struct dse_explorer *explorer);
/* The sweep is done and its rows say so. */
bool dse_explorer_finished(const struct dse_explorer *explorer);
/* What a worker must open, calibration included. Borrowed. */
const struct dse_msg_context *dse_explorer_context(const struct dse_explorer *explorer);

/* What a worker may take for one of its tasks; 0: no limit. */
int64_t dse_explorer_task_limit_ms(const struct dse_explorer *explorer);
int64_t dse_explorer_memory_limit_bytes(const struct dse_explorer *explorer);

/* The next task nobody works on, one whose shard is in shards_held (bit shard % 64) if there is
 * one; NULL when all are given out. The caller has it until take or return. */
struct dse_task *dse_explorer_next_task(struct dse_explorer *explorer, uint64_t shards_held);
/* The message for a task. Arrays live in the arena. */
DSE_MUST_USE enum dse_status dse_explorer_describe_task(const struct dse_explorer *explorer,
                                                        const struct dse_task *task, int64_t fence,
                                                        struct dse_arena *arena,
                                                        struct dse_msg_task *message,
                                                        struct dse_err *err);
/* Commits the result of a task, the objectives of every individual it completes, and when it
 * completes the generation, the next one. The task is gone afterwards. PROTOCOL (nothing written,
 * the task is returned) when the partials do not fit the task. */
DSE_MUST_USE enum dse_status dse_explorer_take(struct dse_explorer *explorer, struct dse_task *task,
                                               const struct dse_msg_partials *partials,
                                               struct dse_err *err);
/* The worker was lost, or reported a failure: the task goes back. One that has cost too many
 * workers is cut into single candidates; a single candidate that goes on doing so becomes a failed
 * individual with this reason, and the sweep goes on. */
DSE_MUST_USE enum dse_status dse_explorer_return(struct dse_explorer *explorer,
                                                 struct dse_task *task, const char *reason,
                                                 struct dse_err *err);

/* Individuals finished since open, for rates. */
int64_t dse_explorer_finished_since_open(const struct dse_explorer *explorer);

/* Hypervolume of the front. Reference point: of each objective the worst value among the feasible
 * individuals of the first generation that has some; unit: the volume of the box that these span
 * (an objective that is the same all over it counts as 1). It never falls, and may exceed 1. NaN
 * until that generation is whole, for more than four objectives, and for very large fronts of four.
 * Measured anew, and so slow for a large front, when the front or the generation changed. */
double dse_explorer_hypervolume(struct dse_explorer *explorer);
/* The same of a sweep that nobody explores, from its rows; whole: generations that are whole. */
DSE_MUST_USE enum dse_status dse_context_hypervolume(struct dse_store *store, int64_t sweep_id,
                                                     const struct dse_space *space, int whole,
                                                     double *volume, struct dse_err *err);

/* ---- a front in order ---- */

/* Best first by the first objective, then by the next ones, then by birth; so the order of two
 * individuals never changes. */
struct dse_front_entry {
    double objectives[DSE_MAX_OBJECTIVES];
    int generation, slot;
};
struct dse_front_entry dse_front_entry_of(const struct dse_individual_row *row);
struct dse_front_list;
DSE_MUST_USE enum dse_status dse_front_list_new(const struct dse_space *space,
                                                struct dse_front_list **list, struct dse_err *err);
/* That of a sweep, from its rows. */
DSE_MUST_USE enum dse_status dse_front_list_load(struct dse_store *store, int64_t sweep_id,
                                                 const struct dse_space *space,
                                                 struct dse_front_list **list, struct dse_err *err);
void dse_front_list_free(struct dse_front_list *list);
/* An individual comes in once and goes once; NO_MEMORY: the list is good for nothing but free. */
DSE_MUST_USE enum dse_status dse_front_list_add(struct dse_front_list *list,
                                                const struct dse_front_entry *entry,
                                                struct dse_err *err);
DSE_MUST_USE enum dse_status dse_front_list_remove(struct dse_front_list *list,
                                                   const struct dse_front_entry *entry,
                                                   struct dse_err *err);
/* All of them; borrowed until the next change. NO_MEMORY: nothing has changed. */
DSE_MUST_USE enum dse_status dse_front_list_look(struct dse_front_list *list,
                                                 const struct dse_front_entry **entries, int *n,
                                                 struct dse_err *err);
/* Index of the first that comes behind such an entry, which may be none of the list; among those
 * last looked at. */
int dse_front_list_after(const struct dse_front_list *list, const struct dse_front_entry *entry);
/* The front as it is now. Borrowed. */
struct dse_front_list *dse_explorer_front(const struct dse_explorer *explorer);
/* The same, now the caller's: the explorer must only be freed after that. */
struct dse_front_list *dse_explorer_take_front(struct dse_explorer *explorer);

/* ---- results ---- */

/* What is known of a candidate: its evaluation's sums, or with thresholds of early exits what they
 * make of the evaluation's records. Arrays live in the arena. */
DSE_MUST_USE enum dse_status
dse_explorer_load_outcome(struct dse_store *store, int64_t evaluation_id,
                          const struct dse_model_facts *model,
                          const struct dse_candidate *candidate, struct dse_arena *arena,
                          struct dse_outcome *outcome, struct dse_err *err);
/* What the early exits of a candidate with thresholds did, in the arena; NULL: it has none, or no
 * records. */
DSE_MUST_USE enum dse_status
dse_explorer_describe_exits(struct dse_store *store, int64_t evaluation_id,
                            const struct dse_model_facts *model,
                            const struct dse_candidate *candidate, struct dse_arena *arena,
                            const struct dse_msg_exits **exits, struct dse_err *err);
/* The records of the shards that are known, cell by cell. */
DSE_MUST_USE enum dse_status
dse_explorer_load_records(struct dse_store *store, int64_t evaluation_id,
                          const struct dse_model_facts *model, struct dse_arena *arena,
                          struct dse_exit_images *images, struct dse_err *err);

/* ---- contexts: what a worker must open for a workload ---- */

struct dse_context_terms {
    const char *evaluator;   /* the version of the workers' evaluator */
    const atomic_bool *stop; /* once true, building ends with INTERRUPTED; NULL: never */
};
/* Hashes every file of the workload, which may take minutes, and builds its context and content
 * hash; all in the arena. Touches nothing else, so any thread can do it. Errors name the file. */
DSE_MUST_USE enum dse_status dse_context_build(const struct dse_workload *workload,
                                               const struct dse_context_terms *terms,
                                               struct dse_arena *arena,
                                               struct dse_msg_context *context,
                                               const char **content_hash, struct dse_err *err);
/* What the problem needs to know of the model, from what a worker found out. */
DSE_MUST_USE enum dse_status dse_context_model_facts(const struct dse_workload *workload,
                                                     const struct dse_msg_prepared *prepared,
                                                     struct dse_arena *arena,
                                                     struct dse_model_facts *facts,
                                                     struct dse_err *err);
/* What the float32 network of a sweep was found to do; *baseline lives in the arena, NULL while it
 * has no result. */
DSE_MUST_USE enum dse_status dse_context_load_baseline(struct dse_store *store, int64_t sweep_id,
                                                       const struct dse_model_facts *model,
                                                       struct dse_arena *arena,
                                                       const struct dse_outcome **baseline,
                                                       struct dse_err *err);
/* The workload's problem, and its search space over a model; space is the caller's to finish. */
DSE_MUST_USE enum dse_status dse_context_search_space(const struct dse_workload *workload,
                                                      const struct dse_model_facts *facts,
                                                      const struct dse_problem_def **problem,
                                                      struct dse_space *space, struct dse_err *err);
/* The individuals that a sweep begins with. */
struct dse_initial {
    const char *const *genomes; /* canonical texts that fit the problem, each once; n */
    int n;
    int n_given; /* that were named, equal and spare ones counted */
};
/* Reads the file and the front that the workload names (exploration.initial, initial_sweep); n = 0
 * where it names none. Genomes are repaired; those of the file come first, of these the ones that
 * it says are in a front. Of more than the population the first are taken, of a front some evenly
 * over its first objective. INVALID with file and line where genes are too few or too many. All in
 * the arena. */
DSE_MUST_USE enum dse_status
dse_context_load_initial(struct dse_store *store, const struct dse_workload *workload,
                         const struct dse_model_facts *facts, struct dse_arena *arena,
                         struct dse_initial *initial, struct dse_err *err);
/* Makes the content hash of a workload that of the workload with these genomes; where there are
 * none, it stays. In the arena. */
DSE_MUST_USE enum dse_status dse_context_hash_initial(const struct dse_initial *initial,
                                                      struct dse_arena *arena,
                                                      const char **content_hash,
                                                      struct dse_err *err);
/* The search options of a workload. */
struct dse_search_options dse_context_search_options(const struct dse_workload *workload);

#endif
