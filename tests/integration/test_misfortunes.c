/* What goes wrong for a user: a clear message, the right exit status, nothing lost. Real programs
 * on a small workload. */
#include "tests/lib/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/lib/daemon_fixture.h"
#include "tests/lib/sample.h"

static const struct sample_options sample = {.images = SAMPLE_IMAGES(80),
                                             .shard_images = SAMPLE_IMAGES(20),
                                             .population = 24,
                                             .generations = 12,
                                             .seed = 3};

static const char *const two_workers[] = {"--workers", "2", "--log-level", "error", NULL};

struct place {
    struct daemon_fixture fixture;
    char workload[400];
};

static void set_up(struct place *place) {
    fixture_init(&place->fixture);
    write_sample_workload(place->fixture.dir, &sample, place->workload, sizeof place->workload);
}

/* Puts one text in the place of another in the workload. */
static void edit_workload(const struct place *place, const char *from, const char *to) {
    struct dse_buf text = {0}, edited = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(place->workload, 1 << 20, &text, &err), &err);
    const char *at = strstr(text.data, from);
    assert_non_null(at);
    dse_buf_append(&edited, text.data, (size_t)(at - text.data));
    dse_buf_puts(&edited, to);
    dse_buf_puts(&edited, at + strlen(from));
    assert_ok(dse_file_replace(place->workload, edited.data, edited.size, &err), &err);
    dse_buf_fini(&text);
    dse_buf_fini(&edited);
}

/* `pareto run` of the workload; returns its exit status. */
static int run_workload(const struct place *place, struct dse_buf *out, struct dse_buf *errors) {
    const char *const argv[] = {DSE_BINARY_DIR "/pareto", "run",       "--state",
                                place->fixture.state_dir, "--workers", "2",
                                place->workload,          NULL};
    return run_program(argv, out, errors);
}

