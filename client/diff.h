/* pareto diff: what two sweeps have in common. Inside of client. */
#ifndef DSE_CLIENT_DIFF_H
#define DSE_CLIENT_DIFF_H

#include "client/client.h"
#include "client/compare/compare.h"

/* An individual that has a result or waits for it. */
struct client__diff_item {
    const char *genome;
    const double *objectives; /* of the sweep's number of them; NULL: no result */
    int64_t generation, slot;
    bool in_front;
};

struct client__diff_side {
    const struct dse_msg_sweep *sweep;
    const char *canonical; /* its workload */
    const struct dse_msg_objective *objectives;
    int n_objectives;
    struct client__diff_item *items; /* by genome, equal ones by birth */
    int n, capacity;
    const struct client__diff_item **front; /* by birth */
    int n_front;
    int n_only; /* members of the front that are not in the other's */
};

/* A key whose values differ; NULL: the workload does not have it. */
struct client__diff_key {
    const char *key, *values[2];
};

/* An equal genome: its first individual with a result on each side. */
struct client__diff_pair {
    const struct client__diff_item *items[2];
    bool differs; /* in its figures */
};

/* Everything lives in `kept`. */
struct client__diff {
    struct dse_arena kept;
    struct client__diff_side sides[2];
    struct client__diff_key *keys;
    int n_keys;
    bool comparable; /* equal objectives */
    struct dse_comparison numbers;
    struct client__diff_pair *pairs; /* by genome */
    int n_pairs, n_differing;
};

/* Is a member of one side's front in the front of the other? */
bool client__diff_is_shared(const struct client__diff *diff, int side,
                            const struct client__diff_item *member);
DSE_MUST_USE enum dse_status client__diff_print(struct client *c, const struct client__diff *diff,
                                                struct dse_err *err);
DSE_MUST_USE enum dse_status client__diff_print_json(const struct client__diff *diff,
                                                     struct dse_err *err);

#endif
