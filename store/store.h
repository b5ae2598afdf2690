/* store: everything paretod knows, in one SQLite database. Only the daemon opens it.
 *
 * WAL, synchronous=FULL: when dse_store_commit returns DSE_OK the transaction is on disk. State
 * lives in rows, so start-up is recovery: there is nothing to save at exit. Times and process ids
 * stand only in columns named *_at_ms, which dumps leave out.
 *
 * One connection, one thread. Functions that load rows put strings and arrays in the caller's
 * arena. Texts of rows given to the store are copied; NULL is the empty text. A number that is
 * NaN is INVALID; infinities are kept.
 *
 * Errors: NO_SPACE when disk or size limit is full, IO, NOT_FOUND (also: a row names a sweep,
 * evaluation or individual that does not exist), CONFLICT (the row exists already; another program
 * writes), INVALID (damaged file, impossible numbers), UNSUPPORTED (newer schema, network file
 * system), NO_MEMORY. After NO_SPACE or IO the transaction has been rolled back; writes are then
 * refused with CONFLICT until dse_store_rollback or dse_store_begin, so that no rest of it can be
 * written alone. After any other error the caller rolls back. */
#ifndef DSE_STORE_H
#define DSE_STORE_H

#include "base/base.h"
#include "problems/problems.h"

enum { DSE_STORE_SCHEMA_VERSION = 5 };

/* States of a sweep: X(name, text, final). Stored by text. */
#define DSE_SWEEP_STATE_TABLE(X) \
    X(QUEUED, "queued", false)   \
    X(RUNNING, "running", false) \
    X(PAUSED, "paused", false)   \
    X(DONE, "done", true)        \
    X(FAILED, "failed", true)    \
    X(CANCELLED, "cancelled", true)
enum dse_sweep_state {
#define X(name, text, final) DSE_SWEEP_##name,
    DSE_SWEEP_STATE_TABLE(X)
#undef X
};
const char *dse_sweep_state_text(enum dse_sweep_state state);
bool dse_sweep_state_final(enum dse_sweep_state state);
/* May a sweep go from one state to the other? queued -> running -> done; paused and back (to queued
 * where it has not begun) from queued and running; paused -> done, where the last results were
 * under way; any state that is not final -> failed, cancelled; failed -> queued, running, when
 * somebody has mended what was wrong. */
bool dse_sweep_state_may_follow(enum dse_sweep_state from, enum dse_sweep_state to);

enum dse_result_state { DSE_RESULT_PENDING, DSE_RESULT_DONE, DSE_RESULT_FAILED };

struct dse_store;

/* Opens or creates the database at path and brings its schema up to date (after a backup to
 * path.bak-v<old version>). max_bytes limits the database file (0: no limit); reaching it is
 * NO_SPACE. CONFLICT while another store has it open (path.lock is locked). Network file systems
 * are UNSUPPORTED unless PARETO_ALLOW_NETWORK_FS=1 is set. */
DSE_MUST_USE enum dse_status dse_store_open(const char *path, int64_t max_bytes,
                                            struct dse_store **store, struct dse_err *err);
/* NULL is fine. An open transaction is rolled back. */
void dse_store_close(struct dse_store *store);

/* Begins a transaction; one at a time. Functions called outside one commit by themselves. */
DSE_MUST_USE enum dse_status dse_store_begin(struct dse_store *store, struct dse_err *err);
/* A commit that fails has been rolled back, whatever the error. Only after IO may a later start
 * find it done all the same, when its bytes had reached the disk: trust the rows. */
DSE_MUST_USE enum dse_status dse_store_commit(struct dse_store *store, struct dse_err *err);
/* Fine without a transaction. */
void dse_store_rollback(struct dse_store *store);
/* The end of every transaction: commits when status, the outcome of its steps, is DSE_OK, else
 * rolls back. Returns status, or that of the commit. */
DSE_MUST_USE enum dse_status dse_store_finish(struct dse_store *store, enum dse_status status,
                                              struct dse_err *err);

/* Is there space to write? Writes some pages that say nothing, and empties them again: the log has
 * then room for them. NO_SPACE. */
DSE_MUST_USE enum dse_status dse_store_try_space(struct dse_store *store, struct dse_err *err);

/* ---- sweeps ---- */

