/* What evaluations found: partials as they come, their sum once all are there.
 *
 * A tally column holds, as unsigned LEB128 numbers (7 bits a byte, least significant first, the top
 * bit set on all but the last byte): the number of cells, the words of a cell, then all words of
 * the first cell, of the next, ... Equal outcomes have equal bytes. The columns seen and correct
 * say the same of the first two words, for people who read the database; both must agree. */
#include "store/store_internal.h"

#include <math.h>
#include <string.h>

enum {
    MAX_CELLS = 1 << 16,   /* far above 19 corruptions x 5 severities x datasets */
    MAX_WORDS = 1 << 24,   /* of all cells: 128 MB */
    MAX_VALUES = 1 << 16,  /* named values */
    VARINT_BYTES_MAX = 10, /* of 64 bits */
};

/* ---- words as bytes ---- */

static void append_varint(uint64_t value, struct dse_buf *out) {
    char bytes[VARINT_BYTES_MAX];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (char)(value | 0x80);
    bytes[n++] = (char)value;
    dse_buf_append(out, bytes, n);
}

void store__encode_tallies(const struct dse_outcome *outcome, struct dse_buf *out) {
    size_t n = (size_t)outcome->n_cells * (size_t)outcome->tally_size;
    if (outcome->n_cells == 0)
        return;
    append_varint((uint64_t)outcome->n_cells, out);
    append_varint((uint64_t)outcome->tally_size, out);
    for (size_t i = 0; i < n; i++)
        append_varint((uint64_t)outcome->tallies[i], out);
}

/* Bytes that are read from the front. */
struct byte_reader {
    const unsigned char *next, *end;
};

/* false: no whole number there, or one that is not a count. */
static bool read_varint(struct byte_reader *reader, int64_t *value) {
    uint64_t read = 0;
    for (int shift = 0; shift < 63 && reader->next < reader->end; shift += 7) {
        unsigned char byte = *reader->next++;
        read |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = (int64_t)read;
            return true;
        }
    }
    return false;
}

/* ---- one row ---- */

static bool decode_words(struct byte_reader *reader, int64_t *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!read_varint(reader, &words[i]))
            return false;
    return reader->next == reader->end;
}

static enum dse_status decode_tally(struct dse_store *store, const void *bytes, size_t size,
                                    struct dse_arena *arena, struct dse_outcome *outcome,
                                    struct dse_err *err) {
    struct byte_reader reader = {bytes, (const unsigned char *)bytes + size};
    int64_t cells, words;
    if (!read_varint(&reader, &cells) || !read_varint(&reader, &words) || cells < 1 ||
        cells > MAX_CELLS || words < DSE_TALLY_LEAST || words > MAX_WORDS / cells)
        return store__fail_damaged(store, "a tally of impossible size", err);
    size_t n = (size_t)cells * (size_t)words;
    int64_t *tallies = dse_arena_alloc(arena, n, sizeof *tallies);
    if (tallies == NULL)
        return store__fail_memory(store, err);
    if (!decode_words(&reader, tallies, n))
        return store__fail_damaged(store, "a tally that is cut off", err);
    outcome->tallies = tallies;
    outcome->n_cells = (int)cells;
    outcome->tally_size = (int)words;
    return DSE_OK;
}

/* The two counts of every cell, from the columns for readers. */
struct counts {
    int64_t *seen, *correct;
    int n;
};

static enum dse_status read_counts(const struct store__query *query, int column,
                                   struct dse_arena *arena, struct counts *counts,
                                   struct dse_err *err) {
    const char *seen = store__column_text(query, column);
    if (seen == NULL)
        return store__fail_memory(query->store, err);
    int limit = 0, n_correct = 0; /* no more numbers than commas, and one */
    for (const char *at = seen; *at != '\0' && limit < MAX_CELLS; at++)
        limit += *at == ',' || *at == '[';
    counts->seen = dse_arena_alloc(arena, (size_t)limit, sizeof *counts->seen);
    counts->correct = dse_arena_alloc(arena, (size_t)limit, sizeof *counts->correct);
    if (counts->seen == NULL || counts->correct == NULL)
        return store__fail_memory(query->store, err);
    if (!store__parse_integers(seen, counts->seen, limit, &counts->n))
        return store__fail_damaged(query->store, "counts that are no list of numbers", err);
    const char *correct = store__column_text(query, column + 1);
    if (correct == NULL)
        return store__fail_memory(query->store, err);
    if (!store__parse_integers(correct, counts->correct, limit, &n_correct) ||
        n_correct != counts->n)
        return store__fail_damaged(query->store, "a partial with other cells than expected", err);
    return DSE_OK;
}

