/* base: what every room stands on. Errors, memory, text buffers, words, random numbers, elementary
 * functions whose result does not depend on the machine, hashing, files, clock and log.
 *
 * Nothing here knows of networks, sweeps or processes. All functions are thread-safe unless said
 * otherwise: they keep no state but the allocation counters and the log settings. */
#ifndef DSE_BASE_H
#define DSE_BASE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DSE_VERSION "0.1.0"

#define DSE_MUST_USE                     __attribute__((warn_unused_result))
#define DSE_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))

/* Compiles a hot loop several times and takes the best one for the processor at run time. The
 * clones do the same operations in the same order, so they give the same bits. Empty where the
 * sanitizers cannot start with such functions, and where compiler or libc lack them (clang before
 * 17 gives the functions names that other files do not find). */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(DSE_SANITIZED) && defined(__has_attribute)
#if __has_attribute(target_clones) && !(defined(__clang__) && __clang_major__ < 17)
#define DSE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#endif
#ifndef DSE_CLONES
#define DSE_CLONES
#endif

/* ---- Errors ------------------------------------------------------------------------------- */

/* One line a code: name, class, exit status of a program that ends with it, what it means.
 * Classes: NONE no error; USER the input must change; SYSTEM the machine must change; BUG ours. */
#define DSE_STATUS_TABLE(X)                              \
    X(OK, NONE, 0, "ok")                                 \
    X(AGAIN, NONE, 0, "not finished yet")                \
    X(FAILED, USER, 1, "failed")                         \
    X(USAGE, USER, 2, "wrong use of a command")          \
    X(INVALID, USER, 3, "invalid input")                 \
    X(UNSUPPORTED, USER, 3, "not supported")             \
    X(NOT_FOUND, USER, 4, "not found")                   \
    X(CONFLICT, USER, 4, "not possible in this state")   \
    X(NO_DAEMON, SYSTEM, 5, "no daemon answers")         \
    X(IO, SYSTEM, 6, "input or output failed")           \
    X(NO_SPACE, SYSTEM, 7, "no space left")              \
    X(NO_MEMORY, SYSTEM, 8, "out of memory")             \
    X(PROTOCOL, SYSTEM, 9, "message not understood")     \
    X(WORKER, SYSTEM, 10, "a worker ended unexpectedly") \
    X(INTERNAL, BUG, 70, "defect in paretod")            \
    X(INTERRUPTED, NONE, 130, "interrupted")

enum dse_status {
#define X(name, class, exit_status, text) DSE_##name,
    DSE_STATUS_TABLE(X)
#undef X
        DSE_STATUS_COUNT
};

/* What went wrong, for a person. Owned by the caller, usually on its stack; {0} is "no error".
 * file/line/column place the error in the user's input; file "" and line 0 mean no place. */
struct dse_err {
    enum dse_status code;
    int line;   /* from 1; 0: none */
    int column; /* from 1; 0: none */
    char file[256];
    char text[1024];
};

/* Name of a status ("INVALID"), its text, and the exit status of a program that ends with it. */
const char *dse_status_name(enum dse_status code);
const char *dse_status_text(enum dse_status code);
int dse_status_exit(enum dse_status code);
/* Must the user's input change for this to go away? */
bool dse_status_is_user(enum dse_status code);
/* The status with that name, or DSE_INTERNAL. */
enum dse_status dse_status_from_name(const char *name);

/* Records an error and returns code. The first error wins: a set err stays as it is.
 * err may be NULL (then only the code travels). */
enum dse_status dse_err_set(struct dse_err *err, enum dse_status code, const char *fmt, ...)
    DSE_PRINTF(3, 4);
enum dse_status dse_err_vset(struct dse_err *err, enum dse_status code, const char *fmt,
                             va_list args) DSE_PRINTF(3, 0);
/* Same, with a place in the user's input. */
enum dse_status dse_err_set_at(struct dse_err *err, enum dse_status code, const char *file,
                               int line, int column, const char *fmt, ...) DSE_PRINTF(6, 7);
