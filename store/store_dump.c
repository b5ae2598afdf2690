/* The canonical text of a sweep. Two runs with the same answers give the same text, whatever was
 * interrupted, repeated or answered by whom. So it leaves out times, paths and ids, and
 *   - a state that is not final reads "unfinished": where a run stopped is no part of its answers;
 *   - of a failed individual the cells are left out: how many partials came before the failure is
 *     luck. */
#include "store/store_internal.h"

#include <inttypes.h>

static void print_field(const char *name, const char *text, struct dse_buf *out) {
    dse_buf_printf(out, ",\"%s\":", name);
    store__print_string(text, out);
}

static enum dse_status dump_context(struct dse_store *store, const char *hash,
                                    struct dse_arena *arena, struct dse_buf *out,
                                    struct dse_err *err) {
    const char *prepared;
    struct dse_err missing = {0};
    enum dse_status status = dse_store_load_context(store, hash, arena, &prepared, &missing);
    if (status == DSE_NOT_FOUND)
        return DSE_OK; /* the sweep has not been prepared yet */
    if (status != DSE_OK)
        return dse_err_set(err, status, "%s", missing.text);
    dse_buf_puts(out, "{\"record\":\"context\"");
    print_field("hash", hash, out);
    print_field("prepared", prepared, out);
    dse_buf_puts(out, "}\n");
    return DSE_OK;
}

static enum dse_status dump_sweep(struct dse_store *store, int64_t sweep_id,
                                  struct dse_arena *arena, struct dse_buf *out,
                                  struct dse_err *err) {
    struct dse_sweep_row row;
    DSE_TRY(dse_store_load_sweep(store, sweep_id, arena, &row, err));
    dse_buf_puts(out, "{\"record\":\"sweep\"");
    print_field("name", row.name, out);
    dse_buf_printf(out, ",\"seed\":%" PRIu64, row.seed);
    print_field("content_hash", row.content_hash, out);
    print_field("context_hash", row.context_hash, out);
    bool final = dse_sweep_state_final(row.state);
    print_field("state", final ? dse_sweep_state_text(row.state) : "unfinished", out);
    print_field("reason", row.reason, out);
    dse_buf_puts(out, "}\n");
    return dump_context(store, row.context_hash, arena, out, err);
}

/* The whole tallies as a hash: a hundred words a cell would make dumps of gigabytes. */
static enum dse_status dump_tallies(const struct dse_outcome *outcome, struct dse_buf *out,
                                    struct dse_err *err) {
    struct dse_buf bytes = {0};
    char hash[DSE_SHA256_HEX];
    if (outcome->n_cells == 0)
        return DSE_OK;
    store__encode_tallies(outcome, &bytes);
    enum dse_status status = dse_buf_status(&bytes, err);
    if (status == DSE_OK)
        status = dse_sha256_bytes(bytes.data, bytes.size, hash, err);
    if (status == DSE_OK)
        print_field("tally", hash, out);
    dse_buf_fini(&bytes);
    return status;
}

static enum dse_status dump_outcome(const struct dse_outcome *outcome, struct dse_buf *out,
                                    struct dse_err *err) {
    int n = outcome->n_cells, stride = outcome->tally_size;
    dse_buf_puts(out, ",\"seen\":");
    store__print_integers(n > 0 ? outcome->tallies + DSE_TALLY_SEEN : NULL, n, stride, out);
    dse_buf_puts(out, ",\"correct\":");
    store__print_integers(n > 0 ? outcome->tallies + DSE_TALLY_CORRECT : NULL, n, stride, out);
    dse_buf_puts(out, outcome->n_values > 0 ? ",\"values\":" : "");
    store__print_values(outcome, out);
    dse_buf_puts(out, outcome->n_names > 0 ? ",\"names\":" : "");
    store__print_names(outcome, out);
    return dump_tallies(outcome, out, err);
}

