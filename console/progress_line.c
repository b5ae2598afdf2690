/* One line that is drawn over itself, and progress with an estimate on it. */
#include "console/console.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

void dse_console_draw(struct dse_console_line_drawn *line, const char *text, bool may_wrap) {
    int width = may_wrap ? INT_MAX : dse_console_terminal_width(fileno(line->to)) - 1;
    size_t bytes = dse_console_text_fit(text, width);
    int columns = dse_console_text_width(text);
    columns = columns < width ? columns : width;
    int blanks = line->columns > columns ? line->columns - columns : 0;
    (void)fprintf(line->to, "\r%.*s%*s", (int)bytes, text, blanks, "");
    (void)fflush(line->to);
    line->columns = columns;
    line->drawn_ms = dse_clock_mono_ms();
}

void dse_console_draw_end(struct dse_console_line_drawn *line) {
    if (line->columns > 0)
        (void)fprintf(line->to, "\n");
    line->columns = 0;
}

enum { REDRAW_MS = 200, ESTIMATE_AFTER_MS = 1000 };

/* Milliseconds since the phase began, which it does when its name is new; < 0: draw nothing now. */
static int64_t enter_phase(struct dse_console_progress *progress, const char *phase) {
    int64_t now_ms = dse_clock_mono_ms();
    if (strncmp(progress->phase, phase, sizeof progress->phase - 1) != 0) {
        (void)snprintf(progress->phase, sizeof progress->phase, "%s", phase);
        progress->begun_ms = now_ms;
    }
    if (!dse_console_is_terminal(STDERR_FILENO) || now_ms - progress->line.drawn_ms < REDRAW_MS)
        return -1;
    progress->line.to = stderr;
    return now_ms - progress->begun_ms;
}

void dse_console_progress_step(struct dse_console_progress *progress, const char *phase,
                               int64_t done, int64_t total) {
    int64_t spent_ms = enter_phase(progress, phase);
    if (spent_ms < 0)
        return;
    struct dse_arena arena = {0};
    const char *left = "";
    if (done > 0 && spent_ms >= ESTIMATE_AFTER_MS)
        left = dse_console_printf(
            &arena, ", %s left",
            dse_console_duration_text(&arena, (double)spent_ms / 1e3 * (double)(total - done) /
                                                  (double)done));
    dse_console_draw(&progress->line,
                     dse_console_printf(&arena, "%s: %lld of %lld%s", phase, (long long)done,
                                        (long long)total, left),
                     false);
    dse_arena_fini(&arena);
}

void dse_console_progress_wait(struct dse_console_progress *progress, const char *phase) {
    int64_t spent_ms = enter_phase(progress, phase);
    if (spent_ms < 0)
        return;
    struct dse_arena arena = {0};
    dse_console_draw(&progress->line,
                     dse_console_printf(&arena, "%s: %s so far", phase,
                                        dse_console_duration_text(&arena, (double)spent_ms / 1e3)),
                     false);
    dse_arena_fini(&arena);
}

void dse_console_progress_end(struct dse_console_progress *progress) {
    if (progress->line.columns == 0)
        return;
    dse_console_draw(&progress->line, "", false);
    (void)fprintf(progress->line.to, "\r");
    (void)fflush(progress->line.to);
    *progress = (struct dse_console_progress){0};
}
