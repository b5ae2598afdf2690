/* JSON-RPC and worker messages: exact lines, every refusal with its code and text, limits. */
#include "tests/lib/testing.h"

#include "protocol/protocol.h"

static void requests_are_written_and_read(void **state) {
    (void)state;
    struct dse_msg_individual_id params = {.sweep = 3, .generation = -1, .slot = 0};
    struct dse_buf line = {0};
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_rpc_request request;
    int code = 0;
    assert_ok(dse_rpc_write_request(12, DSE_METHOD_show, &params, &line, &err), &err);
    assert_string_equal(line.data, "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"show\",\"params\":"
                                   "{\"sweep\":3,\"generation\":-1,\"slot\":0}}\n");
    assert_ok(dse_rpc_read_request(line.data, line.size, &arena, &request, &code, &err), &err);
    assert_int_equal(request.id, 12);
    assert_int_equal(request.method, DSE_METHOD_show);
    const struct dse_msg_individual_id *read = request.params;
    assert_int_equal(read->sweep, 3);
    assert_int_equal(read->generation, -1);
    dse_buf_fini(&line);
    dse_arena_fini(&arena);
}

static void params_may_be_absent_where_nothing_is_required(void **state) {
    (void)state;
    static const char line[] = "{\"method\":\"list\",\"id\":0,\"jsonrpc\":\"2.0\",\"x\":[]}";
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_rpc_request request;
    int code = 0;
    assert_ok(dse_rpc_read_request(line, strlen(line), &arena, &request, &code, &err), &err);
    assert_int_equal(request.method, DSE_METHOD_list);
    assert_int_equal(request.id, 0);
    assert_non_null(request.params);
    dse_arena_fini(&arena);
}

static void bad_requests_are_refused_with_code_and_text(void **state) {
    (void)state;
#define HEAD "{\"jsonrpc\":\"2.0\",\"id\":5,"
#define KNOWN \
    "known are hello, plan, submit, list, status, workload, watch, front, show, individuals, recipe, retrained, retrainings, pause, resume, priority, delete, workers, cancel, dump"
    static const struct {
        const char *line;
        int code, id;
        const char *text;
    } cases[] = {
        {"hello", -32700, -1, "not JSON: '[' or '{' expected near 'hello' (byte 5)"},
        {"7", -32700, -1, "not JSON: '[' or '{' expected near '7' (byte 1)"},
        {"{\"jsonrpc\":\"2.0\"", -32700, -1, "not JSON: '}' expected near end of file (byte 16)"},
        {"[]", -32600, -1, "batches are not supported"},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\"}]", -32600, -1,
         "batches are not supported"},
        {"{}", -32600, -1, "jsonrpc: expected \"2.0\""},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"list\"}", -32600, -1, "jsonrpc: expected \"2.0\""},
        {"{\"jsonrpc\":\"1.0\",\"id\":1}", -32600, -1, "jsonrpc: expected \"2.0\""},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"list\"}", -32600, -1,
         "id: missing; every request has an integer as id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"list\"}", -32600, -1,
         "id: expected an integer"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"list\"}", -32600, -1,
         "id: expected an integer"},
        {"{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"list\"}", -32600, -1,
         "id: expected an integer from 0"},
        {"{\"jsonrpc\":\"2.0\",\"id\":9223372036854775808,\"method\":\"list\"}", -32600, -1,
         "id: does not fit a 64-bit integer"},
        {HEAD "\"params\":{}}", -32600, 5, "method: missing"},
        {HEAD "\"method\":[]}", -32600, 5, "method: expected a string"},
        {HEAD "\"method\":\"statsu\"}", -32601, 5,
         "no method is called \"statsu\" (did you mean \"status\"?); " KNOWN},
        {HEAD "\"method\":\"shutdown\"}", -32601, 5, "no method is called \"shutdown\"; " KNOWN},
        {HEAD "\"method\":\"status\"}", -32602, 5, "params.sweep: missing"},
        {HEAD "\"method\":\"status\",\"params\":[3]}", -32602, 5, "params: expected an object"},
        {HEAD "\"method\":\"status\",\"params\":{\"sweep\":\"3\"}}", -32602, 5,
         "params.sweep: expected an integer"},
        {HEAD "\"method\":\"status\",\"params\":{\"sweep\":3.5}}", -32602, 5,
         "params.sweep: expected an integer"},
        {HEAD "\"method\":\"status\",\"params\":{\"sweep\":9223372036854775808}}", -32602, 5,
         "params.sweep: does not fit a 64-bit integer"},
        {HEAD "\"method\":\"list\",\"later\":99999999999999999999}", -32602, 5,
         "an integer does not fit 64 bits"},
        {HEAD "\"method\":\"list\",\"id\":6}", -32700, -1,
         "not JSON: duplicate object key near '\"id\"' (byte 44)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_err err = {0};
        struct dse_rpc_request request = {.id = 77, .method = DSE_METHOD_watch};
        int code = 0;
        assert_int_equal(dse_rpc_read_request(cases[i].line, strlen(cases[i].line), &arena,
                                              &request, &code, &err),
                         DSE_PROTOCOL);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(request.id, cases[i].id);
        assert_int_equal(request.method, DSE_METHOD_watch);
        assert_null(request.params);
        dse_arena_fini(&arena);
    }
}

