/* Inside the store: the connection, its prepared statements, and how errors are told. */
#ifndef DSE_STORE_INTERNAL_H
#define DSE_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

/* "pare" in the header of the file: marks our databases among all SQLite databases. */
enum { STORE_APPLICATION_ID = 0x70617265 };

enum store__statement {
#define X(name, sql) STORE_STATEMENT_##name,
#include "store/store_statements.def"
#undef X
    STORE_STATEMENT_COUNT
};

/* store_known.c; id 0: the slot is free. */
struct store__known_slot {
    int64_t hash, id;
};
struct store__known {
    struct store__known_slot *slots;
    size_t n_slots, n;
    bool is_read; /* from the database */
};

struct dse_store {
    char *path; /* owned */
    sqlite3 *db;
    int lock_fd; /* -1: none */
    int64_t max_bytes;
    bool is_checked;     /* damage is what one asks about: told without what to do */
    bool in_transaction; /* begin was called; SQLite may have rolled back since */
    struct store__known known;
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
};

extern const char *const store__migrations[];
extern const int store__n_migrations;

/* ---- store_query.c ---- */

/* One use of a prepared statement: start, bind in order, step (or run), read columns, end. A
 * failing call ends the query, records the error and rolls the transaction back where the class of
 * the error asks for it. */
struct store__query {
    struct dse_store *store;
    sqlite3_stmt *stmt;
    int n_bound;
    int bind_result; /* first SQLite code of a failed bind */
};
DSE_MUST_USE enum dse_status store__query_start(struct store__query *query, struct dse_store *store,
                                                enum store__statement statement,
                                                struct dse_err *err);
void store__bind_int(struct store__query *query, int64_t value);
void store__bind_real(struct store__query *query, double value);
/* Borrowed until the query ends; NULL is the empty text. */
void store__bind_text(struct store__query *query, const char *text);
/* Likewise; size 0 is NULL. */
void store__bind_blob(struct store__query *query, const void *bytes, size_t size);
/* *row: is there one? */
DSE_MUST_USE enum dse_status store__query_step(struct store__query *query, bool *row,
                                               struct dse_err *err);
void store__query_end(struct store__query *query);
/* Step and end, for statements without rows. *n_changed (may be NULL): rows changed. */
DSE_MUST_USE enum dse_status store__query_run(struct store__query *query, int *n_changed,
                                              struct dse_err *err);

int store__column_int(const struct store__query *query, int column);
int64_t store__column_int64(const struct store__query *query, int column);
/* Borrowed until the next step; NULL when there is no memory. */
const char *store__column_text(const struct store__query *query, int column);
/* NULL: the column is, or there is no memory (see sqlite3_errcode). */
const void *store__column_blob(const struct store__query *query, int column, size_t *size);
/* Into the arena. */
DSE_MUST_USE enum dse_status store__column_copy(const struct store__query *query, int column,
                                                struct dse_arena *arena, const char **text,
                                                struct dse_err *err);
/* A result state; INVALID when it is none of the three. */
DSE_MUST_USE enum dse_status store__column_result(const struct store__query *query, int column,
                                                  enum dse_result_state *state,
                                                  struct dse_err *err);
const char *store__result_text(enum dse_result_state state);

/* The error for an SQLite code, told for a person; called right after the call that gave it. */
enum dse_status store__fail(struct dse_store *store, int sqlite_code, struct dse_err *err);
/* INVALID: the file's content contradicts itself. */
enum dse_status store__fail_damaged(const struct dse_store *store, const char *what,
                                    struct dse_err *err);
enum dse_status store__fail_memory(const struct dse_store *store, struct dse_err *err);
/* SQL without parameters: all of it; or one number. */
DSE_MUST_USE enum dse_status store__exec(struct dse_store *store, const char *sql,
                                         struct dse_err *err);
DSE_MUST_USE enum dse_status store__exec_int64(struct dse_store *store, const char *sql,
                                               int64_t *value, struct dse_err *err);

/* Makes several statements one unit, inside the caller's transaction or in one of their own. */
DSE_MUST_USE enum dse_status store__enter(struct dse_store *store, bool *own, struct dse_err *err);
DSE_MUST_USE enum dse_status store__leave(struct dse_store *store, bool own, enum dse_status status,
                                          struct dse_err *err);

