/* What clients ask, and what strangers send: real daemon, small workload. */
#include <math.h>

#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/lib/daemon_fixture.h"

static const struct sample_options sample = {.images = SAMPLE_IMAGES(40),
                                             .shard_images = SAMPLE_IMAGES(20),
                                             .population = 8,
                                             .generations = 3,
                                             .seed = 3};
static const char *const two_workers[] = {"--workers", "2", "--log-level", "error", NULL};

static struct daemon_fixture fixture;
static char workload[400];
static int64_t sweep;

static int set_up(void **state) {
    (void)state;
    sweep = fixture_run_sample(&fixture, &sample, two_workers, workload);
    return sweep != 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return fixture_end(&fixture);
}

static void ask(const char *const *args, enum dse_record which, struct dse_arena *arena,
                void *record) {
    struct dse_buf out = {0};
    struct dse_err err = {0};
    assert_int_equal(fixture_pareto(&fixture, args, &out, NULL), 0);
    assert_ok(dse_record_decode(which, out.data, out.size, arena, record, &err), &err);
    dse_buf_fini(&out);
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void status_counts_every_individual(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_sweep s;
    const char *const args[] = {"--json", "status", NULL};
    ask(args, DSE_RECORD_sweep, &arena, &s);
    assert_string_equal(s.state, "done");
    assert_int_equal(s.individuals, sample.population * sample.generations);
    assert_int_equal(s.measured, s.individuals);
    assert_int_equal(s.generation, sample.generations - 1);
    assert_int_equal(s.failures, 0);
    assert_true(s.progress == 1 && s.finished_at_ms >= s.submitted_at_ms);
    dse_arena_fini(&arena);
}

/* Objectives of the front follow from the cells and bits that `show` gives, computed here anew. */
static void the_front_is_what_its_members_show(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_front front;
    const char *const args[] = {"--json", "front", NULL};
    ask(args, DSE_RECORD_front, &arena, &front);
    assert_true(front.members_n > 0 && front.members_n == front.sweep->front_size);
    assert_int_equal(front.objectives_n, 3);
    assert_non_null(front.baseline);
    for (int i = 0; i < front.members_n; i++) {
        const struct dse_msg_individual *member = &front.members[i];
        struct dse_msg_individual shown;
        char id[32];
        const char *const show[] = {"--json", "show", id, NULL};
        (void)snprintf(id, sizeof id, "%d.%d", (int)member->generation, (int)member->slot);
        ask(show, DSE_RECORD_individual, &arena, &shown);
        double corrupted = 0, bit_operations = 0;
        for (int c = 1; c < shown.cells_n; c++)
            corrupted += (double)shown.cells[c].correct / (double)shown.cells[c].seen;
        for (int l = 0; l < shown.layers_n; l++)
            bit_operations +=
                (double)(shown.layers[l].macs * shown.input_bits[l] * shown.weight_bits[l]);
        assert_int_equal(shown.cells_n, 5);
        assert_string_equal(shown.cells[0].cell, "clean");
        assert_int_equal(shown.cells[0].seen, sample.images);
        assert_true(member->objectives[0] ==
                    (double)shown.cells[0].correct / (double)shown.cells[0].seen);
        assert_float_equal(member->objectives[1], corrupted / 4, 1e-12);
        assert_true(member->objectives[2] == bit_operations);
    }
    dse_arena_fini(&arena);
}

/* Other metrics of the stored evaluations: the front of their values, worked out here from what
 * `show` says of every individual. */
static void a_front_can_be_asked_again_for_other_metrics(void **state) {
    (void)state;
    enum { N = 64 };
    struct dse_arena arena = {0};
    struct dse_msg_front own, same, other;
    double errors[N], size[N];
    bool found[N] = {false};
    int n = 0, n_front = 0;
    const char *const front[] = {"--json", "front", NULL};
    const char *const again[] = {"--json", "front", "--objectives",
                                 "accuracy(clean),accuracy_corrupted,bit_operations", NULL};
    const char *const asked[] = {"--json", "front", "--objectives", "error(clean),size_bits", NULL};
    ask(front, DSE_RECORD_front, &arena, &own);
    ask(again, DSE_RECORD_front, &arena, &same);
    assert_int_equal(own.members_n, same.members_n);
    for (int i = 0; i < own.members_n; i++) {
        const struct dse_msg_individual *member = &own.members[i];
        assert_true(member->slot == same.members[i].slot &&
                    member->generation == same.members[i].generation);
        assert_int_equal(member->estimates_n, 3);
        for (int k = 0; k < 3; k++)
            assert_true(member->estimates[k].value == member->objectives[k]);
        assert_true(member->estimates[0].low <= member->objectives[0] &&
                    member->estimates[0].high >= member->objectives[0] &&
                    member->estimates[0].images == sample.images);
        assert_true(isnan(member->estimates[2].low) && member->estimates[2].images == 0);
    }
    ask(asked, DSE_RECORD_front, &arena, &other);
    assert_int_equal(other.objectives_n, 2);
    assert_string_equal(other.objectives[0].sense, "minimize");
    for (int g = 0; g < sample.generations; g++)
        for (int slot = 0; slot < sample.population; slot++, n++) {
            struct dse_msg_individual shown;
            char id[32];
            const char *const show[] = {"--json", "show", id, NULL};
            (void)snprintf(id, sizeof id, "%d.%d", g, slot);
            ask(show, DSE_RECORD_individual, &arena, &shown);
            assert_true(n < N);
            errors[n] = 1 - shown.cells[0].accuracy;
            size[n] = 0;
            for (int l = 0; l < shown.layers_n; l++)
                size[n] += (double)(shown.layers[l].weights * shown.weight_bits[l]);
            for (int i = 0; i < other.members_n; i++)
                found[n] =
                    found[n] || (other.members[i].generation == g && other.members[i].slot == slot);
            n_front += found[n];
        }
    assert_true(n_front == other.members_n && n_front > 0);
    for (int a = 0; a < n; a++) {
        bool is_dominated = false;
        for (int b = 0; b < n; b++)
            is_dominated = is_dominated || (errors[b] < errors[a] - 1e-9 && size[b] <= size[a]) ||
                           (errors[b] < errors[a] + 1e-9 && size[b] < size[a]);
        assert_int_equal(found[a], !is_dominated);
    }
    dse_arena_fini(&arena);
}

static void a_front_of_what_is_not_there_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"accuracy(fogg)", "did you mean \"fog\"?"},
        {"accuracy(snow)", "needs snow images"},
        {"speed", "unknown metric \"speed\""},
        {"mce,,", "unknown metric \"\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct dse_buf err = {0};
        const char *const args[] = {"front", "--objectives", wrong[i][0], NULL};
        assert_int_equal(fixture_pareto(&fixture, args, NULL, &err), 3);
        if (strstr(err.data, wrong[i][1]) == NULL)
            fail_msg("%s: %s", wrong[i][0], err.data);
        dse_buf_fini(&err);
    }
}

