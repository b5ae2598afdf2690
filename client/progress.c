/* One line on how far a sweep is. */
#include "client/client.h"

#include <string.h>

/* ", hypervolume 1.234", or "" where it is not known. */
static const char *volume_text(struct dse_arena *arena, const struct dse_msg_sweep *sweep) {
    return sweep->hypervolume > 0
               ? dse_console_printf(arena, ", hypervolume %.3f", sweep->hypervolume)
               : "";
}

const char *client__progress_text(struct dse_arena *arena, const struct dse_msg_sweep *sweep) {
    const char *head = dse_console_printf(arena, "sweep %lld %s", (long long)sweep->sweep,
                                          dse_console_clean(arena, sweep->name));
    if (strcmp(sweep->state, "done") == 0)
        return dse_console_printf(
            arena, "%s: done, %s evaluations, %s found in the store, %s failed, front %lld%s", head,
            dse_console_count_text(arena, sweep->evaluations),
            dse_console_count_text(arena, sweep->cache_hits),
            dse_console_count_text(arena, sweep->failures), (long long)sweep->front_size,
            volume_text(arena, sweep));
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
    return dse_console_printf(arena, "%s: %s, %.0f %%%s, %s evaluations%s, front %lld%s", head,
                              where, sweep->progress * 100, left,
                              dse_console_count_text(arena, sweep->evaluations), rate,
                              (long long)sweep->front_size, volume_text(arena, sweep));
}