/* "path: what errno says", with the status that fits errno. */
enum dse_status dse_err_set_errno(struct dse_err *err, const char *path);
/* Puts "prefix: " before the text of a set error; returns err->code. err may be NULL. */
enum dse_status dse_err_prefix(struct dse_err *err, const char *fmt, ...) DSE_PRINTF(2, 3);
/* "file:line:column: text" or "text" into out[size]; always terminated. Returns out. */
const char *dse_err_format(const struct dse_err *err, char *out, size_t size);

/* Forwards a status that is not DSE_OK to the caller. */
#define DSE_TRY(call)                             \
    do {                                          \
        enum dse_status dse_try_status_ = (call); \
        if (dse_try_status_ != DSE_OK)            \
            return dse_try_status_;               \
    } while (0)
/* Ends the function with an error; DSE_FAIL(err, DSE_INVALID, "gene %d: ...", i). The code is
 * returned here, not by dse_err_set, so that the compiler sees that it is not DSE_OK. */
#define DSE_FAIL(err, code, ...)                               \
    do {                                                       \
        enum dse_status dse_fail_code_ = (code);               \
        (void)dse_err_set((err), dse_fail_code_, __VA_ARGS__); \
        return dse_fail_code_;                                 \
    } while (0)
/* For functions with one exit: sets `status` and jumps. */
#define DSE_TRY_GOTO(status, call, label) \
    do {                                  \
        (status) = (call);                \
        if ((status) != DSE_OK)           \
            goto label;                   \
    } while (0)

