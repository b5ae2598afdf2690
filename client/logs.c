/* pareto logs: what the daemon wrote down, from its files, so that a daemon that is gone can be
 * asked as well. */
#include "client/client.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FOLLOW_INTERVAL_MS = 250,
    STAMP_SIZE = 32, /* "2026-11-22T04:00:00.000Z" */
};

/* What is asked for, and the file that is read. */
struct reading {
    struct client *c;
    enum dse_log_level level;
    int64_t sweep;          /* 0: any */
    char since[STAMP_SIZE]; /* stamps compare as texts; "" is before all */
    char path[4200];
    int fd; /* -1: none */
    struct dse_buf input;
    int64_t n_files;
};

/* ---- what is wanted ---- */

static void print_stamp(time_t when, char out[STAMP_SIZE]) {
    struct tm utc;
    (void)gmtime_r(&when, &utc);
    (void)strftime(out, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
}

/* "10m" is ten minutes ago, "2026-11-22T04:00" an instant of UTC; its end may be left out. */
static enum dse_status read_since(const char *text, char out[STAMP_SIZE], struct dse_err *err) {
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    static const char pattern[] = "0000-00-00T00:00:00.000Z";
    char *end;
    long long number = strtoll(text, &end, 10);
    size_t length = strlen(text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (end != text && end[0] == units[i].unit && end[1] == '\0' && number >= 0 &&
            number <= INT32_MAX) {
            print_stamp((time_t)(dse_clock_wall_ms() / 1000) - (time_t)number * units[i].seconds,
                        out);
            return DSE_OK;
        }
    bool fits = length >= 10 && length < sizeof pattern;
    for (size_t i = 0; fits && i < length; i++)
        fits = pattern[i] == '0' ? isdigit((unsigned char)text[i]) != 0 : text[i] == pattern[i];
    if (!fits)
        DSE_FAIL(err, DSE_USAGE,
                 "--since \"%.40s\": give a time that has passed, as 90s, 10m, 2h or 1d, or an "
                 "instant of UTC, as 2026-11-22 or 2026-11-22T04:00",
                 text);
    (void)snprintf(out, STAMP_SIZE, "%s", text);
    return DSE_OK;
}

static enum dse_status read_wish(struct reading *r, struct dse_err *err) {
    const struct client__options *options = &r->c->options;
    const char *level = options->level != NULL ? options->level : "info";
    if (strcmp(level, "debug") == 0)
        r->level = DSE_LOG_DEBUG4;
    else if (!dse_log_level_named(level, &r->level))
        DSE_FAIL(err, DSE_USAGE, "--level \"%.20s\" is not one of: error warn info debug", level);
    if (options->sweep != NULL)
        DSE_TRY(client__parse_id(options->sweep, &r->sweep, err));
    return options->since == NULL ? DSE_OK : read_since(options->since, r->since, err);
}

static bool is_wanted(const struct reading *r, const struct dse_log_line *line) {
    enum dse_log_level level;
    return dse_log_level_named(line->level, &level) && level <= r->level &&
           strcmp(line->time, r->since) >= 0 && (r->sweep == 0 || line->sweep == r->sweep);
}

/* ---- lines ---- */

static enum dse_status take_line(struct reading *r, const char *text, size_t length,
                                 struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_log_line line;
    struct dse_buf out = {0};
    struct dse_err cut = {0};
    enum dse_status status = dse_log_line_read(text, length, &arena, &line, &cut);
    bool is_shown = status == DSE_OK && is_wanted(r, &line);
    if (status == DSE_PROTOCOL || status == DSE_INVALID)
        status = DSE_OK; /* a line that a kill has cut short */
    else if (status != DSE_OK)
        (void)dse_err_set(err, status, "%s", cut.text);
    if (is_shown && r->c->options.json) {
        dse_buf_append(&out, text, length);
        dse_buf_puts(&out, "\n");
    } else if (is_shown) {
        dse_buf_printf(&out, "%s %-5s %s %s %s\n", dse_console_clean(&arena, line.time),
                       dse_console_clean(&arena, line.level), dse_console_clean(&arena, line.room),
                       dse_console_clean(&arena, line.event), dse_console_clean(&arena, line.rest));
    }
    if (is_shown)
        status = dse_console_put(&out, err);
    dse_buf_fini(&out);
    dse_arena_fini(&arena);
    return status;
}

/* The whole lines of the input; what is behind the last newline stays. */
static enum dse_status take_lines(struct reading *r, struct dse_err *err) {
    size_t from = 0;
    enum dse_status status = DSE_OK;
    while (status == DSE_OK && from < r->input.size) {
        const char *start = r->input.data + from;
        const char *end = memchr(start, '\n', r->input.size - from);
        if (end == NULL)
            break;
        status = take_line(r, start, (size_t)(end - start), err);
        from += (size_t)(end - start) + 1;
    }
    dse_buf_consume(&r->input, from);
    return status;
}

/* To the present end of the file. */
static enum dse_status read_on(struct reading *r, struct dse_err *err) {
    char block[64 * 1024];
    for (;;) {
        ssize_t got = read(r->fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dse_err_set_errno(err, r->path);
        if (got == 0)
            return DSE_OK;
        dse_buf_append(&r->input, block, (size_t)got);
        DSE_TRY(dse_buf_status(&r->input, err));
        DSE_TRY(take_lines(r, err));
    }
}

/* ---- files ---- */

static void close_file(struct reading *r) {
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
    dse_buf_reset(&r->input);
}

/* The files of one moment, the newest first; fd -1: there is none of that number. */
struct files {
    int fd[DSE_LOG_OLDER_FILES + 1];
    struct stat about[DSE_LOG_OLDER_FILES + 1];
};

static void close_files(struct files *files) {
    for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++) {
        if (files->fd[i] >= 0)
            (void)close(files->fd[i]);
        files->fd[i] = -1;
    }
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The daemon moves the oldest name first: between two looks of ours, the file of the name before
 * may have got this one. */
static bool is_moved(const struct files *files, int i) {
    return i > 0 && files->fd[i] >= 0 && files->fd[i - 1] >= 0 &&
           is_same_file(&files->about[i], &files->about[i - 1]);
}

static enum dse_status open_each(const struct reading *r, struct files *files,
                                 struct dse_err *err) {
    char name[sizeof r->path + 16];
    for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++) {
        dse_log_file_name(r->path, i, name, sizeof name);
        files->fd[i] = open(name, O_RDONLY | O_CLOEXEC);
        if ((files->fd[i] < 0 && errno != ENOENT) ||
            (files->fd[i] >= 0 && fstat(files->fd[i], &files->about[i]) != 0))
            return dse_err_set_errno(err, name);
        if (is_moved(files, i)) {
            (void)close(files->fd[i]);
            files->fd[i] = -1;
        }
    }
    return DSE_OK;
}

static bool is_file_of_name(const struct stat *file, const char *path) {
    struct stat now;
    return stat(path, &now) == 0 && is_same_file(&now, file);
}

/* Names move on when the daemon begins a new file, so it is done again where that happened
 * meanwhile: the newest name must be the same file before and after. */
static enum dse_status open_files(const struct reading *r, struct files *files,
                                  struct dse_err *err) {
    enum { TRIES = 100 };
    enum dse_status status = DSE_OK;
    for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++)
        files->fd[i] = -1;
    for (int tries = 0; tries < TRIES; tries++) {
        close_files(files);
        status = open_each(r, files, err);
        if (status != DSE_OK)
            break;
        bool any = false;
        for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++)
            any = any || files->fd[i] >= 0;
        if (!any || (files->fd[0] >= 0 && is_file_of_name(&files->about[0], r->path)))
            break;
    }
    if (status != DSE_OK)
        close_files(files);
    return status;
}

