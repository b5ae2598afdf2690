/* daemon/PROTOCOL.md is what the tables say. With the argument "update" the document is rewritten
 * instead. */
#include "tests/lib/testing.h"

#include "protocol/protocol.h"

#define DOCUMENT DSE_SOURCE_DIR "/daemon/PROTOCOL.md"
#define BEGIN    "<!-- made from protocol/records.h: begin -->\n"
#define END      "<!-- made from protocol/records.h: end -->\n"

/* The document with its generated part made anew; *made is where that part lies in it. */
static void make_document(const char *old, struct dse_buf *out) {
    struct dse_err err = {0};
    const char *begin = strstr(old, BEGIN);
    const char *end = strstr(old, END);
    assert_non_null(begin);
    assert_non_null(end);
    dse_buf_append(out, old, (size_t)(begin - old) + strlen(BEGIN));
    dse_buf_puts(out, "\n");
    assert_ok(dse_protocol_describe(out, &err), &err);
    dse_buf_puts(out, "\n");
    dse_buf_puts(out, end);
    assert_ok(dse_buf_status(out, &err), &err);
}

static void read_document(struct dse_buf *out) {
    struct dse_err err = {0};
    assert_ok(dse_file_read(DOCUMENT, 1 << 20, out, &err), &err);
}

static void document_equals_the_tables(void **state) {
    (void)state;
    struct dse_buf committed = {0}, made = {0};
    read_document(&committed);
    make_document(dse_buf_text(&committed), &made);
    if (strcmp(dse_buf_text(&committed), dse_buf_text(&made)) != 0)
        fail_msg("%s is not what protocol/records.h says; run this program with the argument "
                 "update",
                 DOCUMENT);
    dse_buf_fini(&committed);
    dse_buf_fini(&made);
}

/* The comparison above would also hold for an empty description. */
static void description_has_every_name_and_field(void **state) {
    (void)state;
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(dse_protocol_describe(&text, &err), &err);
#define HAS(words) assert_non_null(strstr(dse_buf_text(&text), words));
#define X(method, params, result, help) \
    HAS("| `" #method "` | [" #params "](#" #params ") | [" #result "](#" #result ") | " help " |")
    DSE_METHOD_TABLE(X)
#undef X
#define X(name, record, from, help) HAS("| `" #name "` | ")
    DSE_WORKER_MESSAGE_TABLE(X)
#undef X
#define F(presence, kind, type, name, help) HAS("| `" #name "` | ") HAS(" | " help " |\n")
#define X(record)                           HAS("\n### " #record "\n") DSE_FIELDS_##record(F)
    DSE_RECORD_TABLE(X)
#undef X
    HAS("| -32003 | USAGE | 2 | wrong use of a command |\n")
    HAS("| -32601 | PROTOCOL | 9 | no method has this name |\n")
    HAS("| `members` | array of [individual](#individual) | yes | members, sorted by the")
    HAS("| `severities` | array of integers | no |")
    dse_buf_fini(&text);
}

/* Every line of the examples is accepted, and an error's code is that of its status. */
static void examples_are_what_they_claim(void **state) {
    (void)state;
    struct dse_buf text = {0};
    struct dse_arena arena = {0};
    struct dse_rpc_request request = {.method = DSE_METHOD_COUNT};
    int n_requests = 0, n_replies = 0, n_messages = 0, n_events = 0;
    read_document(&text);
    char *rest = text.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        struct dse_err err = {0};
        int code;
        if (strncmp(line, "    > ", 6) == 0) {
            assert_ok(
                dse_rpc_read_request(line + 6, strlen(line + 6), &arena, &request, &code, &err),
                &err);
            n_requests++;
        } else if (strncmp(line, "    < ", 6) == 0) {
            struct dse_rpc_reply reply;
            assert_ok(dse_rpc_read_reply(line + 6, strlen(line + 6), request.method, &arena, &reply,
                                         &err),
                      &err);
            assert_int_equal(reply.id, request.id);
            const char *status = strstr(line, "\"status\":\"");
            if (reply.kind == DSE_RPC_ERROR)
                assert_int_equal(strncmp(status + 10, dse_status_name(reply.status),
                                         strlen(dse_status_name(reply.status))),
                                 0);
            n_replies++;
        } else if (strncmp(line, "    {\"time\"", 11) == 0) {
            struct dse_log_line event;
            assert_ok(dse_log_line_read(line, strlen(line), &arena, &event, &err), &err);
            n_events++;
        } else if (strncmp(line, "    {", 5) == 0) {
            enum dse_worker_message message;
            const void *record;
            assert_ok(dse_worker_read(line, strlen(line), &arena, &message, &record, &err), &err);
            n_messages++;
        }
    }
    assert_true(n_requests >= 2 && n_replies >= 2 && n_messages >= 1 && n_events >= 1);
    dse_arena_fini(&arena);
    dse_buf_fini(&text);
}

/* A "|" in a help text would break its table. */
static void help_texts_fit_a_table(void **state) {
    (void)state;
    for (int i = 0; i < DSE_RECORD_COUNT; i++) {
        int n;
        const struct dse_field_info *fields = dse_record_fields((enum dse_record)i, &n);
        for (int j = 0; j < n; j++) {
            assert_null(strpbrk(fields[j].help, "|\n"));
            assert_true(strlen(fields[j].help) > 0);
            assert_string_not_equal(fields[j].name, "message"); /* of worker messages */
        }
    }
}

static int update_document(void) {
    struct dse_buf old = {0}, made = {0};
    read_document(&old);
    make_document(dse_buf_text(&old), &made);
    FILE *file = fopen(DOCUMENT, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(made.data, 1, made.size, file), made.size);
    assert_int_equal(fclose(file), 0);
    dse_buf_fini(&old);
    dse_buf_fini(&made);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "update") == 0)
        return update_document();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_equals_the_tables),
        cmocka_unit_test(description_has_every_name_and_field),
        cmocka_unit_test(examples_are_what_they_claim),
        cmocka_unit_test(help_texts_fit_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
