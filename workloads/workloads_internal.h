/* What the files of this room share: the schema as a table, one reading of a file, texts. */
#ifndef DSE_WORKLOADS_INTERNAL_H
#define DSE_WORKLOADS_INTERNAL_H

#include "workloads/workloads.h"
#include "workloads/yaml_tree.h"

/* ---- The schema ---- */

enum workloads__key {
#define X(section, key, field, kind, fallback, min, max, choices, help) KEY_##field,
#include "workloads/schema.def"
#undef X
    KEY_COUNT
};

enum workloads__kind {
    KIND_TEXT,
    KIND_CHOICE,
    KIND_PATH,
    KIND_INT,
    KIND_REAL,
    KIND_BOOL,
    KIND_TEXTS,
    KIND_PATHS,
    KIND_REALS,
    KIND_INTS,
};

const struct dse_schema_info *workloads__info(enum workloads__key key);
enum workloads__kind workloads__kind_of(enum workloads__key key);
/* "a whole number", "a list of numbers" ... */
const char *workloads__kind_words(enum workloads__kind kind);
/* The member of a workload and its mark. */
void *workloads__member(struct dse_workload *workload, enum workloads__key key);
const void *workloads__member_const(const struct dse_workload *workload, enum workloads__key key);
struct dse_mark *workloads__mark(struct dse_workload *workload, enum workloads__key key);

/* "section.key", or "key" outside sections. */
enum { WORKLOADS_NAME_SIZE = 64 };
const char *workloads__name(enum workloads__key key, char out[WORKLOADS_NAME_SIZE]);

/* Words: the choices of a key, the keys of a section, the sections. Items are borrowed from
 * storage, or from the schema. */
enum { WORKLOADS_WORDS_MAX = 48 };
struct workloads__words {
    const char *items[WORKLOADS_WORDS_MAX];
    int n;
    char storage[512];
};
void workloads__split_choices(const char *choices, struct workloads__words *words);
/* Keys of a section; of "": keys outside sections, then the names of the sections. */
void workloads__section_words(const char *section, struct workloads__words *words);

/* ---- Texts and numbers ---- */

/* May the character stand in a YAML file as it is? (tab and line breaks included) */
bool workloads__yaml_printable(uint32_t code);
/* Is it UTF-8 without line breaks and other control characters? */
bool workloads__is_one_line(const char *text);
/* Copies text, cut at a whole character when it does not fit. */
void workloads__copy_cut(const char *text, char *out, size_t size);
/* User text for a message: in single quotes, control characters replaced, cut with "...". */
const char *workloads__quote(const char *text, char *out, size_t size);
enum { WORKLOADS_QUOTE_SIZE = 72, WORKLOADS_QUOTE_PATH_SIZE = 400 };

/* Strict decimal numbers, whatever the locale: no blanks, hexadecimal digits, leading zeros,
 * infinities. A whole number beyond 64 bits becomes the nearest one (bounds then refuse it). */
bool workloads__read_whole(const char *text, int64_t *value);
bool workloads__read_real(const char *text, double *value);
/* dse_number_print, as a value. */
enum { WORKLOADS_NUMBER_SIZE = DSE_NUMBER_SIZE };
const char *workloads__number_text(double value, char out[WORKLOADS_NUMBER_SIZE]);

/* A value as it stands in a file, on one line. Appended. */
void workloads__print_text(const char *text, struct dse_buf *out);
void workloads__print_path(const char *path, struct dse_buf *out);
void workloads__print_value(const struct dse_workload *workload, enum workloads__key key,
                            struct dse_buf *out);

/* What may stand there: "a whole number, 2 to 8; default 2". Appended. */
void workloads__describe_value(enum workloads__key key, struct dse_buf *out);

/* ---- One reading of a file ---- */

struct workloads__reading {
    const char *file;
    const char *base_dir;
    const struct dse_workload_source *source;
    struct dse_arena *arena;  /* strings of the workload */
    struct dse_arena scratch; /* lives as long as the reading */
    struct dse_workload workload;
    struct dse_workload_errors *errors;
    struct dse_mark start;              /* of the document */
    struct dse_mark section[KEY_COUNT]; /* the section of each key; line 0: not given */
    struct dse_mark (*items)[DSE_WORKLOAD_LIST_MAX]; /* [KEY_COUNT]: items of lists */
    bool wrong[KEY_COUNT];                           /* the key has been complained about */
    bool stored;                                     /* files need not be there */
    bool no_memory;
};

/* Does the key mean something to the workload's problem? (workload_scope.c) */
bool workloads__applies(const struct dse_workload *workload, enum workloads__key key);
/* Does that depend on the problem? */
bool workloads__depends_on_problem(enum workloads__key key);
/* The default of a key, that of some keys by problem; NULL: there is none. */
enum { WORKLOADS_FALLBACK_SIZE = 64 };
const char *workloads__fallback(const struct workloads__reading *reading, enum workloads__key key,
                                char out[WORKLOADS_FALLBACK_SIZE]);

/* Reads a value into its member, or complains at its place. */
void workloads__read_value(struct workloads__reading *reading, enum workloads__key key,
                           const struct tree_node *node);
/* A path as written to an absolute one in the arena: variables, base_dir, file there and
 * readable. NULL after a complaint at mark, or without memory (reading->no_memory). */
const char *workloads__resolve_path(struct workloads__reading *reading, enum workloads__key key,
                                    struct dse_mark mark, const char *written);
/* Why the file, or folder, cannot be used; NULL when it can. */
const char *workloads__trouble_with_path(const char *path, bool wants_folder);
/* Names the files of corruptions.folder, and complains about those that are not there. */
void workloads__name_corrupted_files(struct workloads__reading *reading);
/* The rules between keys. */
void workloads__check_rules(struct workloads__reading *reading);
/* The best place for a complaint about a key: item (-1: none), key, section, document. */
struct dse_mark workloads__place(struct workloads__reading *reading, enum workloads__key key,
                                 int item);

#define WORKLOADS_COMPLAIN(reading, mark, ...) \
    dse_workload_add_error((reading)->errors, (reading)->file, (mark), __VA_ARGS__)

#endif