/* For what our own code guarantees; never for user data. Ends the program with place and text. */
#define dse_assert(condition)                                  \
    do {                                                       \
        if (!(condition))                                      \
            dse_assert_failed(#condition, __FILE__, __LINE__); \
    } while (0)
_Noreturn void dse_assert_failed(const char *condition, const char *file, int line);

/* ---- Memory ------------------------------------------------------------------------------- */

/* All heap memory of the project comes from here. dse_alloc returns zeroed memory, or NULL when
 * there is none (size 0 gives a pointer to free). count * size is checked for overflow. */
DSE_MUST_USE void *dse_alloc(size_t count, size_t size);
/* Like realloc on memory of dse_alloc; on NULL the old block is untouched. New bytes are not
 * zeroed. */
DSE_MUST_USE void *dse_realloc(void *block, size_t count, size_t size);
/* Aligned to 64 bytes, zeroed; for data that kernels read. Release with dse_free. */
DSE_MUST_USE void *dse_alloc_aligned(size_t count, size_t size);
/* NULL is fine. */
void dse_free(void *block);
/* Copy of a string or of its first length bytes; NULL when there is no memory. Owned by caller. */
DSE_MUST_USE char *dse_strdup(const char *text);
DSE_MUST_USE char *dse_strndup(const char *text, size_t length);
/* Blocks handed out and not yet freed. For tests of leaks. */
size_t dse_alloc_live(void);
/* For tests: the n-th allocation from now fails (n from 0); n < 0 switches it off. */
void dse_alloc_fail_at(long n);

/* Memory that is released as a whole: one arena per request, generation or evaluation. Not
 * thread-safe. {0} is an empty arena. */
struct dse_arena {
    struct dse_arena_chunk *head;
    size_t used_bytes; /* in head */
};
/* Zeroed memory aligned to 16 bytes, valid until reset or fini; NULL when there is none. */
DSE_MUST_USE void *dse_arena_alloc(struct dse_arena *arena, size_t count, size_t size);
DSE_MUST_USE char *dse_arena_strdup(struct dse_arena *arena, const char *text);
DSE_MUST_USE char *dse_arena_strndup(struct dse_arena *arena, const char *text, size_t length);
DSE_MUST_USE char *dse_arena_printf(struct dse_arena *arena, const char *fmt, ...) DSE_PRINTF(2, 3);
DSE_MUST_USE char *dse_arena_vprintf(struct dse_arena *arena, const char *fmt, va_list args)
    DSE_PRINTF(2, 0);
/* Frees everything. The arena can be used again. */
void dse_arena_fini(struct dse_arena *arena);

/* Growing bytes, always terminated by a 0 that size does not count. {0} is empty (data NULL).
 * A failed append sets `failed` and makes later ones do nothing: check once, at the end. */
struct dse_buf {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
};
void dse_buf_append(struct dse_buf *buf, const void *bytes, size_t size);
void dse_buf_puts(struct dse_buf *buf, const char *text);
void dse_buf_printf(struct dse_buf *buf, const char *fmt, ...) DSE_PRINTF(2, 3);
/* DSE_NO_MEMORY when an append failed. */
DSE_MUST_USE enum dse_status dse_buf_status(const struct dse_buf *buf, struct dse_err *err);
/* Drops the first n bytes. */
void dse_buf_consume(struct dse_buf *buf, size_t n);
/* The text ("" for an empty buffer), borrowed until the next call on buf. */
const char *dse_buf_text(const struct dse_buf *buf);
/* Empties, keeping the memory; clears `failed`. */
void dse_buf_reset(struct dse_buf *buf);
void dse_buf_fini(struct dse_buf *buf);

/* Bytes as base64 (RFC 4648, with padding), appended. */
void dse_base64_encode(const void *bytes, size_t size, struct dse_buf *out);
/* Back again, appended; INVALID for any other text. */
DSE_MUST_USE enum dse_status dse_base64_decode(const char *text, struct dse_buf *out,
                                               struct dse_err *err);

/* ---- Words, characters -------------------------------------------------------------------- */

/* The known word that `word` is most likely a misspelling of, for "did you mean"; NULL when none
 * is near. A third of its letters may be wrong, missing, too many or exchanged with their
 * neighbours (one in words of up to 5), and one has to be right; of equally near words the first
 * is taken. Words of more than 64 bytes are near to nothing. Borrowed from known. */
const char *dse_word_nearest(const char *word, const char *const *known, int n_known);
/* "one, two, three" into out[size], cut when it does not fit; always terminated. Returns out. */
const char *dse_words_join(const char *const *words, int n_words, char *out, size_t size);

/* Bytes of the well-formed UTF-8 character that text[0..length) begins with, and its code; 0, and
 * the code untouched: none. A 0 byte is the character 0. */
size_t dse_utf8_next(const char *text, size_t length, uint32_t *code);
/* Is it a control character: below 0x20, DEL, or U+0080..U+009F? A terminal may act on them. */
bool dse_utf8_is_control(uint32_t code);

/* ---- Random numbers ----------------------------------------------------------------------- */

/* What a stream of random numbers is for. Numbers are part of results: never reuse or renumber. */
enum dse_rng_purpose {
    DSE_RNG_SAMPLE = 1,         /* initial genomes: a = generation, b = slot */
    DSE_RNG_SELECT = 2,         /* tournaments: a = generation, b = round of mating */
    DSE_RNG_VARY = 3,           /* crossover and mutation: a = generation, b = mating */
    DSE_RNG_CORRUPT = 4,        /* corrupted images: a = image, b = corruption * 8 + severity */
    DSE_RNG_DROPOUT = 5,        /* masks: a = image, b = site and pass */
    DSE_RNG_INIT = 20,          /* weights of a new network: a = layer */
    DSE_RNG_SHUFFLE = 21,       /* order of training images: a = epoch */
    DSE_RNG_AUGMENT = 22,       /* training images: a = image, b = epoch */
    DSE_RNG_TRAIN_DROPOUT = 23, /* masks in training: + layer * 256, a = image, b = epoch */
    DSE_RNG_SUBSET = 30,        /* which images of a data set: a = class */
    DSE_RNG_TEST = 1000,        /* tests */
};

/* A stream of the counter-based generator Philox 4x32-10 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011): a pure function of (seed, purpose, a, b) and the position. */
struct dse_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* block, purpose, a, b */
    uint32_t block[4];
    unsigned used; /* numbers of block handed out */
};
/* One block: out = Philox(key, counter). */
void dse_philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);
void dse_rng_init(struct dse_rng *rng, uint64_t seed, enum dse_rng_purpose purpose, uint32_t a,
                  uint32_t b);
