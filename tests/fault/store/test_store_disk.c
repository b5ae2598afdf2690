/* store: every call to the disk fails once, one after the other, until all went well. After each
 * failure the error is told, what was acknowledged is there, and the work can go on. */
#include "tests/fault/store/faulty_vfs.h"
#include "tests/fault/store/store_workload.h"

#include <errno.h>

enum { SESSIONS = 2, TRANSACTIONS = 3 };

struct failure {
    const char *name;
    unsigned kinds;
    int code;
    int error_number;
    bool sticky; /* stays until the program is started again */
    enum dse_status status;
};

static const struct failure failures[] = {
    {"write: full", FAULT_WRITE, SQLITE_FULL, 0, false, DSE_NO_SPACE},
    {"write: full for good", FAULT_WRITE, SQLITE_FULL, 0, true, DSE_NO_SPACE},
    {"write: error", FAULT_WRITE, SQLITE_IOERR_WRITE, EIO, false, DSE_IO},
    {"write: quota", FAULT_WRITE, SQLITE_IOERR_WRITE, EDQUOT, true, DSE_NO_SPACE},
    {"sync: error", FAULT_SYNC, SQLITE_IOERR_FSYNC, EIO, false, DSE_IO},
    {"sync: error for good", FAULT_SYNC, SQLITE_IOERR_FSYNC, EIO, true, DSE_IO},
    {"read: error", FAULT_READ, SQLITE_IOERR_READ, EIO, false, DSE_IO},
    {"truncate: error", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, EIO, true, DSE_IO},
    {"open: error", FAULT_OPEN, SQLITE_CANTOPEN, EMFILE, false, DSE_IO},
    {"delete: error", FAULT_DELETE, SQLITE_IOERR_DELETE, EIO, true, DSE_IO},
    {"shared memory: error", FAULT_SHM, SQLITE_IOERR_SHMMAP, EIO, false, DSE_IO},
    {"shared memory: full", FAULT_SHM, SQLITE_IOERR_SHMSIZE, ENOSPC, true, DSE_NO_SPACE},
};

struct run {
    const struct failure *failure;
    int64_t acknowledged;
    int errors;
};

/* How many transactions there are, as a start finds out: it trusts the rows. */
static enum dse_status count_transactions(struct dse_store *store, int64_t *n,
                                          struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_sweep_row *rows;
    int n_rows;
    enum dse_status status = dse_store_list_sweeps(store, &arena, &rows, &n_rows, err);
    if (status == DSE_OK)
        *n = n_rows;
    dse_arena_fini(&arena);
    return status;
}

/* May be one more than was acknowledged: a commit whose sync failed may have reached the disk. */
static void assert_none_lost(const struct run *run, int64_t present) {
    bool unpromised = run->errors > 0 && present == run->acknowledged + 1;
    if (present != run->acknowledged && !unpromised)
        fail_msg("%s: %lld acknowledged, %lld present", run->failure->name,
                 (long long)run->acknowledged, (long long)present);
}

static void note_error(struct run *run, const struct place *place, enum dse_status status,
                       const struct dse_err *err) {
    run->errors++;
    if (status != run->failure->status || strstr(err->text, place->path) == NULL)
        fail_msg("%s: %s: %s", run->failure->name, dse_status_name(status), err->text);
}

static enum dse_status open_and_count(const struct place *place, struct dse_store **store,
                                      int64_t *present, struct dse_err *err) {
    struct dse_store *opened;
    DSE_TRY(dse_store_open(place->path, 0, &opened, err));
    enum dse_status status = count_transactions(opened, present, err);
    if (status == DSE_OK)
        *store = opened;
    else
        dse_store_close(opened);
    return status;
}

/* Opens, writes, closes. A failed step is tried once more: a fault that does not stay must not be
 * felt again. */
static void run_session(struct run *run, const struct place *place) {
    struct dse_store *store = NULL;
    enum dse_status status = DSE_AGAIN;
    for (int attempt = 0; attempt < 2 && status != DSE_OK; attempt++) {
        struct dse_err err = {0};
        int64_t present;
        status = open_and_count(place, &store, &present, &err);
        if (status != DSE_OK) {
            note_error(run, place, status, &err);
            continue;
        }
        assert_none_lost(run, present);
        run->acknowledged = present;
    }
    for (int i = 0; i < TRANSACTIONS && status == DSE_OK; i++) {
        struct dse_err err = {0}, again = {0};
        status = write_transaction(store, run->acknowledged, "", &err);
        if (status != DSE_OK) {
            note_error(run, place, status, &err);
            status = write_transaction(store, run->acknowledged, "", &again);
        }
        if (status == DSE_OK)
            run->acknowledged++;
    }
    dse_store_close(store);
}

/* false: the n-th call was not reached. */
static bool fail_nth(const struct failure *failure, const struct place *place, long n,
                     int *errors) {
    struct run run = {.failure = failure};
    size_t live = dse_alloc_live();
    clear_place(place);
    faulty_vfs_fail_at(failure->kinds, n, failure->code, failure->error_number, failure->sticky);
    for (int i = 0; i < SESSIONS; i++)
        run_session(&run, place);
    bool happened = faulty_vfs_happened();
    faulty_vfs_mend(NULL);
    assert_int_equal(dse_alloc_live(), live);
    if (!failure->sticky)
        assert_int_equal(run.acknowledged, SESSIONS * TRANSACTIONS);
    assert_none_lost(&run, check_transactions(place));
    *errors += run.errors;
    return happened;
}

static void fail_every_call(const struct failure *failure) {
    struct place place;
    long n = 0;
    int errors = 0;
    make_place(&place);
    while (fail_nth(failure, &place, n, &errors))
        n++;
    print_message("%s: %ld calls, %d errors told\n", failure->name, n, errors);
    assert_true(n > 0);
    remove_place(&place);
}

static void every_disk_call_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        fail_every_call(&failures[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_disk_call_may_fail),
    };
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
