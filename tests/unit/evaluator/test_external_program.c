/* evaluator: programs of the user's. Answers, failures with their reasons, and that nothing that a
 * program started outlives it, its time or the worker. */
#include "tests/lib/testing.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "evaluator/program/program.h"

static char folder[256];

static struct dse_program *make_program(const char *script, bool kept_running, double timeout_s) {
    const char *const command[] = {"/bin/sh", "-c", script};
    struct dse_program_options options = {
        .command = command,
        .n_command = 3,
        .directory = folder,
        .kept_running = kept_running,
        .timeout_s = timeout_s,
    };
    struct dse_program *program = NULL;
    struct dse_err err = {0};
    assert_ok(dse_program_new(&options, &program, &err), &err);
    return program;
}

/* Asks "{}" and compares the answer, or what the error says. */
static void assert_answer(struct dse_program *program, const char *expected) {
    struct dse_buf line = {0}, answer = {0};
    struct dse_err err = {0};
    dse_buf_puts(&line, "{\"seed\": 1}\n");
    enum dse_status status = dse_program_ask(program, &line, &answer, &err);
    if (status == DSE_OK) {
        assert_string_equal(dse_buf_text(&answer), expected);
    } else {
        assert_int_equal(status, DSE_FAILED);
        assert_string_equal(err.text, expected);
    }
    dse_buf_fini(&line);
    dse_buf_fini(&answer);
}

static void assert_once(const char *script, const char *expected) {
    struct dse_program *program = make_program(script, false, 20);
    for (int i = 0; i < 2; i++)
        assert_answer(program, expected);
    dse_program_free(program);
}

static void a_program_a_candidate(void **state) {
    (void)state;
    assert_once("read line; echo working; echo \"{\\\"got\\\": $line}\"",
                "{\"got\": {\"seed\": 1}}");
    assert_once("echo '{\"a\": 1}'; printf '{\"a\": 2}'", "{\"a\": 2}"); /* the last, without end */
    assert_once("cat > /dev/null; head -c 300000 /dev/zero >&2; echo '{\"a\": 3}'", "{\"a\": 3}");
    assert_once("exec 0<&-; echo '{\"a\": 4}'", "{\"a\": 4}"); /* reads nothing */
}

static void failures_say_how(void **state) {
    (void)state;
    assert_once("echo oh no >&2; exit 3", "/bin/sh: it ended with status 3; standard error: oh no");
    assert_once("echo '{\"a\": 1}'; exit 1", "/bin/sh: it ended with status 1");
    assert_once("kill -11 $$", "/bin/sh: it was ended by signal 11");
    assert_once("echo nothing", "/bin/sh: it ended without an answer (a line that begins with {)");
    const char *const command[] = {"/no/such/program"};
    struct dse_program_options options = {
        .command = command, .n_command = 1, .directory = folder, .timeout_s = 20};
    struct dse_program *program = NULL;
    struct dse_err err = {0};
    assert_ok(dse_program_new(&options, &program, &err), &err);
    assert_answer(program,
                  "/no/such/program: it ended with status 127; standard error: the program "
                  "could not be started: No such file or directory");
    dse_program_free(program);
}

static void one_that_is_kept_running(void **state) {
    (void)state;
    struct dse_program *program =
        make_program("n=0; echo ready; while read line; do n=$((n+1)); "
                     "[ $n = 3 ] && { echo tired >&2; exit 7; }; echo \"{\\\"n\\\": $n}\"; done",
                     true, 20);
    assert_answer(program, "{\"n\": 1}");
    assert_answer(program, "{\"n\": 2}");
    assert_answer(program, "/bin/sh: it ended with status 7; standard error: tired");
    assert_answer(program, "{\"n\": 1}"); /* started anew */
    dse_program_free(program);
}

/* Waits until the process whose id stands in the file is gone. */
static void assert_is_gone(const char *file) {
    char path[512], text[32] = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_non_null(fgets(text, sizeof text, stream));
    assert_int_equal(fclose(stream), 0);
    pid_t pid = (pid_t)atol(text);
    assert_true(pid > 1);
    for (int64_t end = dse_clock_mono_ms() + 20000; dse_clock_mono_ms() < end;) {
        char stat_path[64], line[256] = {0};
        (void)snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", (int)pid);
        FILE *stat_file = fopen(stat_path, "r");
        if (stat_file == NULL)
            return;
        bool dead = fgets(line, sizeof line, stat_file) == NULL || strstr(line, ") Z") != NULL;
        (void)fclose(stat_file);
        if (dead)
            return; /* nobody reaps it here */
    }
    fail_msg("process %d lives on", (int)pid);
}

static void a_timeout_ends_the_program_and_its_children(void **state) {
    (void)state;
    struct dse_program *program =
        make_program("sleep 600 & echo $! > child; echo slow >&2; wait", false, 0.5);
    assert_answer(program, "/bin/sh: no answer within the time limit; standard error: slow");
    assert_is_gone("child");
    dse_program_free(program);
}

static void children_that_are_left_end_with_the_program(void **state) {
    (void)state;
    struct dse_program *program =
        make_program("sleep 600 & echo $! > left; echo '{\"a\": 1}'", false, 20);
    assert_answer(program, "{\"a\": 1}");
    assert_is_gone("left");
    dse_program_free(program);
}

static void the_end_of_the_worker_ends_the_program(void **state) {
    (void)state;
    pid_t worker = fork();
    assert_true(worker >= 0);
    if (worker == 0) {
        struct dse_program *program = make_program(
            "echo $$ > orphan; while read line; do echo '{\"a\": 1}'; done; sleep 600", true, 20);
        assert_answer(program, "{\"a\": 1}");
        (void)kill(getpid(), SIGKILL);
    }
    int status;
    while (waitpid(worker, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFSIGNALED(status));
    assert_is_gone("orphan");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_a_candidate),
        cmocka_unit_test(failures_say_how),
        cmocka_unit_test(one_that_is_kept_running),
        cmocka_unit_test(a_timeout_ends_the_program_and_its_children),
        cmocka_unit_test(children_that_are_left_end_with_the_program),
        cmocka_unit_test(the_end_of_the_worker_ends_the_program),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    make_temp_dir(folder, sizeof folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const files[] = {"child", "left", "orphan"};
    for (int i = 0; i < 3; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return failed;
}
