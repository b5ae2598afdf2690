/* store: every allocation fails once, ours and SQLite's, until the work succeeds. Nothing leaks,
 * nothing half stays, and the failure is told as one. */
#include "tests/fault/store/faulty_heap.h"
#include "tests/fault/store/faulty_vfs.h"
#include "tests/fault/store/store_workload.h"

/* SQLite allocates thousands of times: all of them only in the long test. */
#ifndef STEP
enum { STEP = 17 };
#endif

/* ---- the work ---- */

static enum dse_status read_all(struct dse_store *store, struct dse_buf *dump,
                                struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_sweep_row *sweeps;
    struct dse_individual_row *rows;
    const char *text;
    bool have[2];
    struct dse_outcome outcome;
    int64_t id;
    int n;
    enum dse_status status;
    DSE_TRY_GOTO(status, dse_store_list_sweeps(store, &arena, &sweeps, &n, err), end);
    DSE_TRY_GOTO(status, dse_store_find_sweep(store, "", &id, err), end);
    DSE_TRY_GOTO(status, dse_store_load_context(store, "abcd", &arena, &text, err), end);
    DSE_TRY_GOTO(status,
                 dse_store_load_individuals(store, id, DSE_SELECT_FRONT, 0, &arena, &rows, &n, err),
                 end);
    assert_int_equal(n, 2);
    DSE_TRY_GOTO(status, dse_store_load_shards(store, rows[0].evaluation_id, have, 2, err), end);
    DSE_TRY_GOTO(status,
                 dse_store_load_outcome(store, rows[0].evaluation_id, &arena, &outcome, err), end);
    DSE_TRY_GOTO(status, dse_store_dump(store, id, -1, dump, err), end);
    DSE_TRY_GOTO(status, dse_store_dump(store, id, 0, dump, err), end);
end:
    dse_arena_fini(&arena);
    return status;
}

/* Opens, writes one transaction, reads everything back. *committed: the transaction was
 * acknowledged. */
static enum dse_status work(const struct place *place, int64_t k, bool *committed,
                            struct dse_buf *dump, struct dse_err *err) {
    struct dse_store *store = NULL;
    *committed = false;
    DSE_TRY(dse_store_open(place->path, 0, &store, err));
    enum dse_status status = write_transaction(store, k, "", err);
    *committed = status == DSE_OK;
    if (status == DSE_OK)
        status = dse_store_put_context(store, "abcd", "{}", err);
    if (status == DSE_OK)
        status = read_all(store, dump, err);
    dse_store_close(store);
    return status;
}

/* ---- the loops ---- */

struct failing {
    const char *name;
    bool ours;     /* dse_alloc; or SQLite's heap */
    bool for_good; /* all later ones fail, too */
    bool fresh;    /* the database is new; or has a transaction */
    long most;     /* sanity of the count */
};

static const struct failing loops[] = {
    {"ours, new database", true, false, true, 200},
    {"ours, old database", true, false, false, 200},
    {"SQLite's, new database", false, false, true, 60000},
    {"SQLite's, old database", false, false, false, 20000},
    {"SQLite's from then on, old database", false, true, false, 20000},
};

static void arm(const struct failing *failing, long n) {
    if (failing->ours) {
        dse_alloc_fail_at(n);
        return;
    }
    faulty_heap_fail_at(n, failing->for_good);
}

/* Returns whether a failure was met. */
static bool disarm(const struct failing *failing) {
    dse_alloc_fail_at(-1);
    return faulty_heap_mend() || failing->ours;
}

/* false: the n-th allocation was not reached. SQLite does without some (caches), so a success alone
 * does not end the loop over its heap. */
static bool fail_nth(const struct failing *failing, const struct place *place, long n) {
    struct dse_err err = {0};
    struct dse_buf dump = {0};
    bool committed;
    int64_t before = 0;
    if (failing->fresh)
        clear_place(place);
    else
        before = atoll(query_text(place->path, "SELECT count(*) FROM sweep"));
    size_t live = dse_alloc_live();
    long live_before = faulty_heap_live();
    arm(failing, n);
    enum dse_status status = work(place, before, &committed, &dump, &err);
    bool met = disarm(failing);
    dse_buf_fini(&dump);
    if (status != DSE_OK && (status != DSE_NO_MEMORY || err.code != DSE_NO_MEMORY))
        fail_msg("%s %ld: %s: %s", failing->name, n, dse_status_name(status), err.text);
    assert_int_equal(dse_alloc_live(), live);
    assert_int_equal(faulty_heap_live(), live_before);
    if (n % 4 == 0 || failing->ours) /* a check costs more than the work */
        assert_int_equal(check_transactions(place), before + committed);
    return failing->ours ? status != DSE_OK : met;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        struct place place;
        long n = 0;
        make_place(&place);
        dse_store_close(open_store(&place));
        while (fail_nth(&loops[i], &place, n))
            n += loops[i].ours || n < 100 ? 1 : STEP;
        print_message("%s: %ld allocations\n", loops[i].name, n);
        assert_in_range(n, 10, loops[i].most);
        remove_place(&place);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    faulty_heap_install();
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
