/* How sweeps share the workers: strictly by priority, and among equals by the worker-seconds they
 * have had. Numbers only; no explorer, no clock. */
#ifndef DSE_DAEMON_SHARES_H
#define DSE_DAEMON_SHARES_H

#include "base/base.h"

/* Sweeps that are explored at a time; others wait in line. */
enum { DSE_SHARES_MAX = 16 };

struct dse_share {
    int64_t id; /* of the sweep; older ones are smaller */
    int64_t priority;
    int64_t used_ms;     /* worker-time it has had, from where it joined */
    int in_work;         /* workers that work for it now ... */
    int64_t started_sum; /* ... and the sum of the times at which they began */
};

/* A newcomer begins where the poorest of its priority stands: it neither starves the others to
 * catch up nor waits for them. shares: the n that are there. */
void dse_share_join(struct dse_share *share, const struct dse_share *const *shares, int n,
                    int64_t now_ms);
void dse_share_begin_work(struct dse_share *share, int64_t now_ms);
void dse_share_end_work(struct dse_share *share, int64_t started_ms, int64_t now_ms);
/* order[0..n): the indices of shares for a worker that wants work, best first. held: index of the
 * share whose context the worker has open, or -1; it is preferred among its equals for some ten
 * seconds of work, because opening another context costs seconds. */
void dse_shares_order(const struct dse_share *const *shares, int n, int held, int64_t now_ms,
                      int *order);

#endif
