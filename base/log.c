/* The log of programs: one line an event, written with one write; for people on a file descriptor,
 * for programs as a JSON object in a file that is rotated. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_LINE = 16384, STAMP_SIZE = 32, PATH_SIZE = 4096 };

static atomic_int log_level = DSE_LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;

/* The file; fd -1: none. */
static struct {
    pthread_mutex_t lock;
    int fd;
    char path[PATH_SIZE];
    int64_t bytes, most_bytes;
    int older;
} file = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static const char *const level_names[] = {"error",  "warn",   "info",  "debug1",
                                          "debug2", "debug3", "debug4"};

void dse_log_setup(enum dse_log_level level, int fd) {
    atomic_store(&log_level, (int)level);
    atomic_store(&log_fd, fd);
}

bool dse_log_level_named(const char *name, enum dse_log_level *level) {
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(level_names[i], name) == 0) {
            *level = (enum dse_log_level)i;
            return true;
        }
    return false;
}

/* ---- the file ---- */

/* With a newline of its own where the last line was cut short by a kill. */
static enum dse_status open_file(const char *path, int *fd, int64_t *bytes, struct dse_err *err) {
    struct stat st;
    char last = '\n';
    int opened = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (opened < 0 || fstat(opened, &st) != 0) {
        enum dse_status status = dse_err_set_errno(err, path);
        if (opened >= 0)
            (void)close(opened);
        return status;
    }
    if (st.st_size > 0 && pread(opened, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
        write(opened, "\n", 1) == 1)
        st.st_size++;
    *fd = opened;
    *bytes = (int64_t)st.st_size;
    return DSE_OK;
}

enum dse_status dse_log_open_file(const char *path, int64_t most_bytes, int older,
                                  struct dse_err *err) {
    int fd = -1;
    int64_t bytes = 0;
    if (strlen(path) >= sizeof file.path)
        DSE_FAIL(err, DSE_INVALID, "%.60s...: the name of the log is too long", path);
    DSE_TRY(open_file(path, &fd, &bytes, err));
    (void)pthread_mutex_lock(&file.lock);
    if (file.fd >= 0)
        (void)close(file.fd);
    file.fd = fd;
    file.bytes = bytes;
    file.most_bytes = most_bytes;
    file.older = older;
    (void)snprintf(file.path, sizeof file.path, "%s", path);
    (void)pthread_mutex_unlock(&file.lock);
    return DSE_OK;
}

void dse_log_close_file(void) {
    (void)pthread_mutex_lock(&file.lock);
    if (file.fd >= 0)
        (void)close(file.fd);
    file.fd = -1;
    (void)pthread_mutex_unlock(&file.lock);
}

void dse_log_file_name(const char *path, int number, char *out, size_t size) {
    if (number == 0)
        (void)snprintf(out, size, "%s", path);
    else
        (void)snprintf(out, size, "%s.%d", path, number);
}

/* path becomes path.1, path.1 path.2, ...; the oldest goes. A name that cannot be given leaves the
 * file as it is: better too long a log than none. */
static void rotate(void) {
    char from[PATH_SIZE + 16], to[PATH_SIZE + 16];
    int fd = -1;
    int64_t bytes = 0;
    for (int i = file.older - 1; i >= 0; i--) {
        dse_log_file_name(file.path, i, from, sizeof from);
        dse_log_file_name(file.path, i + 1, to, sizeof to);
        if (rename(from, to) != 0 && errno != ENOENT)
            return;
    }
    if (open_file(file.path, &fd, &bytes, NULL) != DSE_OK)
        return;
    (void)close(file.fd);
    file.fd = fd;
    file.bytes = bytes;
}

static void write_to_file(const char *line, size_t length) {
    (void)pthread_mutex_lock(&file.lock);
    if (file.fd >= 0) {
        if (file.bytes > 0 && file.bytes + (int64_t)length > file.most_bytes)
            rotate();
        ssize_t put = write(file.fd, line, length);
        file.bytes += put > 0 ? put : 0; /* a full disk loses lines of the log, nothing else */
    }
    (void)pthread_mutex_unlock(&file.lock);
}

/* ---- lines ---- */

/* Text that grows to the end of its room and no further. */
struct line {
    char text[LONGEST_LINE];
    size_t length;
};

static void put(struct line *line, const char *text, size_t length) {
    size_t room = sizeof line->text - line->length;
    size_t n = length < room ? length : room;
    memcpy(line->text + line->length, text, n);
    line->length += n;
}

static void put_text(struct line *line, const char *text) {
    put(line, text, strlen(text));
}

static void put_number(struct line *line, int64_t number) {
    char text[32];
    put(line, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

/* In quotes; control characters and quotes as JSON writes them, bytes that are no UTF-8 as '?'. At
 * most `most` bytes of text, so that a line is whole. */
static void put_quoted(struct line *line, const char *text, size_t most) {
    put_text(line, "\"");
    const char *end = text + strnlen(text, most);
    while (text < end) {
        unsigned char byte = (unsigned char)*text;
        char escape[8];
        if (byte == '"' || byte == '\\') {
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", byte));
            text++;
        } else if (byte < 0x20) {
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
            text++;
        } else {
            uint32_t code;
            size_t n = dse_utf8_next(text, (size_t)(end - text), &code);
            if (n > 0)
                put(line, text, n);
            else
                put_text(line, "?");
            text += n > 0 ? n : 1;
        }
    }
    put_text(line, "\"");
}

enum { MOST_OF_A_TEXT = 480 }; /* six bytes of a line each at worst */

static void put_for_people(struct line *line, const char *stamp, const char *level,
                           const char *room, const char *event,
                           const struct dse_log_field *fields) {
    const char *const words[] = {stamp, " ", level, " ", room, " ", event};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        put_text(line, words[i]);
    for (const struct dse_log_field *field = fields; field->key != NULL; field++) {
        put_text(line, " ");
        put_text(line, field->key);
        put_text(line, "=");
        if (field->text != NULL)
            put_quoted(line, field->text, MOST_OF_A_TEXT);
        else
            put_number(line, field->number);
    }
    line->length = line->length < sizeof line->text ? line->length : sizeof line->text - 1;
    put_text(line, "\n");
}

static void put_member(struct line *line, const char *key, const char *text) {
    put_text(line, line->length == 0 ? "{\"" : ",\"");
    put_text(line, key);
    put_text(line, "\":");
    if (text != NULL)
        put_quoted(line, text, MOST_OF_A_TEXT);
}

static void put_json(struct line *line, const char *stamp, const char *level, const char *room,
                     const char *event, const struct dse_log_field *fields) {
    put_member(line, "time", stamp);
    put_member(line, "level", level);
    put_member(line, "room", room);
    put_member(line, "event", event);
    for (const struct dse_log_field *field = fields; field->key != NULL; field++) {
        put_member(line, field->key, field->text);
        if (field->text == NULL)
            put_number(line, field->number);
    }
    put_text(line, "}\n");
}

static void print_stamp(char out[STAMP_SIZE]) {
    int64_t now_ms = dse_clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[STAMP_SIZE - 8];
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out, STAMP_SIZE, "%s.%03dZ", text, (int)(now_ms % 1000));
}

void dse_log_event(enum dse_log_level level, const char *room, const char *event,
                   const struct dse_log_field *fields) {
    int most = atomic_load(&log_level);
    bool wanted = (int)level <= most;
    if (!wanted && level > DSE_LOG_INFO)
        return;
    char stamp[STAMP_SIZE];
    struct line line = {.length = 0};
    print_stamp(stamp);
    put_json(&line, stamp, level_names[level], room, event, fields);
    write_to_file(line.text, line.length);
    if (!wanted)
        return;
    line.length = 0;
    put_for_people(&line, stamp, level_names[level], room, event, fields);
    if (write(atomic_load(&log_fd), line.text, line.length) < 0)
        return; /* nowhere left to say it */
}
