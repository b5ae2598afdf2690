/* Steps of a network as a user may write them, to steps as surgery takes them: widths, repetitions,
 * classes, and as many exits as wanted. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/model/networks.h"

enum { MAX_REPEATS = 1000, MAX_TEXT = 1 << 16 };

/* {N}: N channels times the width, in multiples of 8 where N is one, at least 1. */
static const char *put_width(const char *at, double width, struct dse_buf *out) {
    char *end;
    long n = strtol(at + 1, &end, 10);
    if (*end != '}' || n < 1)
        return NULL;
    double wide = (double)n * width;
    long step = n % 8 == 0 && width < 1.0 ? 8 : 1;
    long channels = (long)(wide / (double)step + 0.5) * step;
    dse_buf_printf(out, "%ld", channels < 1 ? 1 : channels);
    return end + 1;
}

/* One step with its numbers made plain; NULL where braces are wrong. */
static bool put_plain(const char *step, size_t length, const struct model__network_wish *wish,
                      struct dse_buf *out) {
    static const char classes[] = "CLASSES";
    const char *at = step, *end = step + length;
    while (at != NULL && at < end) {
        if (*at == '{') {
            at = put_width(at, wish->width, out);
        } else if (strncmp(at, classes, sizeof classes - 1) == 0) {
            dse_buf_printf(out, "%d", wish->classes);
            at += sizeof classes - 1;
        } else {
            dse_buf_append(out, at++, 1);
        }
    }
    return at != NULL;
}

/* "res={32}/2*3" is the step, then twice the step without its stride. */
static enum dse_status put_step(const char *step, size_t length,
                                const struct model__network_wish *wish, struct dse_buf *out,
                                struct dse_err *err) {
    const char *star = memchr(step, '*', length);
    const char *slash = memchr(step, '/', length);
    long repeats = star == NULL ? 1 : strtol(star + 1, NULL, 10);
    size_t first = star == NULL ? length : (size_t)(star - step);
    size_t later = slash == NULL ? first : (size_t)(slash - step);
    if (repeats < 1 || repeats > MAX_REPEATS)
        DSE_FAIL(err, DSE_INVALID, "step '%.*s': repeat it 1 to %d times", (int)length, step,
                 (int)MAX_REPEATS);
    for (long i = 0; i < repeats; i++) {
        dse_buf_puts(out, out->size > 0 ? "," : "");
        if (!put_plain(step, i == 0 ? first : later, wish, out))
            DSE_FAIL(err, DSE_INVALID, "step '%.*s': expected {CHANNELS}", (int)length, step);
    }
    if (out->size > MAX_TEXT)
        DSE_FAIL(err, DSE_INVALID, "a network of too many steps");
    return DSE_OK;
}

enum dse_status model__network_text(const char *steps, const struct model__network_wish *wish,
                                    struct dse_buf *out, struct dse_err *err) {
    int exits = 1;
    for (const char *at = steps; *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool is_exit = length == 4 && strncmp(at, "exit", length) == 0;
        if (!is_exit || (wish->exits == 0 || exits < wish->exits))
            DSE_TRY(put_step(at, length, wish, out, err));
        exits += is_exit;
        at += length;
        at += *at == ',';
    }
    if (wish->exits > exits)
        DSE_FAIL(err, DSE_INVALID, "the network has %d places to leave, not %d", exits,
                 wish->exits);
    return dse_buf_status(out, err);
}
