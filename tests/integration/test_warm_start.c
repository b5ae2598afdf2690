/* Predefined individuals: from a file, from another sweep's front, and what becomes of them when
 * the daemon is killed. Real daemon, formulas as problems. */
#include "tests/lib/testing.h"

#include <signal.h>

#include "tests/lib/daemon_fixture.h"

static const char *const two_workers[] = {"--workers", "2", "--log-level", "error", NULL};
static struct daemon_fixture fixture;

static int set_up(void **state) {
    (void)state;
    fixture_init(&fixture);
    fixture_start(&fixture, two_workers);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    int status = fixture_stop(&fixture, SIGTERM);
    fixture_fini(&fixture);
    return status;
}

static const char *path_of(const char *name) {
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", fixture.dir, name);
    return path;
}

static void write_text(const char *name, const char *text) {
    struct dse_err err = {0};
    assert_ok(dse_file_replace(path_of(name), text, strlen(text), &err), &err);
}

/* A workload of 12 individuals a generation; more: lines of the section exploration. */
static void write_workload(const char *problem, int generations, const char *more) {
    char text[600];
    (void)snprintf(text, sizeof text,
                   "name: warm\nseed: 5\nproblem:\n  type: %s\nexploration:\n  population: 12\n"
                   "  generations: %d\n%s",
                   problem, generations, more);
    write_text("w.yaml", text);
}

static void ask(const char *const *args, enum dse_record which, struct dse_arena *arena,
                void *record) {
    struct dse_buf out = {0}, errors = {0};
    struct dse_err err = {0};
    if (fixture_pareto(&fixture, args, &out, &errors) != 0)
        fail_msg("pareto %s: %s", args[1], dse_buf_text(&errors));
    assert_ok(dse_record_decode(which, out.data, out.size, arena, record, &err), &err);
    dse_buf_fini(&out);
    dse_buf_fini(&errors);
}

static int64_t run_workload(void) {
    char final[32];
    int64_t sweep = fixture_submit(&fixture, path_of("w.yaml"));
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
    assert_string_equal(final, "done");
    return sweep;
}

/* In the arena. */
static const char *genome_of(int64_t sweep, int generation, int slot, struct dse_arena *arena) {
    char id[24], place[24];
    const char *const args[] = {"--json", "show", id, place, NULL};
    struct dse_msg_individual individual;
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    (void)snprintf(place, sizeof place, "%d.%d", generation, slot);
    ask(args, DSE_RECORD_individual, arena, &individual);
    return individual.genome;
}

static void export_front(int64_t sweep, const char *format, const char *name) {
    char id[24];
    const char *const args[] = {"export", "--front",     "--format", format,
                                "-o",     path_of(name), id,         NULL};
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    assert_int_equal(fixture_pareto(&fixture, args, NULL, NULL), 0);
}

static const char *content_of_plan(struct dse_arena *arena, struct dse_msg_plan *plan) {
    const char *const args[] = {"--json", "plan", path_of("w.yaml"), NULL};
    ask(args, DSE_RECORD_plan, arena, plan);
    return plan->content_hash;
}

/* ---- from a file ---- */

static void the_file_comes_first_and_the_rest_is_sampled(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_plan plan;
    const char *const given[] = {"[1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0]",
                                 "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,5]"};
    write_workload("knapsack", 1, "");
    int64_t cold = run_workload();
    /* Out of bounds, no whole number, blanks; a float32 network; one that is there twice. */
    write_text("first.csv",
               "name,genome\r\n"
               "\"of a \"\"front\"\"\",\"[1, 2,3,4,5,-3,1,2,3,4,99,0,1,2,3,4,5,0,1,2,"
               "3,4,5,0,1,2,3,3.6,5,0]\"\r\n"
               "baseline,\r\n"
               "b,\"[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,5]\"\r\n"
               "c,\"[1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0,1,2,3,4,5,0]\"");
    write_workload("knapsack", 1, "  initial: first.csv\n");
    int64_t warm = run_workload();
    for (int slot = 0; slot < 12; slot++)
        assert_string_equal(genome_of(warm, 0, slot, &arena),
                            slot < 2 ? given[slot] : genome_of(cold, 0, slot, &arena));
    (void)content_of_plan(&arena, &plan);
    assert_int_equal(plan.initial, 2);
    assert_int_equal(plan.initial_given, 3);
    dse_arena_fini(&arena);
}

