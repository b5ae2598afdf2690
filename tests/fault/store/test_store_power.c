/* store: the power goes at every write and sync in turn; what was not synced is kept, lost or torn
 * by lot. What was acknowledged is there afterwards, and nothing half. */
#include "tests/fault/store/faulty_vfs.h"
#include "tests/fault/store/store_workload.h"

struct load {
    int sessions, transactions;
    const char *source;
};

static void run_session(const struct load *load, const struct place *place, int64_t *acknowledged) {
    struct dse_store *store = NULL;
    enum dse_status status = dse_store_open(place->path, 0, &store, NULL);
    for (int i = 0; i < load->transactions && status == DSE_OK; i++) {
        status = write_transaction(store, *acknowledged, load->source, NULL);
        *acknowledged += status == DSE_OK;
    }
    dse_store_close(store);
}

/* false: the load was done before the n-th call. */
static bool cut_at(const struct load *load, const struct place *place, long n) {
    int64_t acknowledged = 0;
    char shm[400];
    struct dse_rng rng;
    dse_rng_init(&rng, 3, DSE_RNG_TEST, (uint32_t)n, 0);
    clear_place(place);
    faulty_vfs_cut_power_at(n);
    for (int i = 0; i < load->sessions; i++)
        run_session(load, place, &acknowledged);
    bool happened = faulty_vfs_happened();
    faulty_vfs_mend(&rng);
    (void)snprintf(shm, sizeof shm, "%s-shm", place->path);
    (void)unlink(shm); /* memory does not survive */
    int64_t present = check_transactions(place);
    if (present < acknowledged || present > acknowledged + 1)
        fail_msg("cut at call %ld: %lld acknowledged, %lld present", n, (long long)acknowledged,
                 (long long)present);
    if (!happened)
        assert_int_equal(acknowledged, load->sessions * load->transactions);
    return happened;
}

static void cut_everywhere(const struct load *load, long step) {
    struct place place;
    long n = 0;
    make_place(&place);
    while (cut_at(load, &place, n))
        n += step;
    print_message("calls: %ld, power cut %ld times\n", n, n / step);
    assert_true(n > 50);
    remove_place(&place);
}

static void commits_survive_a_power_cut_at_any_call(void **state) {
    (void)state;
    const struct load load = {2, 3, ""};
    cut_everywhere(&load, 1);
}

/* Enough pages that the log is moved into the database while work goes on, and then begins again
 * from its start. */
static void commits_survive_a_power_cut_around_a_checkpoint(void **state) {
    (void)state;
    enum { SIZE = 400 * 1000 };
    char *source = malloc(SIZE + 1);
    memset(source, 's', SIZE);
    source[SIZE] = '\0';
    const struct load load = {1, 14, source};
    cut_everywhere(&load, 83);
    free(source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_survive_a_power_cut_at_any_call),
        cmocka_unit_test(commits_survive_a_power_cut_around_a_checkpoint),
    };
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
