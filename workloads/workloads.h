/* workloads: YAML text to a validated workload. Every error of a file is found in one reading and
 * says file:line:column, what is wrong and what is allowed. */
#ifndef DSE_WORKLOADS_H
#define DSE_WORKLOADS_H

#include "base/base.h"
#include "problems/problems.h"

enum { DSE_WORKLOAD_LIST_MAX = 64, DSE_WORKLOAD_TEXT_MAX = 256 * 1024 };

/* A list of strings or numbers of the workload. */
struct dse_text_list {
    const char *items[DSE_WORKLOAD_LIST_MAX];
    int n;
};
struct dse_number_list {
    double items[DSE_WORKLOAD_LIST_MAX];
    int n;
};

/* C types of the schema's kinds (schema.def). Paths are absolute after parsing. */
#define DSE_WORKLOAD_TYPE_TEXT   const char *
#define DSE_WORKLOAD_TYPE_CHOICE const char *
#define DSE_WORKLOAD_TYPE_PATH   const char *
#define DSE_WORKLOAD_TYPE_INT    int64_t
#define DSE_WORKLOAD_TYPE_REAL   double
#define DSE_WORKLOAD_TYPE_BOOL   bool
#define DSE_WORKLOAD_TYPE_TEXTS  struct dse_text_list
#define DSE_WORKLOAD_TYPE_PATHS  struct dse_text_list
#define DSE_WORKLOAD_TYPE_REALS  struct dse_number_list
#define DSE_WORKLOAD_TYPE_INTS   struct dse_number_list

/* Where a key stands in the file; line 0: it was not given and has its default. */
struct dse_mark {
    int line, column;
};

/* One member a line of schema.def, named section_key ("" section: key alone), and its mark in
 * `at`. Strings belong to the arena given to parse. */
struct dse_workload {
    const char *file;     /* as the user named it */
    const char *base_dir; /* relative paths started there */
#define X(section, key, field, kind, fallback, min, max, choices, help) \
    DSE_WORKLOAD_TYPE_##kind field;
#include "workloads/schema.def"
#undef X
    /* Of corruptions.folder: the file of each corruption in order, then labels.npy. Empty without.
     */
    struct dse_text_list corrupted_files;
    struct {
#define X(section, key, field, kind, fallback, min, max, choices, help) struct dse_mark field;
#include "workloads/schema.def"
#undef X
    } at;
};

/* Errors of one file, in order of line. At most DSE_WORKLOAD_ERRORS_MAX are kept. */
enum { DSE_WORKLOAD_ERRORS_MAX = 50 };
struct dse_workload_errors {
    struct dse_err items[DSE_WORKLOAD_ERRORS_MAX];
    int n;
    int dropped;
};
/* Adds an error at a mark; for checks that other rooms do. */
void dse_workload_add_error(struct dse_workload_errors *errors, const char *file,
                            struct dse_mark mark, const char *fmt, ...) DSE_PRINTF(4, 5);

/* Reads and checks text. Relative paths start at base_dir; ${NAME} in paths is taken from the
 * environment. Checks everything that needs no other file: keys ("did you mean"), types, bounds,
 * choices, objectives, constraints, corruption names, rules between keys; and that named files
 * exist and can be read. errors is emptied first. INVALID when errors->n > 0 (err then holds the
 * first one); NO_MEMORY. */
DSE_MUST_USE enum dse_status dse_workload_parse(const char *text, size_t length, const char *file,
                                                const char *base_dir, struct dse_arena *arena,
                                                struct dse_workload *workload,
                                                struct dse_workload_errors *errors,
                                                struct dse_err *err);

/* The same for a text that somebody else has sent, whose environment variables are theirs. */
struct dse_workload_source {
    const char *text;
    size_t length;
    const char *file, *base_dir;
    bool foreign;                   /* only the variables below are known, not our own */
    const char *const *environment; /* "NAME=value" */
    int n_environment;
};
DSE_MUST_USE enum dse_status dse_workload_parse_source(const struct dse_workload_source *source,
                                                       struct dse_arena *arena,
                                                       struct dse_workload *workload,
                                                       struct dse_workload_errors *errors,
                                                       struct dse_err *err);

/* Reads back what dse_workload_print wrote, without looking for the files: they may be gone by now,
 * and what was found about them stands in the store. */
DSE_MUST_USE enum dse_status dse_workload_parse_stored(const char *text, size_t length,
                                                       const char *file, const char *base_dir,
                                                       struct dse_arena *arena,
                                                       struct dse_workload *workload,
                                                       struct dse_err *err);

/* The workload with every default, as YAML that parses to the same workload. Appended. */
DSE_MUST_USE enum dse_status dse_workload_print(const struct dse_workload *workload,
                                                struct dse_buf *out, struct dse_err *err);

/* The SHA-256 of a named file, given by the caller: so that the room reads each file once and a
 * fake can stand in. `path` is absolute. */
typedef enum dse_status (*dse_workload_hash_file)(void *context, const char *path,
                                                  char out[DSE_SHA256_HEX], struct dse_err *err);
/* Content hash: of the workload in which every path stands for its file's content and only keys
 * that change results count (name and execution.group do not). Context hash: of the keys that
 * decide the result of one candidate (model, data, calibration, corruptions), plus evaluator (the
 * evaluator's version). */
DSE_MUST_USE enum dse_status
dse_workload_hashes(const struct dse_workload *workload, const char *evaluator,
                    dse_workload_hash_file hash_file, void *context, char content[DSE_SHA256_HEX],
                    char context_hash[DSE_SHA256_HEX], struct dse_err *err);

/* Is the problem about a network? Else the sections model, dataset, calibration and corruptions say
 * nothing, and their members are empty. */
bool dse_workload_is_about_network(const struct dse_workload *workload);
/* Does the workload put dropout where the model has it? */
bool dse_workload_takes_dropouts(const struct dse_workload *workload);
/* The problem settings of a workload; pointers are borrowed from it. */
struct dse_problem_settings dse_workload_problem_settings(const struct dse_workload *workload);

/* What of a workload of the replaced explorer does not stand in the new one as it was. */
struct dse_import_note {
    struct dse_mark mark; /* line 0: nowhere in the file */
    const char *key;      /* of the old file, or of the new one where nothing stood */
    const char *what;     /* "ignored", "changed", or "missing": to be mended by hand */
    const char *why;
};
struct dse_imported {
    const char *yaml; /* the new workload */
    const struct dse_import_note *notes;
    int n_notes;
};
/* Reads a workload file of the explorer that paretod replaces (root key `workload`) and makes one
 * of ours. Everything lives in the arena. INVALID with the place where the text is not such a file,
 * UNSUPPORTED where its problem has no counterpart. */
DSE_MUST_USE enum dse_status dse_workload_import(const char *text, size_t length, const char *file,
                                                 struct dse_arena *arena,
                                                 struct dse_imported *imported,
                                                 struct dse_err *err);

/* One line of the schema, for documents, help and tests. */
struct dse_schema_info {
    const char *section, *key, *kind, *fallback, *min, *max, *choices, *help;
};
const struct dse_schema_info *dse_schema_table(int *n);
/* An annotated workload with every key (workloads/template.yaml is this text). Appended. */
DSE_MUST_USE enum dse_status dse_workload_template(struct dse_buf *out, struct dse_err *err);
/* The manual page of workload files, mdoc (workloads/pareto-workload.5 is this text). Appended. */
DSE_MUST_USE enum dse_status dse_workload_manual(struct dse_buf *out, struct dse_err *err);

#endif