static enum dse_status dump_cells(struct dse_store *store, const struct dse_individual_row *row,
                                  struct dse_buf *out, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_outcome outcome = {0};
    enum dse_status status = DSE_OK;
    if (row->state != DSE_RESULT_FAILED)
        status = dse_store_load_outcome(store, row->evaluation_id, &arena, &outcome, err);
    if (status == DSE_OK)
        status = dump_outcome(&outcome, out, err);
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status dump_individual(struct dse_store *store,
                                       const struct dse_individual_row *row, struct dse_buf *out,
                                       struct dse_err *err) {
    dse_buf_printf(out, "{\"record\":\"individual\",\"generation\":%d,\"slot\":%d", row->generation,
                   row->slot);
    print_field("genome", row->genome, out);
    print_field("state", store__result_text(row->state), out);
    print_field("reason", row->reason, out);
    dse_buf_puts(out, ",\"objectives\":");
    store__print_reals(row->objectives, row->n_objectives, out);
    dse_buf_puts(out, ",\"violation\":");
    store__print_real(row->violation, out);
    dse_buf_printf(out, ",\"in_front\":%s,\"cached\":%s", row->in_front ? "true" : "false",
                   row->cached ? "true" : "false");
    DSE_TRY(dump_cells(store, row, out, err));
    dse_buf_puts(out, "}\n");
    return DSE_OK;
}

static enum dse_status dump_individuals(struct dse_store *store, int64_t sweep_id, int generation,
                                        struct dse_arena *arena, struct dse_buf *out,
                                        struct dse_err *err) {
    struct dse_individual_row *rows;
    int n;
    DSE_TRY(dse_store_load_individuals(store, sweep_id, DSE_SELECT_GENERATION, generation, arena,
                                       &rows, &n, err));
    for (int i = 0; i < n; i++)
        DSE_TRY(dump_individual(store, &rows[i], out, err));
    return DSE_OK;
}

static enum dse_status dump_survivors(struct dse_store *store, int64_t sweep_id, int generation,
                                      struct dse_arena *arena, struct dse_buf *out,
                                      struct dse_err *err) {
    struct dse_survivor_row *rows;
    int n;
    DSE_TRY(dse_store_load_survivors(store, sweep_id, generation, arena, &rows, &n, err));
    for (int i = 0; i < n; i++) {
        dse_buf_printf(out,
                       "{\"record\":\"survivor\",\"generation\":%d,\"position\":%d,"
                       "\"of\":[%d,%d],\"rank\":%d,\"crowding\":",
                       generation, i, rows[i].generation, rows[i].slot, rows[i].rank);
        store__print_real(rows[i].crowding, out);
        dse_buf_puts(out, "}\n");
    }
    return DSE_OK;
}

static enum dse_status check_sweep(struct dse_store *store, int64_t sweep_id, struct dse_err *err) {
    struct dse_sweep_counts counts;
    return dse_store_count_sweep(store, sweep_id, &counts, err);
}

enum dse_status dse_store_dump(struct dse_store *store, int64_t sweep_id, int generation,
                               struct dse_buf *out, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_buf text = {0};
    enum dse_status status;
    DSE_TRY_GOTO(status, check_sweep(store, sweep_id, err), fail_text);
    if (generation < 0)
        DSE_TRY_GOTO(status, dump_sweep(store, sweep_id, &arena, &text, err), fail_text);
    DSE_TRY_GOTO(status, dump_individuals(store, sweep_id, generation, &arena, &text, err),
                 fail_text);
    DSE_TRY_GOTO(status, dump_survivors(store, sweep_id, generation, &arena, &text, err),
                 fail_text);
    DSE_TRY_GOTO(status, dse_buf_status(&text, err), fail_text);
    dse_buf_append(out, text.data, text.size);
    status = dse_buf_status(out, err);
fail_text:
    dse_buf_fini(&text);
    dse_arena_fini(&arena);
    return status;
}
