/* A part of a front: its beginning, its length, or members spread over the whole. */
#include "daemon/front_part.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static bool read_whole(const char *text, int *value, const char **end) {
    char *stop;
    errno = 0;
    long read = strtol(text, &stop, 10);
    *end = stop;
    *value = (int)read;
    return errno == 0 && *text >= '0' && *text <= '9' && read <= INT_MAX;
}

bool dse_front_part_read_birth(const char *text, int *generation, int *slot) {
    const char *end;
    return read_whole(text, generation, &end) && *end == '.' && read_whole(end + 1, slot, &end) &&
           *end == '\0';
}

enum dse_status dse_front_part_choose(const struct dse_msg_front_query *query, int n, int first,
                                      int most, struct dse_front_part *part, struct dse_err *err) {
    if (query->limit < 0 || query->spread < 0)
        DSE_FAIL(err, DSE_INVALID, "there is no part of %lld members of a front",
                 (long long)(query->limit < 0 ? query->limit : query->spread));
    if (query->spread > 0 && (query->limit > 0 || query->after != NULL))
        DSE_FAIL(err, DSE_INVALID, "members spread over the front come without limit and after");
    int64_t wanted = query->spread > 0 ? query->spread : query->limit > 0 ? query->limit : most;
    int left = n - first;
    int taken = wanted < most ? (int)wanted : most;
    *part = (struct dse_front_part){
        .first = first,
        .n = taken < left ? taken : left,
        .last = n - 1,
        .spread = query->spread > 0,
    };
    part->goes_on = !part->spread && first + part->n < n;
    return DSE_OK;
}

int dse_front_part_index(const struct dse_front_part *part, int i) {
    if (!part->spread)
        return part->first + i;
    return part->n == 1 ? 0 : (int)((int64_t)i * part->last / (part->n - 1));
}
