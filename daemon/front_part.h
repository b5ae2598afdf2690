/* Which members of a front an answer has. */
#ifndef DSE_DAEMON_FRONT_PART_H
#define DSE_DAEMON_FRONT_PART_H

#include "base/base.h"
#include "protocol/protocol.h"

/* Members of a front in order: n from first on, or n spread evenly from the first to the last. */
struct dse_front_part {
    int first, n, last;
    bool spread;
    bool goes_on; /* there are more behind it */
};
/* Of n members, those from index `first` on are left; most: that an answer takes. INVALID. */
DSE_MUST_USE enum dse_status dse_front_part_choose(const struct dse_msg_front_query *query, int n,
                                                   int first, int most, struct dse_front_part *part,
                                                   struct dse_err *err);
/* Index of the i-th of a part. */
int dse_front_part_index(const struct dse_front_part *part, int i);
/* "12.33"; false: not of that form. */
bool dse_front_part_read_birth(const char *text, int *generation, int *slot);

#endif