struct dse_sweep_row {
    int64_t id; /* from 1; ignored by insert */
    const char *name;
    enum dse_sweep_state state;
    const char *reason; /* "" unless failed */
    uint64_t seed;
    const char *content_hash;
    const char *context_hash; /* evaluations are shared by equal contexts */
    const char *source;       /* the file as submitted */
    const char *file;         /* its name */
    const char *base_dir;     /* where its relative paths start */
    const char *canonical;    /* with every default */
    int64_t priority;         /* greater is earlier; not dumped */
    const char *spec;         /* record `spec` of the protocol as JSON; not dumped */
    int64_t submitted_at_ms;
    int64_t finished_at_ms; /* 0: not finished */
};
DSE_MUST_USE enum dse_status dse_store_insert_sweep(struct dse_store *store,
                                                    const struct dse_sweep_row *row, int64_t *id,
                                                    struct dse_err *err);
DSE_MUST_USE enum dse_status dse_store_load_sweep(struct dse_store *store, int64_t id,
                                                  struct dse_arena *arena,
                                                  struct dse_sweep_row *row, struct dse_err *err);
/* All, by id. *rows is an array in the arena. */
DSE_MUST_USE enum dse_status dse_store_list_sweeps(struct dse_store *store, struct dse_arena *arena,
                                                   struct dse_sweep_row **rows, int *n,
                                                   struct dse_err *err);
/* Those whose spec, a JSON object, has the number of that sweep as "reevaluates"; by id. */
DSE_MUST_USE enum dse_status dse_store_list_looks(struct dse_store *store, int64_t sweep_id,
                                                  struct dse_arena *arena,
                                                  struct dse_sweep_row **rows, int *n,
                                                  struct dse_err *err);
/* The newest sweep of that content that is neither failed nor cancelled; NOT_FOUND. */
DSE_MUST_USE enum dse_status dse_store_find_sweep(struct dse_store *store, const char *content_hash,
                                                  int64_t *id, struct dse_err *err);
/* CONFLICT when the state may not follow the present one. */
DSE_MUST_USE enum dse_status dse_store_set_sweep_state(struct dse_store *store, int64_t id,
                                                       enum dse_sweep_state state,
                                                       const char *reason, int64_t finished_at_ms,
                                                       struct dse_err *err);

/* Any number; greater is earlier. NOT_FOUND. */
DSE_MUST_USE enum dse_status dse_store_set_sweep_priority(struct dse_store *store, int64_t id,
                                                          int64_t priority, struct dse_err *err);
/* The sweeps that wait for work, by descending priority, then by id: at most `most` of those that
 * are queued or running. ids and priorities are the caller's arrays. */
DSE_MUST_USE enum dse_status dse_store_open_sweeps(struct dse_store *store, int64_t *ids,
                                                   int64_t *priorities, int most, int *n,
                                                   struct dse_err *err);

struct dse_deletion {
    int64_t individuals; /* rows that went with the sweep */
    int64_t evaluations; /* evaluations that only it had */
};
/* Deletes a sweep in a final state with its individuals, and the evaluations that no other sweep
 * cites; all or nothing. CONFLICT where it is not final or a transaction is open. Costs a look at
 * every individual of the database. */
DSE_MUST_USE enum dse_status dse_store_delete_sweep(struct dse_store *store, int64_t id,
                                                    struct dse_deletion *deletion,
                                                    struct dse_err *err);

struct dse_sweep_counts {
    int64_t individuals; /* the baseline not counted, here and below */
    int64_t measured;    /* done or failed */
    int64_t failures;
    int64_t cache_hits;
    int64_t front_size;
    int generation; /* newest generation with rows; -1: only the baseline; -2: none */
};
/* The counts, maintained by the database: as cheap for a million individuals as for none. */
DSE_MUST_USE enum dse_status dse_store_count_sweep(struct dse_store *store, int64_t id,
                                                   struct dse_sweep_counts *counts,
                                                   struct dse_err *err);

/* ---- contexts: what a worker found out about model and data; content-addressed ---- */

/* Keeps the first text put under a hash. */
DSE_MUST_USE enum dse_status dse_store_put_context(struct dse_store *store, const char *hash,
                                                   const char *prepared_json, struct dse_err *err);
DSE_MUST_USE enum dse_status dse_store_load_context(struct dse_store *store, const char *hash,
                                                    struct dse_arena *arena,
                                                    const char **prepared_json,
                                                    struct dse_err *err);

/* ---- evaluations: one per (context, genome), shared by all sweeps ---- */

struct dse_evaluation_row {
    int64_t id;
    enum dse_result_state state;
    const char *reason; /* "" unless failed */
};
/* The evaluation of a genome (its canonical text; "float32" for the baseline), made when it is
 * new. */
DSE_MUST_USE enum dse_status
dse_store_ensure_evaluation(struct dse_store *store, const char *context_hash, const char *genome,
                            struct dse_arena *arena, struct dse_evaluation_row *row,
                            struct dse_err *err);
