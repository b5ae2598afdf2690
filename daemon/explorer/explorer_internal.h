/* Shared by the files of the explorer. */
#ifndef DSE_DAEMON_EXPLORER_INTERNAL_H
#define DSE_DAEMON_EXPLORER_INTERNAL_H

#include "daemon/explorer/explorer.h"
#include "search/search.h"
#include "workloads/workloads.h"

/* An individual whose evaluation is under way. */
struct member {
    struct dse_individual_row row;
    struct dse_candidate candidate;
    int missing_shards;
    bool follows; /* another member does the work of its evaluation */
    int next;     /* another member of its evaluation, in a ring by index; alone: itself */
    int failures; /* answers that said that it failed */
};

struct front_member {
    struct dse_front_entry entry;
    char digest[DSE_SHA256_HEX]; /* of the genome's text, which may be long */
    int next_free;               /* of a free place */
};

/* The individuals of the archive: a tag is a place in members. */
struct front {
    struct dse_archive *archive;
    struct dse_front_list *list;
    struct front_member *members;
    int n_members, free_place; /* n_members: none is free */
    int64_t changes;           /* individuals that came in */
};

/* What the feasible individuals of the first generation that has some span, each objective. */
struct volume_box {
    bool known;
    int next; /* generation to look at */
    double least[DSE_MAX_OBJECTIVES], most[DSE_MAX_OBJECTIVES];
};

struct dse_explorer {
    struct dse_store *store;
    int64_t sweep_id;
    bool finished;
    bool aborted; /* its rows say that it failed */
    int64_t finished_individuals;

    /* for the life of the explorer */
    struct dse_arena arena;
    struct dse_workload workload;
    struct dse_search_options search;
    struct dse_msg_context context;
    struct dse_initial initial; /* as it was at submission */
    const struct dse_msg_prepared *prepared;
    const struct dse_problem_def *problem;
    struct dse_space space;
    struct dse_model_facts model;
    const struct dse_outcome *baseline; /* NULL: not known (yet) */
    int n_shards, n_cells;

    struct front front;

    struct volume_box volume_box;
    double volume; /* of the front as it was when volume_changes and _generation were taken */
    int64_t volume_changes;
    int volume_generation;

    /* for one generation: the individuals without a result, by generation and slot, and their
     * tasks */
    struct dse_arena wave_arena;
    int generation;
    struct member *wave;
    int n_wave, n_unfinished;
    struct dse_task *tasks;
};

/* ---- front.c: the non-dominated individuals, as they arrive ---- */

DSE_MUST_USE enum dse_status dse_explorer__load_front(struct dse_explorer *ex, struct dse_err *err);
/* Puts a measured individual into the front if it belongs there (row->in_front is set, the row is
 * not written) and takes out those it dominates, in the store too. */
DSE_MUST_USE enum dse_status dse_explorer__offer_to_front(struct dse_explorer *ex,
                                                          struct dse_individual_row *row,
                                                          struct dse_err *err);
void dse_explorer__free_front(struct dse_explorer *ex);

/* ---- measure.c: from an evaluation that has all its shards to an individual's row ---- */

/* Candidate of a genome; NULL: the baseline. */
DSE_MUST_USE enum dse_status dse_explorer__decode_genes(const struct dse_explorer *ex,
                                                        const double *genome,
                                                        struct dse_candidate *candidate,
                                                        struct dse_err *err);
/* The same of a genome's text ("float32" for the baseline). */
DSE_MUST_USE enum dse_status dse_explorer__decode(const struct dse_explorer *ex, const char *text,
                                                  struct dse_candidate *candidate,
                                                  struct dse_err *err);
/* Fills state, reason, objectives, violation and in_front of row from its evaluation's sums. A
 * metric without a value makes it a failed individual, not an error. */
DSE_MUST_USE enum dse_status dse_explorer__measure(struct dse_explorer *ex,
                                                   const struct dse_candidate *candidate,
                                                   struct dse_individual_row *row,
                                                   struct dse_err *err);

/* ---- generation.c: what comes next ---- */

/* Brings the sweep to the next point where work is needed: writes missing generations, loads the
 * wave and its tasks, or finishes the sweep. */
DSE_MUST_USE enum dse_status dse_explorer__advance(struct dse_explorer *ex, struct dse_err *err);

/* Writes an individual whose evaluation exists, with the evaluation's genome as the shared one. */
DSE_MUST_USE enum dse_status
dse_explorer__insert(struct dse_explorer *ex, struct dse_individual_row *row, struct dse_err *err);

/* ---- exact.c ---- */

/* Where the workload asks for it: adds what the best thresholds make of a whole generation. Inside
 * a transaction. */
DSE_MUST_USE enum dse_status dse_explorer__find_thresholds(struct dse_explorer *ex, int generation,
                                                           struct dse_err *err);

/* ---- initial_file.c: predefined individuals ---- */

struct initial_item {
    const char *genome; /* as it stands in the file */
    bool in_front;
    int line; /* 0: not known */
};
/* The individuals of a file of pareto export, CSV or JSON, in their order, those without a genome
 * left out. The array lives in the arena. INVALID with the line where it is neither. */
DSE_MUST_USE enum dse_status dse_explorer__read_initial(const char *path, struct dse_arena *arena,
                                                        struct initial_item **items, int *n,
                                                        struct dse_err *err);

/* ---- stop.c ---- */

/* Is this generation the last? kept: its survivors, n_kept of them. Inside a transaction. */
DSE_MUST_USE enum dse_status dse_explorer__should_stop(struct dse_explorer *ex, int generation,
                                                       const struct dse_individual *kept,
                                                       int n_kept, bool *stop, struct dse_err *err);

/* ---- tasks.c ---- */

DSE_MUST_USE enum dse_status dse_explorer__make_tasks(struct dse_explorer *ex, struct dse_err *err);
/* A member has every shard (or has failed): writes its evaluation and its row. Inside a
 * transaction. */
DSE_MUST_USE enum dse_status dse_explorer__finish_member(struct dse_explorer *ex,
                                                         struct member *member,
                                                         enum dse_result_state state,
                                                         const char *reason, struct dse_err *err);

#endif