/* A tally of two words, where the database knows no more. */
static enum dse_status take_counts(struct dse_store *store, const struct counts *counts,
                                   struct dse_arena *arena, struct dse_outcome *outcome,
                                   struct dse_err *err) {
    int64_t *tallies = dse_arena_alloc(arena, (size_t)counts->n * DSE_TALLY_LEAST, sizeof *tallies);
    if (tallies == NULL)
        return store__fail_memory(store, err);
    for (int i = 0; i < counts->n; i++) {
        tallies[i * DSE_TALLY_LEAST + DSE_TALLY_SEEN] = counts->seen[i];
        tallies[i * DSE_TALLY_LEAST + DSE_TALLY_CORRECT] = counts->correct[i];
    }
    outcome->tallies = tallies;
    outcome->n_cells = counts->n;
    outcome->tally_size = DSE_TALLY_LEAST;
    return DSE_OK;
}

static bool agree(const struct counts *counts, const struct dse_outcome *outcome) {
    bool equal = counts->n == outcome->n_cells;
    for (int i = 0; equal && i < counts->n; i++)
        equal = dse_outcome_cell(outcome, i)[DSE_TALLY_SEEN] == counts->seen[i] &&
                dse_outcome_cell(outcome, i)[DSE_TALLY_CORRECT] == counts->correct[i];
    return equal;
}

static enum dse_status read_tallies(const struct store__query *query, struct dse_arena *arena,
                                    struct dse_outcome *outcome, struct dse_err *err) {
    struct counts counts = {0};
    size_t size;
    DSE_TRY(read_counts(query, 0, arena, &counts, err));
    const void *bytes = store__column_blob(query, 2, &size);
    if (bytes == NULL && sqlite3_errcode(query->store->db) == SQLITE_NOMEM)
        return store__fail_memory(query->store, err);
    if (bytes == NULL)
        return take_counts(query->store, &counts, arena, outcome, err);
    DSE_TRY(decode_tally(query->store, bytes, size, arena, outcome, err));
    if (!agree(&counts, outcome))
        return store__fail_damaged(query->store, "counts that contradict their tally", err);
    return DSE_OK;
}

static enum dse_status read_names(const struct store__query *query, struct dse_arena *arena,
                                  struct dse_outcome *outcome, struct dse_err *err) {
    const char *text = store__column_text(query, 4);
    if (text == NULL)
        return store__fail_memory(query->store, err);
    if (text[0] == '\0')
        return DSE_OK;
    const char **names = dse_arena_alloc(arena, (size_t)outcome->n_values, sizeof *names);
    char *storage = dse_arena_alloc(arena, strlen(text), 1);
    if (names == NULL || storage == NULL)
        return store__fail_memory(query->store, err);
    if (!store__parse_strings(text, storage, names, outcome->n_values, &outcome->n_names))
        return store__fail_damaged(query->store, "names that are no list of texts", err);
    outcome->names = names;
    return DSE_OK;
}

static enum dse_status read_values(const struct store__query *query, struct dse_arena *arena,
                                   struct dse_outcome *outcome, struct dse_err *err) {
    const char *text = store__column_text(query, 3);
    if (text == NULL)
        return store__fail_memory(query->store, err);
    if (text[0] == '\0')
        return DSE_OK;
    int limit = 0;
    for (const char *at = text; *at != '\0' && limit < MAX_VALUES; at++)
        limit += *at == ',' || *at == '[';
    double *values = dse_arena_alloc(arena, (size_t)limit, sizeof *values);
    if (values == NULL)
        return store__fail_memory(query->store, err);
    if (!store__parse_reals(text, values, limit, &outcome->n_values))
        return store__fail_damaged(query->store, "values that are no list of numbers", err);
    outcome->values = values;
    return read_names(query, arena, outcome, err);
}

enum dse_status store__read_outcome(const struct store__query *query, struct dse_arena *arena,
                                    struct dse_outcome *outcome, struct dse_err *err) {
    struct dse_outcome read = {0};
    DSE_TRY(read_tallies(query, arena, &read, err));
    DSE_TRY(read_values(query, arena, &read, err));
    *outcome = read;
    return DSE_OK;
}

