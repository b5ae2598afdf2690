/* A sweep over a program of the user's: the shipped example, and what becomes of failures. */
#include "tests/lib/daemon_fixture.h"
#include "tests/lib/testing.h"

static struct daemon_fixture fixture;

/* f is x, and h falls with x; x = 0 fails. */
static const char script[] =
    "read l\n"
    "x=${l#*'\"x\": '}; x=${x%%,*}\n"
    "y=${l#*'\"y\": '}; y=${y%%\\}*}\n"
    "[ \"$x\" = 0 ] && { echo \"zero $y\" >&2; exit 4; }\n"
    "echo \"{\\\"f\\\": $x, \\\"h\\\": $((9 - x + y)), \\\"extra\\\": 5}\"\n";

static void write_text(const char *name, const char *text) {
    char path[512];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", fixture.dir, name);
    assert_ok(dse_file_replace(path, text, strlen(text), &err), &err);
}

static int64_t submit(const char *on_failure, int retry, int generations) {
    struct dse_buf text = {0};
    char path[512];
    write_text("run.sh", script);
    dse_buf_printf(&text,
                   "name: external %s\nseed: 3\nproblem:\n  type: external\n"
                   "  objectives: [minimize f, minimize h]\n"
                   "external:\n  command: [/bin/sh, run.sh]\n  files: [run.sh]\n"
                   "  genes: [x int 0 9, y int 0 9]\n  timeout_s: 100\n"
                   "exploration:\n  population: 12\n  generations: %d\n"
                   "execution:\n  on_failure: %s\n  retry: %d\n",
                   on_failure, generations, on_failure, retry);
    write_text("w.yaml", dse_buf_text(&text));
    dse_buf_fini(&text);
    (void)snprintf(path, sizeof path, "%s/w.yaml", fixture.dir);
    return fixture_submit(&fixture, path);
}

static void run_pareto(const char *const *args, struct dse_buf *out) {
    struct dse_buf errors = {0};
    if (fixture_pareto(&fixture, args, out, &errors) != 0)
        fail_msg("%s: %s", args[0], dse_buf_text(&errors));
    dse_buf_fini(&errors);
}

static void assert_says(int64_t sweep, const char *command, const char *individual,
                        const char *expected) {
    char id[32];
    struct dse_buf out = {0};
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    const char *const args[] = {"--json", command, id, individual, NULL};
    run_pareto(args, &out);
    if (strstr(dse_buf_text(&out), expected) == NULL)
        fail_msg("%s of sweep %s does not say %s: %.2000s", command, id, expected, out.data);
    dse_buf_fini(&out);
}

static void failures_are_ranked_last(void **state) {
    (void)state;
    char final[32];
    int64_t sweep = submit("penalise", 1, 3);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
    assert_string_equal(final, "done");
    assert_says(sweep, "status", NULL, "\"individuals\":36");
    struct dse_buf dump = {0};
    char id[32];
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    const char *const args[] = {"dump", id, NULL};
    run_pareto(args, &dump);
    assert_non_null(strstr(dump.data, "/bin/sh: it ended with status 4; standard error: zero "));
    assert_non_null(strstr(dump.data, "extra"));
    dse_buf_fini(&dump);
}

static void failures_may_be_left_out(void **state) {
    (void)state;
    char final[32];
    int64_t sweep = submit("skip", 0, 3);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
    assert_string_equal(final, "done");
}

static void a_failure_may_end_the_sweep(void **state) {
    (void)state;
    char final[32];
    int64_t sweep = submit("abort", 0, 200);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
    assert_string_equal(final, "failed");
    assert_says(sweep, "status", NULL, "standard error: zero ");
}

/* Sweeps that stop before their last generation: by number of individuals, when nothing grows any
 * more, and when time is up. */
static void a_sweep_stops_early(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int generations_least, generations_most;
    } cases[] = {{"individuals: 95", 10, 10}, {"standstill: 5", 6, 300}, {"time_s: 1", 1, 99990}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[512], final[32];
        struct dse_buf text = {0};
        dse_buf_printf(&text,
                       "name: early\nproblem:\n  type: bnh\nexploration:\n  population: 10\n"
                       "  generations: 100000\n  %s\n",
                       cases[i].key);
        write_text("w.yaml", dse_buf_text(&text));
        dse_buf_fini(&text);
        (void)snprintf(path, sizeof path, "%s/w.yaml", fixture.dir);
        int64_t sweep = fixture_submit(&fixture, path);
        assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
        assert_string_equal(final, "done");
        int64_t individuals = fixture_count_individuals(&fixture, sweep);
        print_message("%s: %lld individuals\n", cases[i].key, (long long)individuals);
        assert_in_range(individuals, 10 * cases[i].generations_least,
                        10 * cases[i].generations_most);
    }
}

static void the_example_in_python(void **state) {
    (void)state;
    char final[32];
    const char *const python[] = {"python3", "-c", "pass", NULL};
    if (run_program(python, NULL, NULL) != 0) {
        print_message("skipped: there is no python3\n");
        skip();
    }
    int64_t sweep = fixture_submit(&fixture, DSE_SOURCE_DIR "/workloads/external.yaml");
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, final, sizeof final));
    assert_string_equal(final, "done");
    assert_says(sweep, "status", NULL, "\"failures\":0");
    assert_says(sweep, "show", "0.0", "{\"name\":\"steps\",\"value\":100.0}");
    assert_says(sweep, "show", "0.0", "\"genes\":[\"units = ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_ranked_last),    cmocka_unit_test(failures_may_be_left_out),
        cmocka_unit_test(a_failure_may_end_the_sweep), cmocka_unit_test(a_sweep_stops_early),
        cmocka_unit_test(the_example_in_python),
    };
    static const char *const extra[] = {"--workers", "2", NULL};
    fixture_init(&fixture);
    fixture_start(&fixture, extra);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_fini(&fixture);
    return failed;
}
