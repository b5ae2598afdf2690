/* The front in parts, from a daemon whose sweep goes on meanwhile. */
#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/daemon_fixture.h"

static struct daemon_fixture fixture;
static FILE *connection;

static const char *const options[] = {"--workers", "2", "--log-level", "error", NULL};

/* exploration: its keys; whole generations at a time. */
static void begin(const char *problem, const char *exploration) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[300];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof path, "%s/w.yaml", fixture.dir);
    dse_buf_printf(&text,
                   "name: parts\nproblem: {type: %s}\nexploration: {%s}\n"
                   "execution: {group: 1000}\n",
                   problem, exploration);
    assert_ok(dse_file_replace(path, text.data, text.size, &err), &err);
    dse_buf_fini(&text);
    fixture_start(&fixture, options);
    assert_int_equal(fixture_submit(&fixture, path), 1);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fixture.socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    connection = fdopen(fd, "r+e");
    assert_non_null(connection);
}

static void end(void) {
    assert_int_equal(fclose(connection), 0);
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    fixture_fini(&fixture);
}

/* The answer lives in the arena. */
static struct dse_rpc_reply ask(const struct dse_msg_front_query *query, struct dse_arena *arena) {
    struct dse_buf request = {0};
    struct dse_err err = {0};
    struct dse_rpc_reply reply;
    char *line = NULL;
    size_t capacity = 0;
    assert_ok(dse_rpc_write_request(1, DSE_METHOD_front, query, &request, &err), &err);
    assert_int_equal(fwrite(request.data, 1, request.size, connection), request.size);
    assert_int_equal(fflush(connection), 0);
    ssize_t length = getline(&line, &capacity, connection);
    assert_true(length > 0);
    assert_ok(dse_rpc_read_reply(line, (size_t)length - 1, DSE_METHOD_front, arena, &reply, &err),
              &err);
    free(line);
    dse_buf_fini(&request);
    return reply;
}

static const struct dse_msg_front *ask_well(const struct dse_msg_front_query *query,
                                            struct dse_arena *arena) {
    struct dse_rpc_reply reply = ask(query, arena);
    assert_int_equal(reply.kind, DSE_RPC_RESULT);
    return reply.result;
}

static bool comes_before(const struct dse_msg_individual *x, const struct dse_msg_individual *y) {
    for (int k = 0; k < x->objectives_n; k++)
        if (x->objectives[k] != y->objectives[k])
            return x->objectives[k] < y->objectives[k];
    return x->generation != y->generation ? x->generation < y->generation : x->slot < y->slot;
}

enum { MEMBERS_MOST = 5000 };
static struct dse_msg_individual members[MEMBERS_MOST];

/* All parts of that size, in order; the first of their members to members[]. How many members there
 * are: the front may grow while it is read. */
static int read_parts(int64_t size, struct dse_arena *arena) {
    struct dse_msg_front_query query = {.sweep = 1, .limit = size};
    const struct dse_msg_individual *before = NULL;
    int n = 0;
    do {
        const struct dse_msg_front *part = ask_well(&query, arena);
        assert_true(part->members_n <= size && part->total >= part->members_n);
        assert_true(part->members_n == size || part->next == NULL);
        for (int i = 0; i < part->members_n; i++, n++) {
            assert_true(n == 0 || comes_before(before, &part->members[i]));
            before = &part->members[i];
            if (n < MEMBERS_MOST)
                members[n] = *before;
        }
        query.after = part->next;
    } while (query.after != NULL);
    return n;
}

static void parts_come_in_order_while_the_sweep_goes_on(void **state) {
    (void)state;
    char sweep_state[32];
    begin("zdt1", "population: 40, generations: 100000");
    for (int round = 1; round <= 20; round++) {
        struct dse_arena arena = {0};
        assert_true(fixture_watch(&fixture, 1, round * 100, sweep_state, sizeof sweep_state));
        assert_string_equal(sweep_state, "running");
        assert_true(read_parts(100, &arena) > 0);
        dse_arena_fini(&arena);
    }
    end();
}

static void assert_same_member(const struct dse_msg_individual *x,
                               const struct dse_msg_individual *y) {
    assert_true(x->generation == y->generation && x->slot == y->slot);
    assert_string_equal(x->genome, y->genome);
}