/* ---- sums ---- */

/* A sum under way; outcome.tallies is words. */
struct sum {
    struct dse_outcome outcome;
    int64_t *words;
};

static enum dse_status begin_sum(struct dse_store *store, const struct dse_outcome *first,
                                 struct dse_arena *arena, struct sum *sum, struct dse_err *err) {
    size_t n = (size_t)first->n_cells * (size_t)first->tally_size;
    sum->words = dse_arena_alloc(arena, n, sizeof *sum->words);
    if (sum->words == NULL)
        return store__fail_memory(store, err);
    if (n > 0)
        memcpy(sum->words, first->tallies, n * sizeof *sum->words);
    sum->outcome = *first;
    sum->outcome.tallies = sum->words;
    return DSE_OK;
}

/* What both know: the cells get as short as the addend's. */
static void shorten(struct sum *sum, int tally_size) {
    for (int cell = 1; cell < sum->outcome.n_cells; cell++)
        memmove(sum->words + (size_t)cell * (size_t)tally_size,
                dse_outcome_cell(&sum->outcome, cell), (size_t)tally_size * sizeof *sum->words);
    sum->outcome.tally_size = tally_size;
}

static enum dse_status add_to_sum(struct dse_store *store, const struct dse_outcome *addend,
                                  struct sum *sum, struct dse_err *err) {
    struct dse_outcome *total = &sum->outcome;
    if (addend->n_cells != total->n_cells)
        return store__fail_damaged(store, "a partial with other cells than expected", err);
    if (addend->tally_size < total->tally_size)
        shorten(sum, addend->tally_size);
    size_t size = (size_t)total->tally_size;
    for (int cell = 0; cell < total->n_cells; cell++)
        if (!dse_tally_add(sum->words + (size_t)cell * size, dse_outcome_cell(addend, cell), size))
            return store__fail_damaged(store, "partials whose sum is no number of images", err);
    if (total->n_values == 0) {
        total->values = addend->values;
        total->n_values = addend->n_values;
        total->names = addend->names;
        total->n_names = addend->n_names;
    }
    return DSE_OK;
}

/* Adds up the rows of a statement that takes the evaluation. */
static enum dse_status sum_rows(struct dse_store *store, enum store__statement statement,
                                int64_t evaluation_id, struct dse_arena *arena,
                                struct dse_outcome *outcome, bool *any, struct dse_err *err) {
    struct store__query query;
    struct dse_outcome row = {0};
    struct sum sum = {0};
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, store, statement, err));
    store__bind_int(&query, evaluation_id);
    for (*any = false;; *any = true) {
        bool found;
        DSE_TRY(store__query_step(&query, &found, err));
        if (!found)
            break;
        DSE_TRY_GOTO(status, store__read_outcome(&query, arena, &row, err), fail);
        status =
            *any ? add_to_sum(store, &row, &sum, err) : begin_sum(store, &row, arena, &sum, err);
        if (status != DSE_OK)
            goto fail;
    }
    *outcome = sum.outcome;
fail:
    store__query_end(&query);
    return status;
}

enum dse_status dse_store_load_outcome(struct dse_store *store, int64_t evaluation_id,
                                       struct dse_arena *arena, struct dse_outcome *outcome,
                                       struct dse_err *err) {
    struct dse_outcome sum;
    bool any;
    DSE_TRY(sum_rows(store, STORE_STATEMENT_LOAD_RESULT, evaluation_id, arena, &sum, &any, err));
    if (!any)
        DSE_TRY(
            sum_rows(store, STORE_STATEMENT_LOAD_PARTIALS, evaluation_id, arena, &sum, &any, err));
    *outcome = sum;
    return DSE_OK;
}

/* ---- writing ---- */

void store__print_values(const struct dse_outcome *outcome, struct dse_buf *out) {
    if (outcome->n_values > 0)
        store__print_reals(outcome->values, outcome->n_values, out);
}

void store__print_names(const struct dse_outcome *outcome, struct dse_buf *out) {
    for (int i = 0; i < outcome->n_names; i++) {
        dse_buf_puts(out, i == 0 ? "[" : ",");
        store__print_string(outcome->names[i], out);
    }
    dse_buf_puts(out, outcome->n_names > 0 ? "]" : "");
}