static void what_is_exported_is_read_back(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_front front;
    struct dse_msg_plan plan;
    write_workload("zdt1", 6, "");
    (void)run_workload();
    const char *const args[] = {"--json", "front", NULL};
    ask(args, DSE_RECORD_front, &arena, &front);
    assert_true(front.members_n > 1 && front.members_n < 12);
    export_front(front.sweep->sweep, "csv", "front.csv");
    export_front(front.sweep->sweep, "json", "front.json");
    const char *cold = content_of_plan(&arena, &plan);
    write_workload("zdt1", 6, "  initial: front.csv\n");
    const char *from_csv = content_of_plan(&arena, &plan);
    assert_int_equal(plan.initial, front.members_n);
    write_workload("zdt1", 6, "  initial: front.json\n");
    const char *from_json = content_of_plan(&arena, &plan);
    assert_string_equal(from_csv, from_json); /* the genomes count, not the file */
    assert_string_not_equal(from_csv, cold);
    int64_t warm = run_workload();
    for (int slot = 0; slot < front.members_n; slot++) {
        const char *genome = genome_of(warm, 0, slot, &arena);
        int found = 0;
        for (int i = 0; i < front.members_n; i++)
            found += strcmp(front.members[i].genome, genome) == 0;
        assert_int_equal(found, 1);
    }
    dse_arena_fini(&arena);
}

/* More than the population: those that stand in a front are taken. */
static void members_of_a_front_are_taken_before_others(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_plan plan;
    struct dse_buf text = {0};
    dse_buf_puts(&text, "in_front,genome\n");
    for (int i = 0; i < 20; i++)
        dse_buf_printf(&text, "%d,\"[%d,%d]\"\n", i >= 15, i % 5, i / 5);
    write_text("many.csv", text.data);
    dse_buf_fini(&text);
    write_workload("bnh", 1, "  initial: many.csv\n");
    int64_t sweep = run_workload();
    assert_string_equal(genome_of(sweep, 0, 0, &arena), "[0,3]");
    assert_string_equal(genome_of(sweep, 0, 4, &arena), "[4,3]");
    assert_string_equal(genome_of(sweep, 0, 5, &arena), "[0,0]");
    assert_string_equal(genome_of(sweep, 0, 11, &arena), "[1,1]");
    (void)content_of_plan(&arena, &plan);
    assert_int_equal(plan.initial, 12);
    assert_int_equal(plan.initial_given, 20);
    dse_arena_fini(&arena);
}

/* ---- from a sweep, and misfortunes ---- */

/* A warm sweep of a daemon of its own. disturbed: the sweep that the front came from and the file
 * are gone once it is submitted, and the daemon is killed in the middle, again and again. */
static void dump_warm_sweep(bool disturbed, char hash[DSE_SHA256_HEX]) {
    struct daemon_fixture outer = fixture;
    char word[32];
    const char *const delete[] = {"delete", "1", NULL};
    fixture_init(&fixture);
    fixture_start(&fixture, two_workers);
    write_workload("dtlz2", 4, "");
    assert_int_equal(run_workload(), 1);
    export_front(1, "csv", "front.csv");
    write_workload("dtlz2", 40, "  initial: front.csv\n  initial_sweep: 1\n");
    int64_t sweep = fixture_submit(&fixture, path_of("w.yaml"));
    if (disturbed) {
        assert_int_equal(fixture_pareto(&fixture, delete, NULL, NULL), 0);
        assert_int_equal(unlink(path_of("front.csv")), 0);
    }
    for (int kill = 0; disturbed && kill < 5; kill++) {
        (void)fixture_watch(&fixture, sweep, 1 + 60 * kill, word, sizeof word);
        (void)fixture_stop(&fixture, SIGKILL);
        fixture_start(&fixture, two_workers);
    }
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    fixture_dump_hash(&fixture, sweep, hash);
    (void)fixture_stop(&fixture, SIGTERM);
    fixture_fini(&fixture);
    fixture = outer;
}