/* A submit line of exactly `size` bytes with its newline. */
static void make_submit(size_t size, struct dse_buf *line, enum dse_status expected,
                        struct dse_err *err) {
    struct dse_msg_workload_text params = {.text = "", .file = "w.yaml", .base_dir = "/"};
    assert_ok(dse_rpc_write_request(1, DSE_METHOD_submit, &params, line, err), err);
    size_t padding = size - line->size;
    char *text = dse_alloc(padding + 1, 1);
    assert_non_null(text);
    memset(text, 'x', padding);
    params.text = text;
    dse_buf_reset(line);
    assert_int_equal(dse_rpc_write_request(1, DSE_METHOD_submit, &params, line, err), expected);
    dse_free(text);
}

static void lines_up_to_the_limit_are_accepted(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_buf line = {0};
    struct dse_err err = {0};
    struct dse_rpc_request request;
    int code = 0;
    make_submit(DSE_CLIENT_LINE_MAX, &line, DSE_OK, &err);
    assert_int_equal(line.size, DSE_CLIENT_LINE_MAX);
    assert_ok(dse_rpc_read_request(line.data, line.size, &arena, &request, &code, &err), &err);
    const struct dse_msg_workload_text *params = request.params;
    assert_true(strlen(params->text) > DSE_CLIENT_LINE_MAX - 200);
    /* One byte more is refused by both sides. */
    dse_buf_puts(&line, " ");
    request.id = 0;
    assert_int_equal(dse_rpc_read_request(line.data, line.size, &arena, &request, &code, &err),
                     DSE_PROTOCOL);
    assert_string_equal(err.text, "not accepted: a message of 1048577 bytes; the limit is 1048576");
    assert_int_equal(code, -32700);
    assert_int_equal(request.id, -1);
    err = (struct dse_err){0};
    dse_buf_reset(&line);
    make_submit(DSE_CLIENT_LINE_MAX + 1, &line, DSE_INVALID, &err);
    assert_string_equal(err.text,
                        "the message is 1048577 bytes long; at most 1048576 are accepted");
    assert_int_equal(line.size, 0);
    dse_arena_fini(&arena);
    dse_buf_fini(&line);
}

static const struct dse_msg_sweep a_sweep = {.sweep = 4,
                                             .name = "resnet8",
                                             .state = "running",
                                             .reason = "",
                                             .content_hash = "ab",
                                             .generations = 10,
                                             .remaining_s = -1,
                                             .phase = "search"};

static void results_are_written_and_read(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_buf line = {0};
    struct dse_err err = {0};
    struct dse_rpc_reply reply;
    assert_ok(dse_rpc_write_result(9, DSE_METHOD_status, &a_sweep, &line, &err), &err);
    assert_int_equal(line.data[line.size - 1], '\n');
    assert_ok(dse_rpc_read_reply(line.data, line.size, DSE_METHOD_status, &arena, &reply, &err),
              &err);
    assert_int_equal(reply.kind, DSE_RPC_RESULT);
    assert_int_equal(reply.id, 9);
    const struct dse_msg_sweep *sweep = reply.result;
    assert_string_equal(sweep->name, "resnet8");
    assert_true(sweep->remaining_s == -1);
    assert_non_null(strstr(reply.result_json, "{\"sweep\":4,\"name\":\"resnet8\","));
    assert_null(strchr(reply.result_json, '\n'));
    /* Fields of a newer daemon reach --json. */
    static const char newer[] =
        "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {\"sweeps\": [], \"b\": 0.1, \"a\": \"\\n\"}}";
    assert_ok(dse_rpc_read_reply(newer, strlen(newer), DSE_METHOD_list, &arena, &reply, &err),
              &err);
    assert_string_equal(reply.result_json,
                        "{\"sweeps\":[],\"b\":0.10000000000000001,\"a\":\"\\n\"}");
    dse_arena_fini(&arena);
    dse_buf_fini(&line);
}