uint32_t dse_rng_u32(struct dse_rng *rng);
/* Uniform in [0, 1), 53 bits. */
double dse_rng_uniform(struct dse_rng *rng);
/* Uniform integer in [0, n), exactly (rejection); n > 0. */
uint32_t dse_rng_below(struct dse_rng *rng, uint32_t n);
/* Standard normal by inversion (Wichura 1988, AS 241), with dse_math_log: same on every machine. */
double dse_rng_normal(struct dse_rng *rng);
/* The same numbers as n calls of the function for one number, and the same place in the stream
 * afterwards; several times faster. */
void dse_rng_fill_u32(struct dse_rng *rng, uint32_t *out, size_t n);
void dse_rng_fill_uniform(struct dse_rng *rng, double *out, size_t n);
void dse_rng_fill_normal(struct dse_rng *rng, double *out, size_t n);

/* ---- Elementary functions ----------------------------------------------------------------- */

/* libm chooses its code by processor, so its last bit may differ between two machines. These use
 * only + - * / and sqrt in a fixed order (and the build forbids contraction to fused
 * multiply-add), so every IEEE machine gives the same bits. Error at most 2 units in the last
 * place for normal arguments. */
double dse_math_exp(double x);
double dse_math_log(double x); /* x > 0 */
/* |x| <= 10 (radians); absolute error below 2^-50. */
void dse_math_sincos(double x, double *sine, double *cosine);
/* x ^ y for x >= 0 and finite y. Relative error at most 2^-50 (1 + |y ln x|); results beyond
 * e^+-708 are infinity and 0, and so are powers of an x below the normal numbers, but for whole y
 * of at most 64, which are multiplied out. */
double dse_math_pow(double x, double y);
/* sin(pi x) and cos(pi x) for |x| < 2^51, absolute error at most 2^-51. */
double dse_math_sin_pi(double x);
double dse_math_cos_pi(double x);

/* ---- Numbers as text ---------------------------------------------------------------------- */

enum { DSE_NUMBER_SIZE = 32 }; /* "-2.2250738585072014e-308" is the longest */
/* The decimal with the fewest significant digits that reads back as the same double; whole numbers
 * up to 2^53 without point and exponent, -0 as 0. x is finite. */
void dse_number_print(double x, char out[DSE_NUMBER_SIZE]);
/* All 17 significant digits, without zeros at their end: what "%.17g" prints, but faster. x is
 * finite. */
void dse_number_print_all(double x, char out[DSE_NUMBER_SIZE]);
/* strtod, the same to the bit, but several times faster for what dse_number_print writes. */
double dse_number_read(const char *text, const char **end);

/* ---- Hashing ------------------------------------------------------------------------------ */

#define DSE_SHA256_HEX 65 /* 64 digits and the terminating 0 */

/* SHA-256 as lower-case hexadecimal. */
DSE_MUST_USE enum dse_status dse_sha256_bytes(const void *bytes, size_t size,
                                              char out[DSE_SHA256_HEX], struct dse_err *err);
/* MD5 likewise (RFC 1321): for files whose publishers name nothing else, never against malice. */
#define DSE_MD5_HEX 33
DSE_MUST_USE enum dse_status dse_md5_bytes(const void *bytes, size_t size, char out[DSE_MD5_HEX],
                                           struct dse_err *err);
/* SHA-256 of a file's content. Errors name the path: NOT_FOUND, IO. */
DSE_MUST_USE enum dse_status dse_sha256_file(const char *path, char out[DSE_SHA256_HEX],
                                             struct dse_err *err);
/* Of a file's content or of a folder: of the names below it and the contents of its files, hidden
 * ones (".name") left out. INVALID for what is neither, and for folders in more than 16 others;
 * INTERRUPTED soon after *stop (which may be NULL) has become true. */
DSE_MUST_USE enum dse_status dse_sha256_path(const char *path, const atomic_bool *stop,
                                             char out[DSE_SHA256_HEX], struct dse_err *err);

/* ---- Files, clock ------------------------------------------------------------------------- */

/* Whole file into out (appended). Fails with INVALID above limit bytes; NOT_FOUND, IO. */
DSE_MUST_USE enum dse_status dse_file_read(const char *path, size_t limit, struct dse_buf *out,
                                           struct dse_err *err);
/* The rest of an open file or pipe; path names it in errors. */
DSE_MUST_USE enum dse_status dse_file_read_fd(int fd, const char *path, size_t limit,
                                              struct dse_buf *out, struct dse_err *err);