/* How often `part` is in text. */
static int count_of(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

static void every_individual_is_exported_once(void **state) {
    (void)state;
    struct dse_buf csv = {0}, json = {0}, front = {0}, again = {0};
    struct dse_arena arena = {0};
    struct dse_msg_individual shown;
    struct dse_err err = {0};
    char path[400], expected[400];
    const int all = sample.population * sample.generations + 1;
    (void)snprintf(path, sizeof path, "%s/all.csv", fixture.dir);
    const char *const to_file[] = {"export", "--cells", "-o", path, NULL};
    const char *const to_stdout[] = {"export", "--cells", NULL};
    const char *const as_json[] = {"export", "--format", "json", NULL};
    const char *const only_front[] = {"export", "--front", "--json", NULL};
    assert_int_equal(fixture_pareto(&fixture, to_file, NULL, NULL), 0);
    assert_int_equal(fixture_pareto(&fixture, to_stdout, &again, NULL), 0);
    assert_ok(dse_file_read(path, 1 << 24, &csv, &err), &err);
    assert_string_equal(csv.data, again.data);
    assert_int_equal(count_of(csv.data, "\n"), all + 1);
    assert_int_equal(strncmp(csv.data, "generation,slot,state,reason,in_front,cached,rank,", 50),
                     0);
    const char *const show[] = {"--json", "show", "1.2", NULL};
    ask(show, DSE_RECORD_individual, &arena, &shown);
    (void)snprintf(expected, sizeof expected, "\n1,2,done,,%d,%d,", shown.in_front, 0);
    const char *row = strstr(csv.data, expected);
    assert_non_null(row);
    (void)snprintf(expected, sizeof expected, ",0,%.17g,%.17g,%.17g,\"%s\",%lld,",
                   shown.objectives[0], shown.objectives[1], shown.objectives[2], shown.genome,
                   (long long)shown.input_bits[0]);
    const char *found = strstr(row, expected);
    if (found == NULL || found > strchr(row + 1, '\n'))
        fail_msg("'%s' is not in:%.*s", expected, (int)strcspn(row + 1, "\n") + 1, row);
    assert_int_equal(fixture_pareto(&fixture, as_json, &json, NULL), 0);
    assert_int_equal(count_of(json.data, "\"generation\":"), all + 1); /* one is the sweep's */
    assert_int_equal(count_of(json.data, "\"rank\":"), all - count_of(csv.data, ",done,,0,0,,"));
    assert_int_equal(fixture_pareto(&fixture, only_front, &front, NULL), 0);
    assert_int_equal(count_of(front.data, "\"in_front\":true"),
                     count_of(json.data, "\"in_front\":true"));
    assert_int_equal(count_of(front.data, "\"in_front\":false"), 0);
    dse_arena_fini(&arena);
    dse_buf_fini(&csv);
    dse_buf_fini(&again);
    dse_buf_fini(&json);
    dse_buf_fini(&front);
}

/* An export that cannot be written leaves neither the file nor a part of it. */
static void an_export_is_whole_or_not_there(void **state) {
    (void)state;
    struct dse_buf errors = {0};
    const char *const nowhere[] = {"export", "-o", "/nonexistent/x.csv", NULL};
    const char *const full[] = {"export", "-o", "/dev/full", NULL};
    const char *const unknown[] = {"export", "--format", "xml", NULL};
    assert_int_equal(fixture_pareto(&fixture, nowhere, NULL, NULL), 4);
    assert_int_equal(fixture_pareto(&fixture, full, NULL, &errors), 7);
    assert_non_null(strstr(errors.data, "/dev/full"));
    assert_int_equal(access("/dev/full", W_OK), 0);
    assert_int_equal(fixture_pareto(&fixture, unknown, NULL, NULL), 2);
    dse_buf_fini(&errors);
}

static void a_page_has_at_most_what_was_asked_for(void **state) {
    (void)state;
    static const char requests[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"individuals\",\"params\":{\"sweep\":1,"
        "\"generation\":1,\"slot\":6,\"limit\":3}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"individuals\",\"params\":{\"sweep\":1,"
        "\"generation\":-7}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"individuals\",\"params\":{\"sweep\":1,"
        "\"state\":\"failed\"}}\n";
    static char text[65536];
    size_t size = 0;
    int fd = connect_to(fixture.socket);
    assert_int_equal(send(fd, requests, sizeof requests - 1, MSG_NOSIGNAL), sizeof requests - 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (ssize_t got; (got = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0;)
        size += (size_t)got;
    text[size] = '\0';
    (void)close(fd);
    assert_int_equal(count_of(text, "\"generation\":1,"), 2); /* 1.6, 1.7, 2.0 */
    assert_int_equal(count_of(text, "\"generation\":2,"), 1);
    assert_non_null(strstr(text, "\"more\":true,\"next_generation\":2,\"next_slot\":1"));
    assert_non_null(strstr(text, "there is no page of 0 individuals from -7.0 on"));
    assert_non_null(strstr(text, "\"individuals\":[],\"more\":false"));
}

static void unknown_things_are_not_found(void **state) {
    (void)state;
    static const char *const questions[][4] = {{"show", "99.0", NULL},
                                               {"status", "77", NULL},
                                               {"front", "77", NULL},
                                               {"dump", "77", NULL}};
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        assert_int_equal(fixture_pareto(&fixture, questions[i], NULL, NULL), 4);
    const char *const cancel[] = {"cancel", "1", NULL};
    assert_int_equal(fixture_pareto(&fixture, cancel, NULL, NULL), 4); /* it is done */
}

static void a_cancelled_sweep_keeps_what_it_found_and_the_next_has_its_turn(void **state) {
    (void)state;
    static const struct sample_options longer = {.images = SAMPLE_IMAGES(40),
                                                 .shard_images = SAMPLE_IMAGES(20),
                                                 .population = 16,
                                                 .generations = 200,
                                                 .seed = 9};
    char other[400], id[32], word[32], dir[400];
    struct dse_err err = {0};
    struct dse_arena arena = {0};
    struct dse_msg_sweep s;
    (void)snprintf(dir, sizeof dir, "%s/longer", fixture.dir);
    assert_ok(dse_dir_create(dir, &err), &err);
    write_sample_workload(dir, &longer, other, sizeof other);
    int64_t first = fixture_submit(&fixture, other);
    int64_t second = fixture_submit(&fixture, workload);
    assert_true(fixture_watch(&fixture, first, 20, word, sizeof word));
    const char *const cancel[] = {"cancel", id, NULL};
    const char *const status[] = {"--json", "status", id, NULL};
    (void)snprintf(id, sizeof id, "%lld", (long long)first);
    assert_int_equal(fixture_pareto(&fixture, cancel, NULL, NULL), 0);
    ask(status, DSE_RECORD_sweep, &arena, &s);
    assert_string_equal(s.state, "cancelled");
    assert_true(s.measured >= 20);
    assert_true(fixture_watch(&fixture, second, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
    (void)snprintf(id, sizeof id, "%lld", (long long)second);
    ask(status, DSE_RECORD_sweep, &arena, &s);
    assert_int_equal(s.cache_hits, s.individuals); /* all known from the first sweep of the test */
    dse_arena_fini(&arena);
}

/* ---- several sweeps ---- */

static int64_t submit_longer(int seed) {
    struct sample_options longer = {.images = SAMPLE_IMAGES(40),
                                    .shard_images = SAMPLE_IMAGES(20),
                                    .population = 16,
                                    .generations = 200,
                                    .seed = seed};
    char path[400], dir[400];
    struct dse_err err = {0};
    (void)snprintf(dir, sizeof dir, "%s/seed-%d", fixture.dir, seed);
    assert_ok(dse_dir_create(dir, &err), &err);
    write_sample_workload(dir, &longer, path, sizeof path);
    return fixture_submit(&fixture, path);
}

/* Runs `pareto --json command sweep [more]`; the sweep of its answer. */
static void control(const char *command, int64_t id, const char *more, struct dse_msg_sweep *answer,
                    struct dse_arena *arena) {
    char number[24];
    const char *const args[] = {"--json", command, number, more, NULL};
    (void)snprintf(number, sizeof number, "%lld", (long long)id);
    ask(args, DSE_RECORD_sweep, arena, answer);
}

static void paused_sweeps_wait_and_greater_priorities_come_first(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_sweep s;
    struct dse_msg_worker_list workers;
    struct dse_msg_deleted deleted;
    char word[32], id[24];
    int64_t low = submit_longer(21), high = submit_longer(22);
    assert_true(fixture_watch(&fixture, low, 1, word, sizeof word)); /* both share the workers */
    assert_true(fixture_watch(&fixture, high, 1, word, sizeof word));
    control("priority", high, "5", &s, &arena);
    assert_int_equal(s.priority, 5);
    control("status", low, NULL, &s, &arena);
    int64_t measured = s.measured;
    assert_true(fixture_watch(&fixture, high, 120, word, sizeof word));
    control("status", low, NULL, &s, &arena);
    assert_in_range(s.measured - measured, 0, 64); /* gaps at the ends of generations only */
    control("pause", high, NULL, &s, &arena);
    assert_string_equal(s.state, "paused");
    assert_true(fixture_watch(&fixture, low, measured + 70, word, sizeof word));
    control("status", high, NULL, &s, &arena);
    measured = s.measured;
    control("status", low, NULL, &s, &arena);
    assert_true(fixture_watch(&fixture, low, s.measured + 60, word, sizeof word));
    control("status", high, NULL, &s, &arena);
    assert_int_equal(s.measured, measured);
    assert_int_equal(s.workers, 0);
    const char *const ask_workers[] = {"--json", "workers", NULL};
    ask(ask_workers, DSE_RECORD_worker_list, &arena, &workers);
    assert_int_equal(workers.workers_n, 2);
    assert_true(workers.workers[0].memory_bytes > 1 << 20 && workers.workers[0].tasks > 0);
    control("resume", high, NULL, &s, &arena);
    assert_string_equal(s.state, "running");
    assert_true(fixture_watch(&fixture, high, measured + 1, word, sizeof word));
    /* Only what is final is deleted without force. */
    (void)snprintf(id, sizeof id, "%lld", (long long)low);
    const char *const polite[] = {"delete", id, NULL};
    const char *const forced[] = {"--json", "delete", "--force", id, NULL};
    const char *const status[] = {"status", id, NULL};
    assert_int_equal(fixture_pareto(&fixture, polite, NULL, NULL), 4);
    ask(forced, DSE_RECORD_deleted, &arena, &deleted);
    assert_true(deleted.individuals >= 70 && deleted.evaluations > 0);
    assert_int_equal(fixture_pareto(&fixture, status, NULL, NULL), 4);
    control("cancel", high, NULL, &s, &arena);
    const char *const resume[] = {"resume", NULL};
    assert_int_equal(fixture_pareto(&fixture, resume, NULL, NULL), 4); /* it is final */
    dse_arena_fini(&arena);
}

/* ---- strangers ---- */

static void assert_serving(void) {
    const char *const args[] = {"ping", NULL};
    assert_int_equal(fixture_pareto(&fixture, args, NULL, NULL), 0);
}

static void a_line_without_end_is_refused_and_the_others_are_served(void **state) {
    (void)state;
    static char block[1 << 16];
    char answer[512];
    int fd = connect_to(fixture.socket);
    memset(block, 'x', sizeof block);
    size_t sent = 0;
    ssize_t put;
    while (sent < (size_t)100 << 20 && (put = send(fd, block, sizeof block, MSG_NOSIGNAL)) > 0)
        sent += (size_t)put;
    assert_true(sent < (size_t)100 << 20); /* the daemon hung up */
    ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
    if (got > 0) {
        answer[got] = '\0';
        assert_non_null(strstr(answer, "longer than 1048576 bytes"));
    }
    (void)close(fd);
    assert_serving();
}

static void rubbish_is_answered_with_an_error_each_line(void **state) {
    (void)state;
    static const char rubbish[] =
        "hello\n"
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"frnt\",\"params\":{}}\n"
        "[1,2]\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"status\",\"params\":{}}\n";
    static const char *const codes[] = {"-32700", "-32601", "-32600", "-32602"};
    char text[8192];
    size_t size = 0;
    int fd = connect_to(fixture.socket);
    assert_int_equal(send(fd, rubbish, sizeof rubbish - 1, MSG_NOSIGNAL), sizeof rubbish - 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (ssize_t got; (got = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0;)
        size += (size_t)got;
    text[size] = '\0';
    const char *at = text;
    for (size_t i = 0; i < 4; i++) {
        const char *end = strchr(at, '\n');
        const char *code = strstr(at, codes[i]);
        assert_true(end != NULL && code != NULL && code < end);
        at = end + 1;
    }
    (void)close(fd);
    assert_serving();
}

static void half_a_request_and_many_idle_clients_keep_nobody_waiting(void **state) {
    (void)state;
    enum { CLIENTS = 200 };
    static int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_to(fixture.socket);
        assert_int_equal(send(fds[i], "{\"json", 6, MSG_NOSIGNAL), 6);
    }
    assert_serving();
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    assert_serving();
}

/* Resident memory of the daemon in MiB. */
static long daemon_mib(void) {
    char path[64], text[128];
    long size = 0, resident = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)fixture.pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    assert_int_equal(sscanf(text, "%ld %ld", &size, &resident), 2);
    (void)fclose(file);
    return resident * sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* Sends requests until the daemon takes no more for half a second. */
static size_t flood(int fd, const char *request, size_t most) {
    struct timeval patience = {.tv_usec = 500000};
    size_t length = strlen(request), sent = 0;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    for (ssize_t put; sent < most && (put = send(fd, request, length, MSG_NOSIGNAL)) > 0;)
        sent += (size_t)put;
    return sent;
}

/* The sanitizers keep freed memory for a while. */
#ifdef DSE_SANITIZED
enum { KEPT_BY_SANITIZERS_MIB = 512 };
#else
enum { KEPT_BY_SANITIZERS_MIB = 0 };
#endif

static void clients_that_never_read_cost_little_and_keep_nobody_waiting(void **state) {
    (void)state;
    enum { CLIENTS = 20, MOST = 4 << 20 };
    static const char request[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"front\",\"params\":{\"sweep\":1}}\n";
    int fds[CLIENTS];
    long before = daemon_mib();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_to(fixture.socket);
        assert_true(flood(fds[i], request, MOST) < MOST);
    }
    assert_serving();
    /* 1 MiB of answers and a bit of requests */
    assert_true(daemon_mib() - before < 3 * CLIENTS + KEPT_BY_SANITIZERS_MIB);
    /* The first one changes its mind: everything it asked for is answered. */
    char block[65536];
    ssize_t got = recv(fds[0], block, sizeof block, 0);
    assert_true(got > 0);
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    assert_serving();
}

static void five_hundred_clients_are_served_at_once(void **state) {
    (void)state;
    enum { CLIENTS = 500 };
    static int fds[CLIENTS];
    static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"hello\"}\n";
    char answer[1024];
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = connect_to(fixture.socket);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(send(fds[i], hello, sizeof hello - 1, MSG_NOSIGNAL), sizeof hello - 1);
    for (int i = 0; i < CLIENTS; i++) {
        ssize_t got = recv(fds[i], answer, sizeof answer - 1, 0);
        assert_true(got > 0);
        answer[got] = '\0';
        assert_non_null(strstr(answer, "\"id\":7,\"result\""));
    }
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
    assert_serving();
}

/* The workload of the fixture on a file of 64 GiB (of nothing, so that it takes no room), which
 * takes minutes to hash. */
static void request_large_data(struct dse_buf *request) {
    enum { LARGE_GIB = 64 };
    char path[400];
    struct dse_buf text = {0};
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/larger.idx", fixture.dir);
    assert_ok(dse_file_replace(path, "", 0, &err), &err);
    assert_int_equal(truncate(path, (off_t)LARGE_GIB << 30), 0);
    assert_ok(dse_file_read(workload, 1 << 20, &text, &err), &err);
    char *name = strstr(dse_buf_text(&text), "images.idx");
    assert_non_null(name);
    memcpy(name, "larger.idx", strlen("larger.idx"));
    const struct dse_msg_workload_text submission = {
        .text = text.data, .file = "large.yaml", .base_dir = fixture.dir};
    dse_buf_puts(request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submit\",\"params\":");
    assert_ok(dse_record_encode(DSE_RECORD_workload_text, &submission, request, &err), &err);
    dse_buf_puts(request, "}\n");
    dse_buf_fini(&text);
}

/* The last of all: the daemon is ended while it hashes. */
static void large_data_keeps_nobody_waiting(void **state) {
    (void)state;
    char answer[1024], path[400];
    struct dse_buf request = {0};
    request_large_data(&request);
    dse_buf_puts(&request, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hello\"}\n");
    int fd = connect_to(fixture.socket);
    assert_int_equal(send(fd, request.data, request.size, MSG_NOSIGNAL), request.size);
    ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
    assert_true(got > 0);
    answer[got] = '\0';
    assert_non_null(strstr(answer, "\"id\":2,\"result\""));
    assert_null(strstr(answer, "\"id\":1,"));
    assert_serving();
    assert_int_equal(kill(fixture.pid, SIGTERM), 0);
    got = recv(fd, answer, sizeof answer - 1, 0);
    assert_true(got > 0);
    answer[got] = '\0';
    assert_non_null(strstr(answer, "\"id\":1,\"error\""));
    assert_non_null(strstr(answer, "the daemon is stopping"));
    assert_int_equal(fixture_wait(&fixture), 0);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/larger.idx", fixture.dir);
    assert_int_equal(unlink(path), 0);
    dse_buf_fini(&request);
}

static void the_socket_and_the_database_are_private(void **state) {
    (void)state;
    struct stat st;
    char path[400];
    assert_int_equal(stat(fixture.socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof path, "%s/pareto.db", fixture.state_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_counts_every_individual),
        cmocka_unit_test(the_front_is_what_its_members_show),
        cmocka_unit_test(a_front_can_be_asked_again_for_other_metrics),
        cmocka_unit_test(a_front_of_what_is_not_there_is_refused),
        cmocka_unit_test(every_individual_is_exported_once),
        cmocka_unit_test(an_export_is_whole_or_not_there),
        cmocka_unit_test(a_page_has_at_most_what_was_asked_for),
        cmocka_unit_test(unknown_things_are_not_found),
        cmocka_unit_test(a_cancelled_sweep_keeps_what_it_found_and_the_next_has_its_turn),
        cmocka_unit_test(paused_sweeps_wait_and_greater_priorities_come_first),
        cmocka_unit_test(a_line_without_end_is_refused_and_the_others_are_served),
        cmocka_unit_test(rubbish_is_answered_with_an_error_each_line),
        cmocka_unit_test(half_a_request_and_many_idle_clients_keep_nobody_waiting),
        cmocka_unit_test(clients_that_never_read_cost_little_and_keep_nobody_waiting),
        cmocka_unit_test(five_hundred_clients_are_served_at_once),
        cmocka_unit_test(the_socket_and_the_database_are_private),
        cmocka_unit_test(large_data_keeps_nobody_waiting),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