/* DONE adds up the partials, keeps the sum and lets the partials go; CONFLICT when they contradict
 * each other. An evaluation that is done stays as it is. */
DSE_MUST_USE enum dse_status dse_store_finish_evaluation(struct dse_store *store, int64_t id,
                                                         enum dse_result_state state,
                                                         const char *reason, struct dse_err *err);
/* A partial is kept once: a second one for the same shard, or one for an evaluation that is done,
 * changes nothing. INVALID: tallies that cannot be, values that are not numbers, nothing at all. */
DSE_MUST_USE enum dse_status dse_store_put_partial(struct dse_store *store, int64_t evaluation_id,
                                                   int shard, const struct dse_outcome *partial,
                                                   struct dse_err *err);
/* have[shard] for each of n_shards. */
DSE_MUST_USE enum dse_status dse_store_load_shards(struct dse_store *store, int64_t evaluation_id,
                                                   bool *have, int n_shards, struct dse_err *err);
/* What is known of an evaluation: the sum over the shards present (of tallies of different length:
 * what all have), and the values of the first that has some. Nothing known: 0 cells, 0 values.
 * Arrays live in the arena. */
DSE_MUST_USE enum dse_status dse_store_load_outcome(struct dse_store *store, int64_t evaluation_id,
                                                    struct dse_arena *arena,
                                                    struct dse_outcome *outcome,
                                                    struct dse_err *err);

/* ---- retrainings of individuals ---- */

/* What a retraining with these settings brought: record `retraining` of the protocol as JSON. One
 * of the same settings takes the place of the one before. NOT_FOUND: there is no such individual;
 * INVALID: the text is no JSON. */
DSE_MUST_USE enum dse_status dse_store_put_retraining(struct dse_store *store, int64_t sweep_id,
                                                      int generation, int slot,
                                                      const char *settings, const char *result,
                                                      struct dse_err *err);
/* Those of a sweep, by individual and settings: texts in the arena. */
DSE_MUST_USE enum dse_status dse_store_list_retrainings(struct dse_store *store, int64_t sweep_id,
                                                        struct dse_arena *arena,
                                                        const char ***results, int *n,
                                                        struct dse_err *err);

/* Records of early exits of one shard (problems.h); a second put changes nothing. */
DSE_MUST_USE enum dse_status dse_store_put_records(struct dse_store *store, int64_t evaluation_id,
                                                   int shard, const void *bytes, size_t size,
                                                   struct dse_err *err);
/* By shard, as they were put; n = 0 where there are none. Arrays live in the arena. */
struct dse_store_bytes {
    const uint8_t *bytes;
    size_t size;
};
DSE_MUST_USE enum dse_status dse_store_load_records(struct dse_store *store, int64_t evaluation_id,
                                                    struct dse_arena *arena,
                                                    struct dse_store_bytes **shards, int *n,
                                                    struct dse_err *err);

/* ---- individuals ---- */

struct dse_individual_row {
    int64_t sweep_id;
    int generation; /* -1: the float32 baseline */
    int slot;
    const char *genome; /* canonical text; "float32" for the baseline */
    int64_t evaluation_id;
    const char *shared_genome; /* of the evaluation, for insert; NULL: the individual's own */
    enum dse_result_state state;
    const char *reason;
    double objectives[DSE_MAX_OBJECTIVES];
    int n_objectives; /* 0 while pending or failed */
    double violation; /* 0: feasible */
    bool in_front;
    bool cached; /* answered from the store when it was born */
};
/* The shared genome must be that of the evaluation (NOT_FOUND otherwise). */
DSE_MUST_USE enum dse_status dse_store_insert_individual(struct dse_store *store,
                                                         const struct dse_individual_row *row,
                                                         struct dse_err *err);
/* Writes state, reason, objectives, violation, in_front of an existing row. */
DSE_MUST_USE enum dse_status dse_store_update_individual(struct dse_store *store,
                                                         const struct dse_individual_row *row,
                                                         struct dse_err *err);
DSE_MUST_USE enum dse_status dse_store_set_in_front(struct dse_store *store, int64_t sweep_id,
                                                    int generation, int slot, bool in_front,
                                                    struct dse_err *err);
/* One; NOT_FOUND. */
DSE_MUST_USE enum dse_status dse_store_load_individual(struct dse_store *store, int64_t sweep_id,
                                                       int generation, int slot,
                                                       struct dse_arena *arena,
                                                       struct dse_individual_row *row,
                                                       struct dse_err *err);
/* A generation by slot, or the front by (generation, slot), or all individuals by (generation,
 * slot); the last two without the baseline. */