/* Replaces a file by new content: written beside it, synced, renamed; its mode is what the umask
 * leaves of 0666. NO_SPACE, IO. */
DSE_MUST_USE enum dse_status dse_file_replace(const char *path, const void *bytes, size_t size,
                                              struct dse_err *err);
/* Removes what dse_file_replace of processes that are gone has left beside a file. */
void dse_file_remove_parts(const char *path);
/* Creates a directory and its missing parents, mode 0700. */
DSE_MUST_USE enum dse_status dse_dir_create(const char *path, struct dse_err *err);
/* The names in a folder, sorted by their bytes, without hidden ones; they live in the arena. */
DSE_MUST_USE enum dse_status dse_dir_list(const char *path, struct dse_arena *arena,
                                          const char *const **names, int *n, struct dse_err *err);
/* The status that fits an errno (ENOENT NOT_FOUND, ENOSPC/EDQUOT NO_SPACE, ENOMEM ..., else IO). */
enum dse_status dse_status_from_errno(int error_number);
/* Directory that holds the running program, into out[size]; "" when unknown. */
void dse_program_dir(char *out, size_t size);
/* Default state directory: $PARETO_STATE, $XDG_STATE_HOME/paretod, ~/.local/state/paretod. The
 * socket is `socket` inside it. */
void dse_default_state_dir(char *out, size_t size);

/* Wall clock (Unix epoch) and monotonic clock. */
int64_t dse_clock_wall_ms(void);
int64_t dse_clock_mono_ms(void);

/* ---- Log ---------------------------------------------------------------------------------- */

/* Level by frequency of the event. ERROR/WARN/INFO are for operators; DEBUG1 once per process,
 * DEBUG2 per sweep, DEBUG3 per generation, DEBUG4 per evaluation. */
enum dse_log_level {
    DSE_LOG_ERROR,
    DSE_LOG_WARN,
    DSE_LOG_INFO,
    DSE_LOG_DEBUG1,
    DSE_LOG_DEBUG2,
    DSE_LOG_DEBUG3,
    DSE_LOG_DEBUG4,
};
/* The level with that name ("error", "warn", "info", "debug1", ...); false: none has it. */
bool dse_log_level_named(const char *name, enum dse_log_level *level);
/* Sets the most talkative level that is written (default INFO) and the file descriptor (2). */
void dse_log_setup(enum dse_log_level level, int fd);
/* Writes every event of that level, and of INFO at least, to a file as well, as a JSON object a
 * line: "time" (ISO 8601, UTC), "level", "room", "event", then its fields. When it would grow
 * beyond most_bytes it becomes path.1, path.1 becomes path.2, and so on; the `older` latest of them
 * are kept. Where a line cannot be written it is lost, and nothing else happens. */
DSE_MUST_USE enum dse_status dse_log_open_file(const char *path, int64_t most_bytes, int older,
                                               struct dse_err *err);
void dse_log_close_file(void);
/* Name of the log file (0) or of an older one (1: the last before). */
void dse_log_file_name(const char *path, int number, char *out, size_t size);

/* What an event says besides its name. Texts are borrowed. */
struct dse_log_field {
    const char *key;
    const char *text; /* NULL: number counts */
    int64_t number;
};
#define DSE_LOG_INT(key, number) \
    { key, NULL, (int64_t)(number) }
#define DSE_LOG_TEXT(key, text) \
    { key, text, 0 }
#define DSE_LOG_NOTHING \
    { NULL, NULL, 0 }
/* One line: time level room event key=value .... Only programs (daemon, client, worker) log above
 * debug; rooms return errors. event is one word; the fields are DSE_LOG_INT, DSE_LOG_TEXT or
 * DSE_LOG_NOTHING, separated by commas. "sweep" names the sweep that an event is about. */
#define dse_log(level, room, event, ...) \
    dse_log_event(level, room, event, (const struct dse_log_field[]){__VA_ARGS__, DSE_LOG_NOTHING})
/* fields: ended by one without a key. */
void dse_log_event(enum dse_log_level level, const char *room, const char *event,
                   const struct dse_log_field *fields);

#endif
