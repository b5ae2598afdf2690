/* One line on how far a sweep is. */
#include "client/client.h"

#include <string.h>

/* ", hypervolume 1.234", or "" where it is not known. */
static const char *volume_text(struct dse_arena *arena, const struct dse_msg_sweep *sweep) {
    return sweep->hypervolume > 0
               ? dse_console_printf(arena, ", hypervolume %.3f", sweep->hypervolume)
               : "";
}

/* ", 12 failed", or "" for none. */
static const char *count_text(struct dse_arena *arena, int64_t count, const char *what) {
    return count > 0
               ? dse_console_printf(arena, ", %s%s", dse_console_count_text(arena, count), what)
               : "";
}

const char *client__progress_text(struct dse_arena *arena, const struct dse_msg_sweep *sweep) {
    const char *head = dse_console_printf(arena, "sweep %lld %s", (long long)sweep->sweep,
                                          dse_console_clean(arena, sweep->name));
    if (strcmp(sweep->state, "done") == 0)
        return dse_console_printf(arena, "%s: done, front %s%s, %s evaluations%s%s", head,
                                  dse_console_count_text(arena, sweep->front_size),
                                  volume_text(arena, sweep),
                                  dse_console_count_text(arena, sweep->evaluations),
                                  count_text(arena, sweep->cache_hits, " found in the store"),
                                  count_text(arena, sweep->failures, " failed"));
    if (strcmp(sweep->state, "no_space") == 0)
        return dse_console_printf(arena, "%s: waiting for space: %s", head,
                                  dse_console_clean(arena, sweep->reason));
    if (strcmp(sweep->state, "running") != 0)
        return dse_console_printf(arena, "%s: %s", head, dse_console_clean(arena, sweep->state));
    if (sweep->phase != NULL && sweep->phase[0] != '\0')
        return dse_console_printf(arena, "%s: %s", head, dse_console_clean(arena, sweep->phase));
    const char *where = sweep->generation < 0 ? "baseline"
                                              : dse_console_printf(arena, "generation %lld/%lld",
                                                                   (long long)sweep->generation + 1,
                                                                   (long long)sweep->generations);
    const char *left =
        sweep->remaining_s < 0
            ? ""
            : dse_console_printf(arena, ", %s left",
                                 dse_console_duration_text(arena, sweep->remaining_s));
    const char *rate = sweep->evaluations_per_s > 0
                           ? dse_console_printf(arena, " (%.1f/s)", sweep->evaluations_per_s)
                           : "";
    /* What a narrow terminal cuts off comes last. */
    return dse_console_printf(
        arena, "%s: %s, %.0f %%%s, front %s%s, %s evaluations%s", head, where,
        sweep->progress * 100, left, dse_console_count_text(arena, sweep->front_size),
        volume_text(arena, sweep), dse_console_count_text(arena, sweep->evaluations), rate);
}