enum dse_selection { DSE_SELECT_GENERATION, DSE_SELECT_FRONT, DSE_SELECT_ALL };
DSE_MUST_USE enum dse_status dse_store_load_individuals(struct dse_store *store, int64_t sweep_id,
                                                        enum dse_selection selection,
                                                        int generation, struct dse_arena *arena,
                                                        struct dse_individual_row **rows, int *n,
                                                        struct dse_err *err);

/* The members of the front by (generation, slot), one after the other, so that a large one takes no
 * memory. Of a row only generation, slot and objectives are filled in. visit may not write. */
typedef enum dse_status dse_store_visit_row(void *context, const struct dse_individual_row *row,
                                            struct dse_err *err);
DSE_MUST_USE enum dse_status dse_store_visit_front(struct dse_store *store, int64_t sweep_id,
                                                   dse_store_visit_row *visit, void *context,
                                                   struct dse_err *err);

/* At most `limit` of them from (generation, slot) on, by (generation, slot); front_only: of the
 * front. The baseline is one of them where generation is -1 and not only the front is asked for. */
struct dse_individual_range {
    int64_t sweep_id;
    int generation, slot, limit;
    bool front_only;
};
DSE_MUST_USE enum dse_status dse_store_page_individuals(struct dse_store *store,
                                                        const struct dse_individual_range *range,
                                                        struct dse_arena *arena,
                                                        struct dse_individual_row **rows, int *n,
                                                        struct dse_err *err);

/* ---- populations: who survived a generation, best first ---- */

struct dse_survivor_row {
    int generation; /* the individual's own */
    int slot;
    int rank;
    double crowding; /* +infinity for extremes */
};
/* Replaces what was put for that generation before. */
DSE_MUST_USE enum dse_status dse_store_put_survivors(struct dse_store *store, int64_t sweep_id,
                                                     int generation,
                                                     const struct dse_survivor_row *rows, int n,
                                                     struct dse_err *err);
DSE_MUST_USE enum dse_status dse_store_load_survivors(struct dse_store *store, int64_t sweep_id,
                                                      int generation, struct dse_arena *arena,
                                                      struct dse_survivor_row **rows, int *n,
                                                      struct dse_err *err);

/* Canonical text of everything known of one generation of a sweep (-1: sweep row without times,
 * context and baseline): individuals with their cells' sums, then its survivors. No times, no ids
 * that depend on order of arrival; one JSON object a line. A state that is not final is
 * "unfinished"; cells of a failed individual are left out, because how many partials came before
 * the failure is luck. Appended. */
DSE_MUST_USE enum dse_status dse_store_dump(struct dse_store *store, int64_t sweep_id,
                                            int generation, struct dse_buf *out,
                                            struct dse_err *err);

/* ---- upkeep: a database as a file ---- */

/* Told every now and then, with a name for what is done. */
typedef void dse_store_progress(void *context, const char *phase, int64_t done, int64_t total);

enum { DSE_STORE_PROBLEMS_MAX = 100 };

struct dse_store_report {
    const char *problems[DSE_STORE_PROBLEMS_MAX]; /* sentences without a full stop */
    int n_problems;                               /* 0: all is well */
    int schema;                                   /* version; 0: could not be read */
    bool is_old;   /* an older schema: only structure and foreign keys were looked at */
    int64_t bytes; /* of the database file */
    int64_t sweeps, individuals, evaluations, results, partials; /* rows */
};
/* Looks at everything in a database, also while a daemon has it open: its structure, foreign keys,
 * schema, every tally, genome and objective, and what rows say of each other. Texts live in the
 * arena. Damage is in the report; NOT_FOUND, IO, NO_MEMORY, UNSUPPORTED (a newer schema) where
 * there is nothing to report about. progress: NULL for none. */
DSE_MUST_USE enum dse_status dse_store_check(const char *path, dse_store_progress *progress,
                                             void *context, struct dse_arena *arena,
                                             struct dse_store_report *report, struct dse_err *err);
/* A copy of the database as it is at one moment, also while a daemon writes to it; under its name
 * only when it is whole and on disk, in the place of an older copy. INVALID where the name is that
 * of the database or of a file that is none. *bytes: size of the copy. */
DSE_MUST_USE enum dse_status dse_store_backup(const char *path, const char *copy,
                                              dse_store_progress *progress, void *context,
                                              int64_t *bytes, struct dse_err *err);
/* Writes the database anew without the room that deleted rows left. Sizes are of the file. Needs
 * room for a second database on the disk; NO_SPACE changes nothing. */
DSE_MUST_USE enum dse_status dse_store_vacuum(struct dse_store *store, int64_t *bytes_before,
                                              int64_t *bytes_after, struct dse_err *err);

#endif