/* The last gate before numbers of a worker become a permanent part of results. */
static enum dse_status check_outcome(int64_t evaluation_id, int shard,
                                     const struct dse_outcome *outcome, struct dse_err *err) {
    if (shard < 0 || outcome->n_cells < 0 || outcome->n_cells > MAX_CELLS ||
        outcome->n_values > MAX_VALUES || (outcome->n_cells == 0 && outcome->n_values == 0) ||
        (outcome->n_cells > 0 && outcome->tally_size > MAX_WORDS / outcome->n_cells))
        DSE_FAIL(err, DSE_INVALID, "partial of evaluation %lld: shard %d with %d cells",
                 (long long)evaluation_id, shard, outcome->n_cells);
    for (int i = 0; i < outcome->n_cells; i++)
        if (!dse_tally_possible(dse_outcome_cell(outcome, i), outcome->tally_size))
            DSE_FAIL(err, DSE_INVALID,
                     "partial of evaluation %lld, shard %d: the tally of cell %d cannot be",
                     (long long)evaluation_id, shard, i);
    for (int i = 0; i < outcome->n_values; i++)
        if (isnan(outcome->values[i]))
            DSE_FAIL(err, DSE_INVALID,
                     "partial of evaluation %lld, shard %d: value %d is not a number",
                     (long long)evaluation_id, shard, i);
    return DSE_OK;
}

/* One word of every cell. */
static void print_word(const struct dse_outcome *outcome, int word, struct dse_buf *out) {
    store__print_integers(outcome->n_cells > 0 ? outcome->tallies + word : NULL, outcome->n_cells,
                          outcome->tally_size, out);
}

/* The five columns, after the keys that the caller has bound; runs and ends the query. */
static enum dse_status write_outcome(struct store__query *query, const struct dse_outcome *outcome,
                                     struct dse_err *err) {
    enum { SEEN, CORRECT, TALLY, VALUES, NAMES, N_COLUMNS };
    struct dse_buf texts[N_COLUMNS] = {0};
    enum dse_status status = DSE_OK;
    print_word(outcome, DSE_TALLY_SEEN, &texts[SEEN]);
    print_word(outcome, DSE_TALLY_CORRECT, &texts[CORRECT]);
    store__encode_tallies(outcome, &texts[TALLY]);
    store__print_values(outcome, &texts[VALUES]);
    store__print_names(outcome, &texts[NAMES]);
    for (int i = 0; status == DSE_OK && i < N_COLUMNS; i++)
        status = dse_buf_status(&texts[i], err);
    for (int i = 0; i < N_COLUMNS; i++)
        if (i == TALLY)
            store__bind_blob(query, texts[i].data, texts[i].size);
        else
            store__bind_text(query, dse_buf_text(&texts[i]));
    if (status == DSE_OK)
        status = store__query_run(query, NULL, err);
    else
        store__query_end(query);
    for (int i = 0; i < N_COLUMNS; i++)
        dse_buf_fini(&texts[i]);
    return status;
}

enum dse_status dse_store_put_partial(struct dse_store *store, int64_t evaluation_id, int shard,
                                      const struct dse_outcome *partial, struct dse_err *err) {
    struct store__query query;
    bool done = false;
    DSE_TRY(check_outcome(evaluation_id, shard, partial, err));
    DSE_TRY(store__is_done(store, evaluation_id, &done, err));
    if (done)
        return DSE_OK;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_PUT_PARTIAL, err));
    store__bind_int(&query, evaluation_id);
    store__bind_int(&query, shard);
    return write_outcome(&query, partial, err);
}

static enum dse_status put_result(struct dse_store *store, int64_t evaluation_id,
                                  const struct dse_outcome *sum, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_PUT_RESULT, err));
    store__bind_int(&query, evaluation_id);
    DSE_TRY(write_outcome(&query, sum, err));
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_DELETE_PARTIALS, err));
    store__bind_int(&query, evaluation_id);
    return store__query_run(&query, NULL, err);
}

enum dse_status store__sum_up(struct dse_store *store, int64_t evaluation_id, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_outcome sum = {0};
    bool any;
    enum dse_status status =
        sum_rows(store, STORE_STATEMENT_LOAD_PARTIALS, evaluation_id, &arena, &sum, &any, err);
    if (status == DSE_OK)
        status = put_result(store, evaluation_id, &sum, err);
    dse_arena_fini(&arena);
    return status;
}