static void assert_contains(const struct dse_buf *text, const char *part) {
    if (strstr(dse_buf_text(text), part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, dse_buf_text(text));
}

static void expect_refusal(const struct place *place, int exit_status, const char *message) {
    struct dse_buf errors = {0};
    assert_int_equal(run_workload(place, NULL, &errors), exit_status);
    assert_contains(&errors, message);
    dse_buf_fini(&errors);
}

/* The dump of the undisturbed sweep; computed once. */
static const char *expected_dump(void) {
    static char hash[DSE_SHA256_HEX];
    char state[32];
    struct place place;
    if (hash[0] != '\0')
        return hash;
    set_up(&place);
    fixture_start(&place.fixture, two_workers);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_true(fixture_watch(&place.fixture, sweep, INT64_MAX, state, sizeof state));
    assert_string_equal(state, "done");
    fixture_dump_hash(&place.fixture, sweep, hash);
    fixture_fini(&place.fixture);
    return hash;
}

/* Starts the daemon again; the sweep must end with the undisturbed dump. */
static void finish_and_compare(struct place *place, int64_t sweep) {
    char state[32], hash[DSE_SHA256_HEX];
    fixture_start(&place->fixture, two_workers);
    assert_true(fixture_watch(&place->fixture, sweep, INT64_MAX, state, sizeof state));
    assert_string_equal(state, "done");
    fixture_dump_hash(&place->fixture, sweep, hash);
    assert_string_equal(hash, expected_dump());
    assert_int_equal(fixture_stop(&place->fixture, SIGTERM), 0);
}

/* ---- wrong input ---- */

static void a_wrong_key_is_named_with_its_place(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    edit_workload(&place, "population:", "populaton:");
    expect_refusal(&place, 3,
                   "w.yaml:8:15: exploration.populaton: unknown key; did you mean "
                   "'population'?");
    fixture_fini(&place.fixture);
}

static void a_missing_file_is_named_with_the_place_of_its_key(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    edit_workload(&place, "labels.idx", "lables.idx");
    expect_refusal(&place, 3, "lables.idx': there is no such file");
    expect_refusal(&place, 3, "w.yaml:4:");
    fixture_fini(&place.fixture);
}

static void a_workload_that_is_not_there_is_named(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    (void)snprintf(place.workload, sizeof place.workload, "%s/nowhere.yaml", place.fixture.dir);
    expect_refusal(&place, 4, "nowhere.yaml");
    fixture_fini(&place.fixture);
}

static void a_broken_model_is_refused_before_there_is_a_sweep(void **state) {
    (void)state;
    struct place place;
    struct dse_buf model = {0}, list = {0};
    struct dse_err err = {0};
    char path[400];
    const char *const list_args[] = {"--json", "list", NULL};
    set_up(&place);
    assert_ok(dse_file_read(DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx", 1 << 24,
                            &model, &err),
              &err);
    (void)snprintf(path, sizeof path, "%s/broken.onnx", place.fixture.dir);
    assert_ok(dse_file_replace(path, model.data, model.size / 2, &err), &err);
    edit_workload(&place, DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx", path);
    expect_refusal(&place, 3, "broken.onnx");
    fixture_start(&place.fixture, two_workers);
    assert_int_equal(fixture_pareto(&place.fixture, list_args, &list, NULL), 0);
    assert_string_equal(list.data, "{\"sweeps\":[]}\n");
    dse_buf_fini(&model);
    dse_buf_fini(&list);
    fixture_fini(&place.fixture);
}

static void a_model_that_does_not_fit_the_data_is_refused(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    edit_workload(&place, "mean: [0.286]", "mean: [0.286, 0.286, 0.286]");
    edit_workload(&place, "std: [0.353]", "std: [0.353, 0.353, 0.353]");
    expect_refusal(&place, 3, "the images have 1 channel");
    fixture_fini(&place.fixture);
}

/* ---- no daemon, two daemons ---- */

static void without_a_daemon_it_is_said_how_to_start_one(void **state) {
    (void)state;
    struct place place;
    struct dse_buf errors = {0};
    const char *const args[] = {"list", NULL};
    set_up(&place);
    assert_int_equal(fixture_pareto(&place.fixture, args, NULL, &errors), 5);
    assert_contains(&errors, "no daemon answers at");
    assert_contains(&errors, "paretod --state");
    dse_buf_fini(&errors);
    fixture_fini(&place.fixture);
}

static void a_second_daemon_is_refused(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    fixture_start(&place.fixture, two_workers);
    assert_int_equal(fixture_run_to_end(&place.fixture, two_workers), 4);
    const char *const args[] = {"ping", NULL};
    assert_int_equal(fixture_pareto(&place.fixture, args, NULL, NULL), 0);
    fixture_fini(&place.fixture);
}

/* ---- workers that hang, or take too much ---- */

static void a_hung_worker_is_ended_and_its_task_given_to_another(void **state) {
    (void)state;
    struct place place;
    char mark[400], word[32];
    struct dse_buf text = {0};
    const char *const hanging[] = {"--workers",      "2",         "--worker",
                                   TEST_SLOW_WORKER, "--silence", "2",
                                   "--log-level",    "error",     NULL};
    const char *const ask[] = {"--json", "status", NULL};
    set_up(&place);
    edit_workload(&place, "generations: 12", "generations: 2");
    (void)snprintf(mark, sizeof mark, "%s/hangs", place.fixture.dir);
    assert_int_equal(setenv("PARETO_TEST_HANG", mark, 1), 0);
    fixture_start(&place.fixture, hanging);
    assert_int_equal(unsetenv("PARETO_TEST_HANG"), 0);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_true(fixture_watch(&place.fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    assert_int_equal(access(mark, F_OK), 0); /* one has hung */
    assert_int_equal(fixture_pareto(&place.fixture, ask, &text, NULL), 0);
    assert_contains(&text, "\"failures\":0");
    dse_buf_fini(&text);
    fixture_fini(&place.fixture);
}

static void a_candidate_that_takes_too_much_fails_with_the_limit_as_reason(void **state) {
    (void)state;
    struct place place;
    char word[32];
    struct dse_buf text = {0};
    const char *const ask[] = {"--json", "show", "0.0", NULL};
    set_up(&place);
    /* No worker fits into 1 MiB, and each is looked at once a second at least: of one task a
     * worker at a time, in slow motion. */
    edit_workload(&place, "generations: 12", "generations: 1");
    edit_workload(&place, "population: 24", "population: 2");
    edit_workload(&place, "group: 3", "group: 3, memory_mib: 1");
    const char *const slow[] = {"--workers",   "4",     "--worker", TEST_SLOW_WORKER,
                                "--log-level", "error", NULL};
    assert_int_equal(setenv("PARETO_TEST_DELAY_MIN_MS", "1500", 1), 0);
    fixture_start(&place.fixture, slow);
    assert_int_equal(unsetenv("PARETO_TEST_DELAY_MIN_MS"), 0);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_true(fixture_watch(&place.fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    assert_int_equal(fixture_pareto(&place.fixture, ask, &text, NULL), 0);
    assert_contains(&text, "\"state\":\"failed\"");
    assert_contains(&text, "more than its limit of 1 MiB");
    dse_buf_fini(&text);
    fixture_fini(&place.fixture);
}

/* ---- a full disk ---- */

static void a_database_at_its_limit_lets_the_sweep_wait_and_loses_nothing(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    /* Room for the schema and the sweep, not for all of its individuals. */
    const char *const limited[] = {"--workers", "2", "--max-db-bytes", "130000", "--log-level",
                                   "error",     NULL};
    const char *const ask[] = {"status", NULL};
    struct dse_buf said = {0};
    fixture_start(&place.fixture, limited);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_true(fixture_watch_state(&place.fixture, sweep, "no_space"));
    assert_int_equal(fixture_pareto(&place.fixture, ask, &said, NULL), 0);
    assert_contains(&said, "reached its limit of 130000 bytes");
    dse_buf_fini(&said);
    assert_int_equal(fixture_stop(&place.fixture, SIGTERM), 0);
    finish_and_compare(&place, sweep);
    fixture_fini(&place.fixture);
}

/* The same with a file system that is really full; needs the right to mount one. */
static void a_full_file_system_lets_the_sweep_wait_until_there_is_space(void **state) {
    (void)state;
    struct place place;
    struct dse_err err = {0};
    set_up(&place);
    assert_ok(dse_dir_create(place.fixture.state_dir, &err), &err);
    if (mount("tmpfs", place.fixture.state_dir, "tmpfs", 0, "size=400k") != 0) {
        print_message("not tried: a tmpfs cannot be mounted here (%s)\n", strerror(errno));
        fixture_fini(&place.fixture);
        skip();
    }
    fixture_start(&place.fixture, two_workers);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    char word[32], hash[DSE_SHA256_HEX];
    assert_true(fixture_watch_state(&place.fixture, sweep, "no_space"));
    assert_int_equal(mount("tmpfs", place.fixture.state_dir, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    assert_true(fixture_watch(&place.fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done"); /* the same daemon, by itself */
    fixture_dump_hash(&place.fixture, sweep, hash);
    assert_string_equal(hash, expected_dump());
    assert_int_equal(fixture_stop(&place.fixture, SIGTERM), 0);
    assert_int_equal(umount(place.fixture.state_dir), 0);
    fixture_fini(&place.fixture);
}

/* ---- a file that changes, Ctrl-C ---- */

static void a_file_that_changed_fails_the_sweep_which_goes_on_when_it_is_back(void **state) {
    (void)state;
    struct place place;
    struct dse_buf labels = {0}, status = {0};
    struct dse_err err = {0};
    char path[400], word[32];
    const char *const args[] = {"--json", "status", NULL}, *const resume[] = {"resume", NULL};
    set_up(&place);
    fixture_start(&place.fixture, two_workers);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    (void)fixture_stop(&place.fixture, SIGKILL);
    (void)snprintf(path, sizeof path, "%s/labels.idx", place.fixture.dir);
    assert_ok(dse_file_read(path, 1 << 20, &labels, &err), &err);
    labels.data[labels.size - 1] ^= 1;
    assert_ok(dse_file_replace(path, labels.data, labels.size, &err), &err);
    fixture_start(&place.fixture, two_workers);
    assert_true(fixture_watch(&place.fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "failed");
    assert_int_equal(fixture_pareto(&place.fixture, args, &status, NULL), 0);
    assert_contains(&status, "labels.idx: the file has changed since the workload was submitted");
    labels.data[labels.size - 1] ^= 1;
    assert_ok(dse_file_replace(path, labels.data, labels.size, &err), &err);
    assert_int_equal(fixture_pareto(&place.fixture, resume, NULL, NULL), 0);
    assert_int_equal(fixture_stop(&place.fixture, SIGTERM), 0);
    finish_and_compare(&place, sweep);
    dse_buf_fini(&labels);
    dse_buf_fini(&status);
    fixture_fini(&place.fixture);
}

/* Starts `pareto run` in a process group of its own, as a shell does; *progress reads its output.
 */
static pid_t start_run(const struct place *place, int *progress) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)dup2(fds[1], 1);
        (void)dup2(fds[1], 2);
        (void)close(fds[0]);
        (void)close(fds[1]);
        (void)execl(DSE_BINARY_DIR "/pareto", "pareto", "run", "--state", place->fixture.state_dir,
                    "--workers", "2", place->workload, (char *)NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    *progress = fds[0];
    return pid;
}

/* Reads until the text comes; false at the end of the output. */
static bool read_until(int fd, const char *text) {
    struct dse_buf seen = {0};
    bool found = false;
    for (char c; !found && read(fd, &c, 1) == 1;) {
        dse_buf_append(&seen, &c, 1);
        found = c == '\n' && strstr(seen.data, text) != NULL;
    }
    dse_buf_fini(&seen);
    return found;
}

static void ctrl_c_stops_a_run_and_the_same_command_goes_on(void **state) {
    (void)state;
    struct place place;
    struct dse_buf out = {0}, errors = {0};
    int progress, status;
    set_up(&place);
    pid_t pid = start_run(&place, &progress);
    assert_true(read_until(progress, ": generation "));
    assert_int_equal(kill(-pid, SIGINT), 0);
    while (read_until(progress, "\1"))
        ;
    (void)close(progress);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    assert_int_equal(run_workload(&place, &out, &errors), 0);
    assert_contains(&out, "float32");
    finish_and_compare(&place, 1);
    dse_buf_fini(&out);
    dse_buf_fini(&errors);
    fixture_fini(&place.fixture);
}

/* The second of two runs in one state directory uses the private daemon of the first, which ends
 * with whoever is the last: here the first is interrupted. */
static void a_run_does_not_end_the_daemon_that_another_uses(void **state) {
    (void)state;
    struct place first;
    int first_out, second_out, status;
    set_up(&first);
    pid_t pid = start_run(&first, &first_out);
    assert_true(read_until(first_out, ": generation "));
    pid_t other = start_run(&first, &second_out);
    assert_true(read_until(second_out, " continues: "));
    assert_int_equal(kill(-pid, SIGINT), 0);
    assert_true(read_until(first_out, "others use this paretod"));
    (void)close(first_out);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 130);
    assert_true(read_until(second_out, "front of sweep 1 (sample, done)"));
    while (read_until(second_out, "\1"))
        ;
    (void)close(second_out);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(WEXITSTATUS(status), 0);
    /* The private daemon ends when it sees that nobody is left; its lock says when. */
    char path[400];
    (void)snprintf(path, sizeof path, "%s/pareto.db.lock", first.fixture.state_dir);
    int lock = open(path, O_RDWR | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    (void)close(lock);
    finish_and_compare(&first, 1);
    fixture_fini(&first.fixture);
}

/* The variables of a workload are those of who submits it. */
static void a_workload_has_the_variables_of_its_client(void **state) {
    (void)state;
    struct place place;
    char word[32];
    struct dse_buf errors = {0};
    const char *const submit[] = {"submit", place.workload, NULL};
    set_up(&place);
    edit_workload(&place, "labels.idx", "\"${LABELS_OF_TEST}.idx\"");
    fixture_start(&place.fixture, two_workers); /* knows of no such variable */
    assert_int_equal(fixture_pareto(&place.fixture, submit, NULL, &errors), 3);
    assert_contains(&errors, "the environment variable LABELS_OF_TEST is not set");
    assert_int_equal(setenv("LABELS_OF_TEST", "labels", 1), 0);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_int_equal(unsetenv("LABELS_OF_TEST"), 0);
    assert_true(fixture_watch(&place.fixture, sweep, 1, word, sizeof word));
    dse_buf_fini(&errors);
    fixture_fini(&place.fixture);
}

static void a_run_that_is_done_says_so_and_prints_the_front(void **state) {
    (void)state;
    struct place place;
    struct dse_buf first = {0}, second = {0}, errors = {0};
    set_up(&place);
    assert_int_equal(run_workload(&place, &first, NULL), 0);
    assert_int_equal(run_workload(&place, &second, &errors), 0);
    assert_string_equal(first.data, second.data);
    assert_contains(&errors, "finished already");
    dse_buf_fini(&first);
    dse_buf_fini(&second);
    dse_buf_fini(&errors);
    fixture_fini(&place.fixture);
}

static void sigterm_stops_the_daemon_and_nothing_is_lost(void **state) {
    (void)state;
    struct place place;
    char word[32];
    set_up(&place);
    fixture_start(&place.fixture, two_workers);
    int64_t sweep = fixture_submit(&place.fixture, place.workload);
    assert_true(fixture_watch(&place.fixture, sweep, 5, word, sizeof word));
    assert_int_equal(fixture_stop(&place.fixture, SIGTERM), 0);
    assert_int_equal(access(place.fixture.socket, F_OK), -1);
    finish_and_compare(&place, sweep);
    fixture_fini(&place.fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_key_is_named_with_its_place),
        cmocka_unit_test(a_missing_file_is_named_with_the_place_of_its_key),
        cmocka_unit_test(a_workload_that_is_not_there_is_named),
        cmocka_unit_test(a_broken_model_is_refused_before_there_is_a_sweep),
        cmocka_unit_test(a_model_that_does_not_fit_the_data_is_refused),
        cmocka_unit_test(without_a_daemon_it_is_said_how_to_start_one),
        cmocka_unit_test(a_second_daemon_is_refused),
        cmocka_unit_test(a_hung_worker_is_ended_and_its_task_given_to_another),
        cmocka_unit_test(a_candidate_that_takes_too_much_fails_with_the_limit_as_reason),
        cmocka_unit_test(a_database_at_its_limit_lets_the_sweep_wait_and_loses_nothing),
        cmocka_unit_test(a_full_file_system_lets_the_sweep_wait_until_there_is_space),
        cmocka_unit_test(a_file_that_changed_fails_the_sweep_which_goes_on_when_it_is_back),
        cmocka_unit_test(ctrl_c_stops_a_run_and_the_same_command_goes_on),
        cmocka_unit_test(a_run_does_not_end_the_daemon_that_another_uses),
        cmocka_unit_test(a_workload_has_the_variables_of_its_client),
        cmocka_unit_test(a_run_that_is_done_says_so_and_prints_the_front),
        cmocka_unit_test(sigterm_stops_the_daemon_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