static void parts_together_are_the_front(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    char sweep_state[32];
    begin("zdt1", "population: 40, generations: 60");
    assert_true(fixture_watch(&fixture, 1, INT64_MAX, sweep_state, sizeof sweep_state));
    const struct dse_msg_front_query whole = {.sweep = 1};
    const struct dse_msg_front *front = ask_well(&whole, &arena);
    assert_in_range(front->members_n, 51, MEMBERS_MOST);
    assert_null(front->next);
    assert_int_equal(front->total, front->members_n);
    assert_int_equal(front->sweep->front_size, front->members_n);
    static const int sizes[] = {1, 7, 50, 100000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        assert_int_equal(read_parts(sizes[s], &arena), front->members_n);
        for (int i = 0; i < front->members_n; i++)
            assert_same_member(&members[i], &front->members[i]);
    }
    const struct dse_msg_front_query few = {.sweep = 1, .spread = 5};
    const struct dse_msg_front *spread = ask_well(&few, &arena);
    assert_int_equal(spread->members_n, 5);
    assert_int_equal(spread->total, front->members_n);
    assert_null(spread->next);
    for (int i = 0; i < 5; i++)
        assert_same_member(&spread->members[i], &front->members[i * (front->members_n - 1) / 4]);
    dse_arena_fini(&arena);
    end();
}

static void wrong_places_are_errors(void **state) {
    (void)state;
    static const struct {
        struct dse_msg_front_query query;
        const char *text;
    } cases[] = {
        {{.sweep = 1, .limit = -1}, "there is no part of -1 members"},
        {{.sweep = 1, .spread = -5}, "there is no part of -5 members"},
        {{.sweep = 1, .spread = 5, .limit = 5}, "come without limit and after"},
        {{.sweep = 1, .after = "somebody"}, "'somebody' is no individual"},
        {{.sweep = 1, .after = "1.2.3"}, "'1.2.3' is no individual"},
        {{.sweep = 1, .after = "900.0"}, "there is no individual 900/0"},
        {{.sweep = 9, .after = "0.0"}, "there is no sweep 9"},
    };
    char sweep_state[32];
    begin("zdt1", "population: 10, generations: 2");
    assert_true(fixture_watch(&fixture, 1, INT64_MAX, sweep_state, sizeof sweep_state));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_rpc_reply reply = ask(&cases[i].query, &arena);
        assert_int_equal(reply.kind, DSE_RPC_ERROR);
        if (strstr(reply.message, cases[i].text) == NULL)
            fail_msg("\"%s\" does not say: %s", reply.message, cases[i].text);
        dse_arena_fini(&arena);
    }
    end();
}

/* The client gathers what comes in parts: the JSON of a front with more members than one has. */
static void the_client_gathers_all_parts(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_buf json = {0}, table = {0};
    struct dse_err err = {0};
    struct dse_msg_front front;
    char sweep_state[32];
    begin("zdt1", "population: 600, generations: 60");
    assert_true(fixture_watch(&fixture, 1, INT64_MAX, sweep_state, sizeof sweep_state));
    const char *const ask_json[] = {"--json", "front", NULL}, *const all[] = {"front", "--all",
                                                                              NULL};
    assert_int_equal(fixture_pareto(&fixture, ask_json, &json, NULL), 0);
    assert_int_equal(json.data[json.size - 1], '\n');
    assert_ok(dse_record_decode(DSE_RECORD_front, json.data, json.size - 1, &arena, &front, &err),
              &err);
    assert_true(front.members_n > 1000); /* of the answers' most */
    assert_int_equal(front.members_n, front.sweep->front_size);
    assert_int_equal(front.members_n, front.total);
    for (int i = 1; i < front.members_n; i++)
        assert_true(comes_before(&front.members[i - 1], &front.members[i]));
    assert_int_equal(fixture_pareto(&fixture, all, &table, NULL), 0);
    int lines = 0;
    for (size_t i = 0; i < table.size; i++)
        lines += table.data[i] == '\n';
    assert_in_range(lines, front.members_n, front.members_n + 10);
    dse_buf_fini(&json);
    dse_buf_fini(&table);
    dse_arena_fini(&arena);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_in_order_while_the_sweep_goes_on),
        cmocka_unit_test(parts_together_are_the_front),
        cmocka_unit_test(wrong_places_are_errors),
        cmocka_unit_test(the_client_gathers_all_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