/* From that number to the newest, which stays open. */
static enum dse_status read_files(struct reading *r, struct files *files, int oldest,
                                  struct dse_err *err) {
    enum dse_status status = DSE_OK;
    for (int i = oldest; status == DSE_OK && i >= 0; i--) {
        if (files->fd[i] < 0)
            continue;
        close_file(r);
        r->fd = files->fd[i];
        files->fd[i] = -1;
        r->n_files++;
        status = read_on(r, err);
    }
    close_files(files);
    return status;
}

/* The rest of the file that was read, and all that the daemon began after it. */
static enum dse_status read_newer(struct reading *r, struct dse_err *err) {
    struct files files;
    struct stat current;
    DSE_TRY(open_files(r, &files, err));
    int newer = DSE_LOG_OLDER_FILES;
    enum dse_status status = DSE_OK;
    if (r->fd >= 0 && fstat(r->fd, &current) == 0) {
        status = read_on(r, err); /* nobody writes there any more */
        for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++)
            if (files.fd[i] >= 0 && is_same_file(&files.about[i], &current))
                newer = i - 1;
    }
    if (status == DSE_OK)
        return read_files(r, &files, newer, err);
    close_files(&files);
    return status;
}

/* Has the daemon begun a new file? */
static bool is_another_file(const struct reading *r) {
    struct stat open_one;
    if (access(r->path, F_OK) != 0)
        return false;
    return r->fd < 0 || fstat(r->fd, &open_one) != 0 || !is_file_of_name(&open_one, r->path);
}

/* Until a signal ends the program, or nobody reads what it prints. */
static enum dse_status follow(struct reading *r, struct dse_err *err) {
    for (;;) {
        if (r->fd >= 0)
            DSE_TRY(read_on(r, err));
        if (is_another_file(r))
            DSE_TRY(read_newer(r, err));
        DSE_TRY(dse_console_flush(err));
        struct pollfd reader = {.fd = STDOUT_FILENO};
        if (poll(&reader, 1, FOLLOW_INTERVAL_MS) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0)
            return DSE_OK;
    }
}

static enum dse_status read_all(struct reading *r, struct dse_err *err) {
    (void)snprintf(r->path, sizeof r->path, "%s/" DSE_LOG_FILE, r->c->state_dir);
    DSE_TRY(read_wish(r, err));
    DSE_TRY(read_newer(r, err));
    if (r->c->options.follow)
        return follow(r, err);
    if (r->n_files == 0)
        DSE_FAIL(err, DSE_NOT_FOUND,
                 "%s: there is no log; paretod writes one, and --state DIR names its state "
                 "directory",
                 r->path);
    return DSE_OK;
}

enum dse_status client__command_logs(struct client *c, struct dse_err *err) {
    struct reading reading = {.c = c, .fd = -1};
    enum dse_status status = read_all(&reading, err);
    close_file(&reading);
    dse_buf_fini(&reading.input);
    return status;
}