static void a_warm_sweep_goes_on_after_a_kill(void **state) {
    (void)state;
    char calm[DSE_SHA256_HEX], disturbed[DSE_SHA256_HEX];
    dump_warm_sweep(false, calm);
    dump_warm_sweep(true, disturbed);
    assert_string_equal(calm, disturbed);
}

/* ---- what is refused ---- */

static void assert_refused(const char *file, const char *text, const char *expected) {
    struct dse_buf errors = {0};
    char more[100];
    const char *const args[] = {"submit", path_of("w.yaml"), NULL};
    (void)snprintf(more, sizeof more, "  initial: %s\n", file);
    write_text(file, text);
    write_workload("bnh", 1, more);
    assert_int_equal(fixture_pareto(&fixture, args, NULL, &errors), 3);
    if (strstr(dse_buf_text(&errors), expected) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", dse_buf_text(&errors), expected);
    dse_buf_fini(&errors);
}

static void what_does_not_fit_is_refused_with_its_place(void **state) {
    (void)state;
    assert_refused("a.csv", "genome\n\"[1,2]\"\n\"[1,2,3]\"\n",
                   "a.csv:3:1: individual 2 has 3 genes; the problem has 2, from x1 to x2");
    assert_refused("a.csv", "genome\n[1]\n", "a.csv:2:1: individual 1 has 1 genes; the problem");
    assert_refused("a.csv", "genome\n\"[1,nan]\"\n",
                   "a.csv:2:1: individual 1: genome \"[1,nan]\" is no list of numbers");
    assert_refused("a.csv", "genome\n\"[1,1e999]\"\n", "is no list of numbers");
    assert_refused("a.csv", "genome\n\"[1,2\"\n", "is no list of numbers");
    assert_refused("a.csv", "genome\n\"[1,2] 3\"\n", "is no list of numbers");
    assert_refused("a.csv", "genome\n\"[1,2]\n\n", "a.csv:2:1: the quote has no end");
    assert_refused("a.csv", "genomes\n\"[1,2]\"\n", "a.csv:1:1: there is no column \"genome\"");
    assert_refused("a.csv", "genome\n", "a.csv: there is no individual in it");
    assert_refused("a.csv", "", "a.csv:1:1: there is no column \"genome\"");
    assert_refused("a.json", "{\"individuals\":[{\"genome\":\"[1,2]\"},{\"genome\":\"[1]\"}]}",
                   "a.json: individual 2 has 1 genes");
    assert_refused("a.json", "{\"individuals\":[{\"genome\":7}]}",
                   "a.json is not what pareto export writes");
    assert_refused("a.json", "{\"individuals\":", "a.json is not what pareto export writes");
}

static void sweeps_without_a_front_are_refused(void **state) {
    (void)state;
    struct dse_buf errors = {0};
    const char *const args[] = {"submit", path_of("w.yaml"), NULL};
    write_workload("bnh", 1, "  initial_sweep: 777\n");
    assert_int_equal(fixture_pareto(&fixture, args, NULL, &errors), 3);
    assert_non_null(strstr(errors.data, "w.yaml:8:3: exploration.initial_sweep: there is no sweep"
                                        " 777; pareto list names them"));
    dse_buf_fini(&errors);
    write_workload("zdt1", 1, "");
    int64_t other = run_workload();
    char more[64];
    (void)snprintf(more, sizeof more, "  initial_sweep: %lld\n", (long long)other);
    write_workload("bnh", 1, more);
    assert_int_equal(fixture_pareto(&fixture, args, NULL, &errors), 3);
    assert_non_null(strstr(errors.data, "has 30 genes; the problem has 2"));
    dse_buf_fini(&errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_comes_first_and_the_rest_is_sampled),
        cmocka_unit_test(what_is_exported_is_read_back),
        cmocka_unit_test(members_of_a_front_are_taken_before_others),
        cmocka_unit_test(a_warm_sweep_goes_on_after_a_kill),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(sweeps_without_a_front_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