static void progress_is_written_and_read(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_buf line = {0};
    struct dse_err err = {0};
    struct dse_rpc_reply reply;
    assert_ok(dse_rpc_write_progress(&a_sweep, &line, &err), &err);
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"sweep\":4,";
    assert_int_equal(strncmp(line.data, head, strlen(head)), 0);
    assert_ok(dse_rpc_read_reply(line.data, line.size, DSE_METHOD_watch, &arena, &reply, &err),
              &err);
    assert_int_equal(reply.kind, DSE_RPC_PROGRESS);
    assert_string_equal(reply.progress->phase, "search");
    assert_non_null(strstr(reply.result_json, "\"phase\":\"search\"}"));
    dse_arena_fini(&arena);
    dse_buf_fini(&line);
}

static void error_replies_are_written_and_read(void **state) {
    (void)state;
    static const char *const errors[] = {"w.yaml:3:5: no", "w.yaml:4:1: neither"};
    struct dse_arena arena = {0};
    struct dse_buf line = {0};
    struct dse_err why = {0}, err = {0};
    struct dse_rpc_reply reply;
    (void)dse_err_set_at(&why, DSE_INVALID, "w.yaml", 3, 5, "no");
    assert_ok(dse_rpc_write_error(2, dse_rpc_code_of(DSE_INVALID), &why, errors, 2, &line, &err),
              &err);
    assert_string_equal(line.data,
                        "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32004,"
                        "\"message\":\"w.yaml:3:5: no\",\"data\":{\"status\":\"INVALID\","
                        "\"errors\":[\"w.yaml:3:5: no\",\"w.yaml:4:1: neither\"]}}}\n");
    assert_ok(dse_rpc_read_reply(line.data, line.size, DSE_METHOD_submit, &arena, &reply, &err),
              &err);
    assert_int_equal(reply.kind, DSE_RPC_ERROR);
    assert_int_equal(reply.id, 2);
    assert_int_equal(reply.status, DSE_INVALID);
    assert_string_equal(reply.message, "w.yaml:3:5: no");
    assert_int_equal(reply.errors_n, 2);
    assert_string_equal(reply.errors[1], errors[1]);
    dse_buf_reset(&line);
    why = (struct dse_err){.code = DSE_PROTOCOL, .text = "not JSON"};
    assert_ok(dse_rpc_write_error(-1, DSE_RPC_NOT_JSON, &why, NULL, 0, &line, &err), &err);
    assert_string_equal(line.data,
                        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
                        "\"message\":\"not JSON\",\"data\":{\"status\":\"PROTOCOL\"}}}\n");
    assert_ok(dse_rpc_read_reply(line.data, line.size, DSE_METHOD_submit, &arena, &reply, &err),
              &err);
    assert_int_equal(reply.id, -1);
    assert_int_equal(reply.status, DSE_PROTOCOL);
    dse_arena_fini(&arena);
    dse_buf_fini(&line);
}

static void every_status_survives_an_error_reply(void **state) {
    (void)state;
    for (int status = DSE_OK + 1; status < DSE_STATUS_COUNT; status++) {
        struct dse_err why = {.code = (enum dse_status)status, .text = "why"}, err = {0};
        struct dse_arena arena = {0};
        struct dse_buf line = {0};
        struct dse_rpc_reply reply;
        assert_ok(dse_rpc_write_error(0, dse_rpc_code_of(why.code), &why, NULL, 0, &line, &err),
                  &err);
        assert_ok(dse_rpc_read_reply(line.data, line.size, DSE_METHOD_list, &arena, &reply, &err),
                  &err);
        assert_int_equal(reply.status, status);
        dse_arena_fini(&arena);
        dse_buf_fini(&line);
    }
}

static void bad_replies_are_refused(void **state) {
    (void)state;
#define REPLY "{\"jsonrpc\":\"2.0\",\"id\":1,"
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"[]", "batches are not supported"},
        {"{\"jsonrpc\":\"2.0\"}", "id: missing; every request has an integer as id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}", "id: expected an integer"},
        {REPLY "\"x\":1}", "result: missing, and there is no error"},
        {REPLY "\"result\":{}}", "result.sweeps: missing"},
        {REPLY "\"result\":{\"sweeps\":[{\"sweep\":1}]}}", "result.sweeps[0].name: missing"},
        {REPLY "\"error\":1}", "error: expected an object"},
        {REPLY "\"error\":{}}", "error.code: expected an integer"},
        {REPLY "\"error\":{\"code\":1}}", "error.message: expected a string"},
        {REPLY "\"error\":{\"code\":1,\"message\":\"\",\"data\":3}}",
         "error.data: expected an object"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"news\"}", "no event is called \"news\""},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"progress\"}", "params.sweep: missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_err err = {0};
        struct dse_rpc_reply reply = {.id = 77};
        assert_int_equal(dse_rpc_read_reply(cases[i].line, strlen(cases[i].line), DSE_METHOD_list,
                                            &arena, &reply, &err),
                         DSE_PROTOCOL);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(reply.id, 77);
        dse_arena_fini(&arena);
    }
}

