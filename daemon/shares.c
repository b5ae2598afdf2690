/* How sweeps share the workers. */
#include "daemon/shares.h"

/* How far a sweep may run ahead of its equals before a worker changes its context for them. */
enum { AHEAD_MAX_MS = 10 * 1000 };

/* With the work under way, so that a long task counts while it lasts. */
static int64_t used_by_now(const struct dse_share *share, int64_t now_ms) {
    return share->used_ms + share->in_work * now_ms - share->started_sum;
}

void dse_share_join(struct dse_share *share, const struct dse_share *const *shares, int n,
                    int64_t now_ms) {
    bool any = false;
    share->used_ms = 0;
    for (int i = 0; i < n; i++) {
        int64_t used = used_by_now(shares[i], now_ms);
        if (shares[i]->priority != share->priority)
            continue;
        if (!any || used < share->used_ms)
            share->used_ms = used;
        any = true;
    }
}

void dse_share_begin_work(struct dse_share *share, int64_t now_ms) {
    share->in_work++;
    share->started_sum += now_ms;
}

void dse_share_end_work(struct dse_share *share, int64_t started_ms, int64_t now_ms) {
    dse_assert(share->in_work > 0);
    share->in_work--;
    share->started_sum -= started_ms;
    share->used_ms += now_ms - started_ms;
}

/* Does a come before b? */
static bool comes_first(const struct dse_share *a, const struct dse_share *b, int64_t a_used,
                        int64_t b_used) {
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a_used != b_used)
        return a_used < b_used;
    return a->in_work != b->in_work ? a->in_work < b->in_work : a->id < b->id;
}

void dse_shares_order(const struct dse_share *const *shares, int n, int held, int64_t now_ms,
                      int *order) {
    int64_t used[DSE_SHARES_MAX];
    dse_assert(n <= DSE_SHARES_MAX);
    for (int i = 0; i < n; i++) {
        used[i] = used_by_now(shares[i], now_ms) - (i == held ? AHEAD_MAX_MS : 0);
        int at = i;
        while (at > 0 &&
               comes_first(shares[i], shares[order[at - 1]], used[i], used[order[at - 1]]))
            order[at] = order[at - 1], at--;
        order[at] = i;
    }
}
