/* The daemon at its edges: ready when it says so, closed to other users, sweeps that stop by
 * themselves and are killed on the way, and a task that takes too long. */
#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/lib/daemon_fixture.h"

static const char *const two_workers[] = {"--workers", "2", "--log-level", "error", NULL};

static void write_workload(const struct daemon_fixture *fixture, const char *exploration,
                           const char *execution, char *path, size_t size) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    (void)snprintf(path, size, "%s/w.yaml", fixture->dir);
    dse_buf_printf(&text,
                   "name: edges\nproblem: {type: zdt1}\nexploration: {population: 20, %s}\n"
                   "execution: {group: 5%s}\n",
                   exploration, execution);
    assert_ok(dse_file_replace(path, text.data, text.size, &err), &err);
    dse_buf_fini(&text);
}

/* ---- readiness ---- */

static int listen_for_notices(const struct sockaddr_un *address, socklen_t length) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, length), 0);
    return fd;
}

static void expect_notice(int fd, const char *expected) {
    char text[64] = "";
    assert_true(recv(fd, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, expected);
}

/* With a socket in the file system and with an abstract one. When it is ready, it serves. */
static void a_service_manager_is_told(void **state) {
    (void)state;
    for (int abstract = 0; abstract < 2; abstract++) {
        struct daemon_fixture fixture;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const char *const ping[] = {"ping", NULL};
        fixture_init(&fixture);
        char *name = address.sun_path;
        (void)snprintf(name, sizeof address.sun_path, "%s%.80s/notify", abstract ? "@" : "",
                       fixture.dir);
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
        if (abstract)
            name[0] = '\0';
        int fd = listen_for_notices(&address, length);
        fixture_start(&fixture, two_workers);
        assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
        expect_notice(fd, "READY=1\n");
        assert_int_equal(fixture_pareto(&fixture, ping, NULL, NULL), 0);
        assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
        expect_notice(fd, "STOPPING=1\n");
        (void)close(fd);
        fixture_fini(&fixture);
    }
}

/* ---- other users ---- */

/* In a process of another user; exits with 0 where the daemon hangs up without an answer. */
static _Noreturn void knock_as(uid_t user, const char *path) {
    static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[16];
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setuid(user) != 0 || fd < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        _exit(2);
    (void)send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
    _exit(recv(fd, answer, sizeof answer, 0) > 0 ? 1 : 0);
}

static int knock(const struct daemon_fixture *fixture, uid_t user) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        knock_as(user, fixture->socket);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The socket is open to all, by mistake: whoever is not the daemon's user is refused all the same.
 */
static void another_user_is_refused(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    struct daemon_fixture fixture;
    struct stat file;
    struct dse_buf log = {0};
    if (getuid() != 0)
        skip(); /* only root can be somebody else */
    fixture_init(&fixture);
    fixture_start(&fixture, two_workers);
    assert_int_equal(stat(fixture.socket, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(chmod(fixture.dir, 0755), 0);
    assert_int_equal(chmod(fixture.state_dir, 0755), 0);
    assert_int_equal(chmod(fixture.socket, 0777), 0);
    assert_int_equal(knock(&fixture, NOBODY), 0);
    assert_int_equal(knock(&fixture, 0), 1);
    const char *const ask[] = {DSE_BINARY_DIR "/pareto", "--state", fixture.state_dir, "logs",
                               NULL};
    assert_int_equal(run_program(ask, &log, NULL), 0);
    assert_non_null(strstr(dse_buf_text(&log), "client_refused uid=65534"));
    dse_buf_fini(&log);
    fixture_fini(&fixture);
}

/* ---- sweeps that stop by themselves ---- */

/* The lines of individuals and survivors of a dump: without those that name the workload. */
static void dump_rows(const struct daemon_fixture *fixture, struct dse_buf *rows) {
    const char *const dump[] = {"dump", "1", NULL};
    struct dse_buf text = {0};
    assert_int_equal(fixture_pareto(fixture, dump, &text, NULL), 0);
    char *rest = text.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (strncmp(line, "{\"record\":\"individual\"", 21) == 0 ||
            strncmp(line, "{\"record\":\"survivor\"", 19) == 0)
            dse_buf_printf(rows, "%s\n", line);
    dse_buf_fini(&text);
}

/* Explores, killed -9 after so many results, again and again; returns the individuals. */
static int64_t explore_with_kills(const char *exploration, int kills, struct dse_buf *rows) {
    struct daemon_fixture fixture;
    char path[400], word[32] = "";
    fixture_init(&fixture);
    write_workload(&fixture, exploration, "", path, sizeof path);
    fixture_start(&fixture, two_workers);
    int64_t sweep = fixture_submit(&fixture, path);
    for (int i = 1; i <= kills; i++) {
        assert_true(fixture_watch(&fixture, sweep, 35 * i, word, sizeof word));
        (void)fixture_stop(&fixture, SIGKILL);
        fixture_start(&fixture, two_workers);
    }
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    /* Done is done: a further kill and start change nothing. */
    (void)fixture_stop(&fixture, SIGKILL);
    fixture_start(&fixture, two_workers);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    int64_t individuals = fixture_count_individuals(&fixture, sweep);
    dump_rows(&fixture, rows);
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    fixture_fini(&fixture);
    return individuals;
}

static void a_standstill_survives_kills(void **state) {
    (void)state;
    struct dse_buf plain = {0}, killed = {0};
    const char *exploration = "generations: 400, standstill: 2";
    int64_t individuals = explore_with_kills(exploration, 0, &plain);
    assert_int_equal(explore_with_kills(exploration, 4, &killed), individuals);
    assert_in_range(individuals, 150, 400 * 20 - 1); /* it stopped before the last generation */
    assert_string_equal(dse_buf_text(&killed), dse_buf_text(&plain));
    dse_buf_fini(&plain);
    dse_buf_fini(&killed);
}

/* How far it comes is the clock's, what it finds until then is not. */
static void a_stop_by_time_survives_kills(void **state) {
    (void)state;
    struct dse_buf timed = {0}, counted = {0};
    char exploration[64];
    int64_t individuals = explore_with_kills("generations: 1000000, time_s: 2", 2, &timed);
    assert_true(individuals % 20 == 0 && individuals >= 40);
    (void)snprintf(exploration, sizeof exploration, "generations: %lld",
                   (long long)individuals / 20);
    assert_int_equal(explore_with_kills(exploration, 0, &counted), individuals);
    assert_string_equal(dse_buf_text(&timed), dse_buf_text(&counted));
    dse_buf_fini(&timed);
    dse_buf_fini(&counted);
}

/* ---- limits ---- */

/* Each attempt is ended after a second; a candidate has five. */
static void a_task_that_takes_too_long_is_ended(void **state) {
    (void)state;
    struct daemon_fixture fixture;
    char path[400], word[32];
    struct dse_buf text = {0};
    const char *const ask[] = {"--json", "show", "0.0", NULL};
    const char *const slow[] = {"--workers",   "8",     "--worker", TEST_SLOW_WORKER,
                                "--log-level", "error", NULL};
    fixture_init(&fixture);
    write_workload(&fixture, "generations: 1", ", task_seconds: 1", path, sizeof path);
    assert_int_equal(setenv("PARETO_TEST_DELAY_MIN_MS", "600000", 1), 0);
    fixture_start(&fixture, slow);
    assert_int_equal(unsetenv("PARETO_TEST_DELAY_MIN_MS"), 0);
    int64_t sweep = fixture_submit(&fixture, path);
    assert_true(fixture_watch(&fixture, sweep, 1, word, sizeof word));
    assert_true(fixture_watch(&fixture, sweep, 20, word, sizeof word));
    assert_string_equal(word, "done");
    assert_int_equal(fixture_pareto(&fixture, ask, &text, NULL), 0);
    assert_non_null(strstr(dse_buf_text(&text), "\"state\":\"failed\""));
    assert_non_null(strstr(dse_buf_text(&text), "given up after 5 attempts"));
    assert_non_null(strstr(dse_buf_text(&text), "limit of 1 s"));
    dse_buf_fini(&text);
    fixture_fini(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_manager_is_told),
        cmocka_unit_test(another_user_is_refused),
        cmocka_unit_test(a_standstill_survives_kills),
        cmocka_unit_test(a_stop_by_time_survives_kills),
        cmocka_unit_test(a_task_that_takes_too_long_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