static void worker_messages_are_written_and_read(void **state) {
    (void)state;
    static const int64_t bits[] = {8, 4};
    static const struct dse_msg_candidate candidates[] = {
        {.key = 6, .input_bits = bits, .input_bits_n = 2, .weight_bits = bits, .weight_bits_n = 2}};
    struct dse_msg_task task = {
        .task = 11, .hash = "ff", .shard = 2, .candidates = candidates, .candidates_n = 1};
    struct dse_arena arena = {0};
    struct dse_buf line = {0};
    struct dse_err err = {0};
    enum dse_worker_message message = DSE_WORKER_MESSAGE_COUNT;
    const void *record = NULL;
    assert_ok(dse_worker_write(DSE_WORKER_evaluate, &task, &line, &err), &err);
    assert_string_equal(line.data,
                        "{\"message\":\"evaluate\",\"task\":11,\"hash\":\"ff\",\"shard\":2,"
                        "\"candidates\":[{\"key\":6,\"input_bits\":[8,4],"
                        "\"weight_bits\":[8,4]}]}\n");
    assert_ok(dse_worker_read(line.data, line.size, &arena, &message, &record, &err), &err);
    assert_int_equal(message, DSE_WORKER_evaluate);
    const struct dse_msg_task *read = record;
    assert_int_equal(read->candidates[0].weight_bits[1], 4);
    dse_arena_fini(&arena);
    dse_buf_fini(&line);
}

static void bad_worker_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"Segmentation fault", "not JSON: '[' or '{' expected near 'Segmentation' (byte 12)"},
        {"[]", "expected an object"},
        {"{}", "message: missing"},
        {"{\"message\":7}", "message: expected a string"},
        {"{\"message\":\"open the door\"}", "no worker message is called \"open the door\""},
        {"{\"message\":\"beat\",\"phase\":\"\",\"done\":1}", "beat.total: missing"},
        {"{\"message\":\"partials\",\"task\":1,\"results\":[{\"key\":1,\"tallies\":[1e3]}]}",
         "partials.results[0].tallies[0]: expected an integer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_err err = {0};
        enum dse_worker_message message = DSE_WORKER_MESSAGE_COUNT;
        const void *record = NULL;
        assert_int_equal(
            dse_worker_read(cases[i].line, strlen(cases[i].line), &arena, &message, &record, &err),
            DSE_PROTOCOL);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(message, DSE_WORKER_MESSAGE_COUNT);
        assert_null(record);
        dse_arena_fini(&arena);
    }
}

/* Every reader and writer with each allocation failed once. */
static void messages_survive_every_failed_allocation(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    enum dse_status status = DSE_NO_MEMORY;
    int failures = 0;
    for (; status == DSE_NO_MEMORY; failures++) {
        struct dse_arena arena = {0};
        struct dse_buf line = {0};
        struct dse_err err = {0};
        struct dse_rpc_reply reply = {.id = 77};
        dse_alloc_fail_at(failures);
        status = dse_rpc_write_result(3, DSE_METHOD_status, &a_sweep, &line, &err);
        if (status == DSE_OK)
            status =
                dse_rpc_read_reply(line.data, line.size, DSE_METHOD_status, &arena, &reply, &err);
        dse_alloc_fail_at(-1);
        assert_int_equal(reply.id, status == DSE_OK ? 3 : 77);
        dse_arena_fini(&arena);
        dse_buf_fini(&line);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_int_equal(status, DSE_OK);
    assert_true(failures > 4);
}

/* A daemon without memory for a request must not tell the client that the request was wrong. */
static void lack_of_memory_is_not_the_clients_fault(void **state) {
    (void)state;
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"list\"}";
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_rpc_request request;
    int code = 0;
    dse_alloc_fail_at(0);
    enum dse_status status =
        dse_rpc_read_request(line, strlen(line), &arena, &request, &code, &err);
    dse_alloc_fail_at(-1);
    assert_int_equal(status, DSE_NO_MEMORY);
    assert_int_equal(code, -32000 - DSE_NO_MEMORY);
    dse_arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written_and_read),
        cmocka_unit_test(params_may_be_absent_where_nothing_is_required),
        cmocka_unit_test(bad_requests_are_refused_with_code_and_text),
        cmocka_unit_test(lines_up_to_the_limit_are_accepted),
        cmocka_unit_test(results_are_written_and_read),
        cmocka_unit_test(progress_is_written_and_read),
        cmocka_unit_test(error_replies_are_written_and_read),
        cmocka_unit_test(every_status_survives_an_error_reply),
        cmocka_unit_test(bad_replies_are_refused),
        cmocka_unit_test(worker_messages_are_written_and_read),
        cmocka_unit_test(bad_worker_messages_are_refused),
        cmocka_unit_test(messages_survive_every_failed_allocation),
        cmocka_unit_test(lack_of_memory_is_not_the_clients_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