/* rows, or a larger copy of it in the arena once n rows fill it. NULL when there is no memory. */
void *store__grown(struct dse_arena *arena, void *rows, int n, int *capacity, size_t row_bytes);

/* ---- store_open.c ---- */

/* A connection that only reads, without the lock: a daemon may have the database. NOT_FOUND. */
DSE_MUST_USE enum dse_status store__open_to_read(const char *path, struct dse_store **store,
                                                 struct dse_err *err);

/* ---- store_genome_hash.c ---- */

/* By which the evaluations of a genome are found; part of the database. */
int64_t store__hash_genome(const char *genome);
/* Makes it known to a connection as the SQL function genome_hash(text), which the views do not
 * need. An SQLite code. */
DSE_MUST_USE int store__teach_genome_hash(sqlite3 *db);

/* ---- store_known.c: evaluations by the hash of their genome ---- */

/* Reads those of the database, unless it was done before. */
DSE_MUST_USE enum dse_status store__known_read(struct dse_store *store, struct dse_err *err);
DSE_MUST_USE enum dse_status store__known_add(struct dse_store *store, int64_t hash, int64_t id,
                                              struct dse_err *err);
/* The next evaluation of that hash, 0 when there is no other; *place begins with 0. Its row may be
 * gone, or be another's: look. */
int64_t store__known_next(const struct dse_store *store, int64_t hash, size_t *place);
void store__known_fini(struct dse_store *store);

/* ---- store_backup.c ---- */

/* dse_store_backup of an open store, without its checks of the name. */
DSE_MUST_USE enum dse_status store__back_up(struct dse_store *store, const char *copy,
                                            dse_store_progress *progress, void *context,
                                            struct dse_err *err);

/* ---- store_migrate.c ---- */

/* Refuses files that are not ours or too new; gives the schema version (0: empty file). */
DSE_MUST_USE enum dse_status store__read_version(struct dse_store *store, int *version,
                                                 struct dse_err *err);
/* Brings the schema up to date in one transaction, after a backup where there is something to
 * lose. */
DSE_MUST_USE enum dse_status store__migrate(struct dse_store *store, int version,
                                            struct dse_err *err);

/* ---- store_numbers.c: numbers as JSON ---- */

/* values[0], values[stride], ...: n of them. */
void store__print_integers(const int64_t *values, int n, int stride, struct dse_buf *out);
/* 17 significant digits, which name a double exactly; infinity is 1e999, which JSON allows and
 * every reader takes for infinity. */
void store__print_real(double value, struct dse_buf *out);
void store__print_reals(const double *values, int n, struct dse_buf *out);
void store__print_string(const char *text, struct dse_buf *out);
/* false: not such an array, or more than limit values. */
DSE_MUST_USE bool store__parse_integers(const char *text, int64_t *values, int limit, int *n);
DSE_MUST_USE bool store__parse_reals(const char *text, double *values, int limit, int *n);
/* storage is as long as text; the strings stand in it. */
DSE_MUST_USE bool store__parse_strings(const char *text, char *storage, const char **strings,
                                       int limit, int *n);

/* ---- store_evaluations.c ---- */

/* NOT_FOUND when there is no such evaluation. */
DSE_MUST_USE enum dse_status store__is_done(struct dse_store *store, int64_t id, bool *done,
                                            struct dse_err *err);

/* ---- store_outcomes.c ---- */

/* The sum of the partials becomes the result; the partials go. Inside a transaction. */
DSE_MUST_USE enum dse_status store__sum_up(struct dse_store *store, int64_t evaluation_id,
                                           struct dse_err *err);
/* The five columns from seen to value_names, which are the first of the query. INVALID. */
DSE_MUST_USE enum dse_status store__read_outcome(const struct store__query *query,
                                                 struct dse_arena *arena,
                                                 struct dse_outcome *outcome, struct dse_err *err);
/* All words as bytes: equal outcomes, equal bytes. Appended. */
void store__encode_tallies(const struct dse_outcome *outcome, struct dse_buf *out);
/* "[1,2.5]" and "[\"a\"]"; "" when there are none. Appended. */
void store__print_values(const struct dse_outcome *outcome, struct dse_buf *out);
void store__print_names(const struct dse_outcome *outcome, struct dse_buf *out);

#endif
