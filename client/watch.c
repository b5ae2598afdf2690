/* Following a sweep to its end. On a terminal one line is rewritten in place, at most ten times a
 * second; elsewhere a line is printed for every generation and change of state. */
#include "client/client.h"

#include <string.h>

enum { REDRAW_MS = 100, LINE_MAX_BYTES = 1024 };

struct display {
    FILE *to;
    bool is_terminal, is_json;
    struct dse_console_line_drawn line;
    char due[LINE_MAX_BYTES]; /* newer line that waits for its time; "": none */
    int64_t generation;       /* of the last line elsewhere */
    char mark[256];           /* state and phase of the last line elsewhere */
};

/* Only the last line may be longer than the terminal is wide: nothing has to be drawn over it. */
static void draw(struct display *display, const char *line, bool is_last) {
    dse_console_draw(&display->line, line, is_last);
    display->due[0] = '\0';
}

static void print_line_if_new(struct display *display, const struct dse_msg_sweep *sweep,
                              const char *line) {
    char mark[sizeof display->mark];
    (void)snprintf(mark, sizeof mark, "%s %s", sweep->state,
                   sweep->phase != NULL ? sweep->phase : "");
    if (sweep->generation == display->generation && strcmp(mark, display->mark) == 0)
        return;
    (void)fprintf(display->to, "%s\n", line);
    (void)fflush(display->to);
    display->generation = sweep->generation;
    memcpy(display->mark, mark, sizeof mark);
}

static void show(struct display *display, const struct dse_msg_sweep *sweep, const char *json,
                 struct dse_arena *arena) {
    if (display->is_json) {
        (void)fprintf(display->to, "%s\n", json);
        (void)fflush(display->to);
        return;
    }
    const char *line = client__progress_text(arena, sweep);
    if (!display->is_terminal)
        print_line_if_new(display, sweep, line);
    else if (client__sweep_has_ended(sweep))
        draw(display, line, true);
    else if (dse_clock_mono_ms() - display->line.drawn_ms >= REDRAW_MS)
        draw(display, line, false);
    else
        (void)snprintf(display->due, sizeof display->due, "%s", line);
}

static void leave_line(struct display *display) {
    if (display->due[0] != '\0')
        draw(display, display->due, false);
    dse_console_draw_end(&display->line);
}

static enum dse_status result_of(const struct dse_msg_sweep *sweep, struct dse_err *err) {
    if (strcmp(sweep->state, "failed") == 0)
        DSE_FAIL(err, DSE_FAILED, "sweep %lld failed: %s", (long long)sweep->sweep, sweep->reason);
    if (strcmp(sweep->state, "cancelled") == 0)
        DSE_FAIL(err, DSE_FAILED,
                 "sweep %lld was cancelled; what it found stays: pareto front %lld",
                 (long long)sweep->sweep, (long long)sweep->sweep);
    return DSE_OK;
}

/* The next event, with its sweep shown; *ended and err when it was the last one. */
static enum dse_status follow_event(struct client *c, struct display *display, bool *ended,
                                    struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_rpc_reply event;
    int64_t wait_ms =
        display->due[0] == '\0' ? -1 : display->line.drawn_ms + REDRAW_MS - dse_clock_mono_ms();
    if (display->due[0] != '\0' && wait_ms < 0)
        wait_ms = 0;
    enum dse_status status =
        client__receive(c, DSE_METHOD_watch, (int)wait_ms, &arena, &event, err);
    if (status == DSE_AGAIN) {
        draw(display, display->due, false);
        status = DSE_OK;
    } else if (status == DSE_OK && event.kind == DSE_RPC_PROGRESS) {
        show(display, event.progress, event.result_json, &arena);
        *ended = client__sweep_has_ended(event.progress);
        if (*ended)
            status = result_of(event.progress, err);
    }
    dse_arena_fini(&arena);
    return status;
}

enum dse_status client__watch_to_end(struct client *c, int64_t sweep, FILE *to,
                                     struct dse_err *err) {
    struct dse_msg_sweep_id id = {.sweep = sweep};
    struct dse_rpc_reply reply;
    struct display display = {.to = to,
                              .is_terminal = dse_console_is_terminal(fileno(to)),
                              .is_json = c->options.json && to == stdout,
                              .line = {.to = to, .drawn_ms = -REDRAW_MS},
                              .generation = -2};
    DSE_TRY(client__call(c, DSE_METHOD_watch, &id, &reply, err));
    const struct dse_msg_sweep *first = reply.result;
    show(&display, first, reply.result_json, &c->arena);
    bool ended = client__sweep_has_ended(first);
    enum dse_status status = ended ? result_of(first, err) : DSE_OK;
    while (status == DSE_OK && !ended)
        status = follow_event(c, &display, &ended, err);
    leave_line(&display);
    return status;
}

enum dse_status client__command_watch(struct client *c, struct dse_err *err) {
    int64_t sweep;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &sweep, err));
    DSE_TRY(client__catch_signals(c, err));
    enum dse_status status = client__watch_to_end(c, sweep, stdout, err);
    if (status == DSE_INTERRUPTED) {
        *err = (struct dse_err){0};
        (void)dse_err_set(err, status,
                          "stopped watching; sweep %lld goes on (pareto watch %lld follows it, "
                          "pareto cancel %lld stops it)",
                          (long long)sweep, (long long)sweep, (long long)sweep);
    } else if (status == DSE_OK && !c->options.json) {
        struct dse_buf out = {0};
        dse_buf_printf(&out, "see the result with: pareto front %lld\n", (long long)sweep);
        status = dse_console_put(&out, err);
    }
    return status;
}
