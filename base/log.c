/* The log of programs: one line an event, written with one write. */
#include "base/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_level = DSE_LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;

void dse_log_setup(enum dse_log_level level, int fd) {
    atomic_store(&log_level, (int)level);
    atomic_store(&log_fd, fd);
}

void dse_log(enum dse_log_level level, const char *room, const char *event, const char *fmt, ...) {
    static const char *const names[] = {"error",  "warn",   "info",  "debug1",
                                        "debug2", "debug3", "debug4"};
    if ((int)level > atomic_load(&log_level))
        return;
    int64_t now_ms = dse_clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    char stamp[32];
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char line[1280];
    int length = snprintf(line, sizeof line, "%s.%03dZ %s %s %s%s%s\n", stamp, (int)(now_ms % 1000),
                          names[level], room, event, text[0] == '\0' ? "" : " ", text);
    if (length > (int)sizeof line - 1)
        length = (int)sizeof line - 1;
    if (write(atomic_load(&log_fd), line, (size_t)length) < 0)
        return; /* nowhere left to say it */
}
