/* Records: round trips with random contents, exact texts, refusals, memory. The random records and
 * their comparison are made here from the tables by macros of their own, so a wrong offset in the
 * room shows. */
#include "tests/lib/testing.h"

#include <math.h>

#include "protocol/protocol.h"

/* ---- random records and their comparison --------------------------------------------------- */

struct source {
    struct dse_rng rng;
    struct dse_arena arena;
};

static int64_t random_int(struct source *from) {
    uint64_t bits = ((uint64_t)dse_rng_u32(&from->rng) << 32) | dse_rng_u32(&from->rng);
    return (int64_t)(bits >> dse_rng_below(&from->rng, 64));
}

static double random_real(struct source *from) {
    static const double odd[] = {0.0, -0.0, 0.1, 1e308, 5e-324, 1e16, 12345678901234567.0, -3.0};
    uint32_t pick = dse_rng_below(&from->rng, 16);
    if (pick < 8)
        return odd[pick];
    if (pick == 8)
        return NAN;
    int64_t bits = random_int(from);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const char *random_text(struct source *from) {
    static const char *const pieces[] = {"a",      "Z",       "\"",           "\\",     "/",
                                         "\n",     "\t",      "\x01",         "\x1f",   "\x7f",
                                         "\u00e9", "\u20ac",  "\U0001f600",   "{}[]:,", "model",
                                         " ",      "\\u0041", "\xef\xbf\xbd", "\b\f\r", "null"};
    struct dse_buf text = {0};
    for (uint32_t n = dse_rng_below(&from->rng, 12); n > 0; n--)
        dse_buf_puts(&text, pieces[dse_rng_below(&from->rng, sizeof pieces / sizeof pieces[0])]);
    const char *copy = dse_arena_strdup(&from->arena, dse_buf_text(&text));
    assert_non_null(copy);
    dse_buf_fini(&text);
    return copy;
}

static bool random_bool(struct source *from) {
    return dse_rng_below(&from->rng, 2) == 1;
}

static bool same_real(double a, double b) {
    if (!isfinite(a))
        return isnan(b);
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

#define FILL_STR(type, name)  to->name = random_text(from);
#define FILL_INT(type, name)  to->name = random_int(from);
#define FILL_REAL(type, name) to->name = random_real(from);
#define FILL_BOOL(type, name) to->name = random_bool(from);
#define FILL_ARRAY(c_type, name, assign)                                           \
    {                                                                              \
        int n = (int)dse_rng_below(&from->rng, 4);                                 \
        c_type *values = dse_arena_alloc(&from->arena, (size_t)n, sizeof *values); \
        assert_non_null(values);                                                   \
        for (int i = 0; i < n; i++)                                                \
            assign;                                                                \
        to->name = values;                                                         \
        to->name##_n = n;                                                          \
    }
#define FILL_STRS(type, name)  FILL_ARRAY(const char *, name, values[i] = random_text(from))
#define FILL_INTS(type, name)  FILL_ARRAY(int64_t, name, values[i] = random_int(from))
#define FILL_REALS(type, name) FILL_ARRAY(double, name, values[i] = random_real(from))
#define FILL_REC(type, name)                                                            \
    {                                                                                   \
        struct dse_msg_##type *value = dse_arena_alloc(&from->arena, 1, sizeof *value); \
        assert_non_null(value);                                                         \
        fill_##type(from, value);                                                       \
        to->name = value;                                                               \
    }
#define FILL_RECS(type, name) FILL_ARRAY(struct dse_msg_##type, name, fill_##type(from, &values[i]))
#define ALWAYS_REQ            true
#define ALWAYS_OPT            false
#define FILL(presence, kind, type, name, help)    \
    if (ALWAYS_##presence || random_bool(from)) { \
        FILL_##kind(type, name)                   \
    }

#define SAME_STR(type, name)  same = same && same_text(a->name, b->name);
#define SAME_INT(type, name)  same = same && a->name == b->name;
#define SAME_REAL(type, name) same = same && same_real(a->name, b->name);
#define SAME_BOOL(type, name) same = same && a->name == b->name;
#define SAME_ARRAY(name, compare)                 \
    same = same && a->name##_n == b->name##_n;    \
    for (int i = 0; same && i < a->name##_n; i++) \
        same = compare;
#define SAME_STRS(type, name)  SAME_ARRAY(name, same_text(a->name[i], b->name[i]))
#define SAME_INTS(type, name)  SAME_ARRAY(name, a->name[i] == b->name[i])
#define SAME_REALS(type, name) SAME_ARRAY(name, same_real(a->name[i], b->name[i]))
#define SAME_REC(type, name)                                 \
    same = same && (a->name == NULL) == (b->name == NULL) && \
           (a->name == NULL || same_##type(a->name, b->name));
#define SAME_RECS(type, name)                  SAME_ARRAY(name, same_##type(&a->name[i], &b->name[i]))
#define SAME(presence, kind, type, name, help) SAME_##kind(type, name)

#define X(record)                                                                 \
    static void fill_##record(struct source *from, struct dse_msg_##record *to) { \
        (void)from;                                                               \
        *to = (struct dse_msg_##record){0};                                       \
        DSE_FIELDS_##record(FILL)                                                 \
    }                                                                             \
    static bool same_##record(const struct dse_msg_##record *a,                   \
                              const struct dse_msg_##record *b) {                 \
        bool same = true;                                                         \
        (void)a;                                                                  \
        (void)b;                                                                  \
        DSE_FIELDS_##record(SAME) return same;                                    \
    }
DSE_RECORD_TABLE(X)
#undef X

/* Encodes, decodes, compares, encodes again. */
#define X(record)                                                                                  \
    static void round_trip_##record(struct source *from) {                                         \
        struct dse_msg_##record sent, received;                                                    \
        struct dse_arena arena = {0};                                                              \
        struct dse_buf text = {0}, again = {0};                                                    \
        struct dse_err err = {0};                                                                  \
        fill_##record(from, &sent);                                                                \
        assert_ok(dse_record_encode(DSE_RECORD_##record, &sent, &text, &err), &err);               \
        assert_null(memchr(text.data, '\n', text.size));                                           \
        assert_ok(                                                                                 \
            dse_record_decode(DSE_RECORD_##record, text.data, text.size, &arena, &received, &err), \
            &err);                                                                                 \
        if (!same_##record(&sent, &received))                                                      \
            fail_msg("%s changed on its way: %s", #record, text.data);                             \
        assert_ok(dse_record_encode(DSE_RECORD_##record, &received, &again, &err), &err);          \
        assert_string_equal(text.data, again.data);                                                \
        dse_buf_fini(&text);                                                                       \
        dse_buf_fini(&again);                                                                      \
        dse_arena_fini(&arena);                                                                    \
    }
DSE_RECORD_TABLE(X)
#undef X

static void every_record_survives_a_round_trip(void **state) {
    (void)state;
    enum { ROUNDS = 100, SEED = 20240611 };
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct source from = {0};
        dse_rng_init(&from.rng, SEED, DSE_RNG_TEST, round, 0);
#define X(record) round_trip_##record(&from);
        DSE_RECORD_TABLE(X)
#undef X
        dse_arena_fini(&from.arena);
    }
}

/* ---- exact texts --------------------------------------------------------------------------- */

static void fields_stand_in_table_order(void **state) {
    (void)state;
    const double objectives[] = {0.5, -3, 1e300, INFINITY, 0.1};
    const int64_t bits[] = {8, 0, -1};
    struct dse_msg_individual individual = {
        .generation = -1,
        .slot = 9007199254740993, /* not a double */
        .state = "done",
        .reason = "tab\there \"\\\x01\x7f\u20ac",
        .genome = "",
        .objectives = objectives,
        .objectives_n = 5,
        .in_front = true,
        .weight_bits = bits,
        .weight_bits_n = 3,
    };
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(dse_record_encode(DSE_RECORD_individual, &individual, &text, &err), &err);
    assert_string_equal(text.data,
                        "{\"generation\":-1,\"slot\":9007199254740993,\"state\":\"done\","
                        "\"reason\":\"tab\\there \\\"\\\\\\u0001\x7f\u20ac\",\"genome\":\"\","
                        "\"objectives\":[0.5,-3.0,1e+300,null,0.1],"
                        "\"violation\":0.0,\"in_front\":true,\"weight_bits\":[8,0,-1]}");
    dse_buf_fini(&text);
}

static void bytes_that_are_not_utf8_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *json;
    } cases[] = {
        {"caf\xe9", "{\"path\":\"caf\ufffd\",\"sha256\":\"\"}"},
        {"\xff\xfe", "{\"path\":\"\ufffd\ufffd\",\"sha256\":\"\"}"},
        {"\xc0\x80", "{\"path\":\"\ufffd\ufffd\",\"sha256\":\"\"}"},           /* overlong */
        {"\xed\xa0\x80", "{\"path\":\"\ufffd\ufffd\ufffd\",\"sha256\":\"\"}"}, /* surrogate */
        {"\xf4\x90\x80\x80", "{\"path\":\"\ufffd\ufffd\ufffd\ufffd\",\"sha256\":\"\"}"},
        {"a\xe2\x82", "{\"path\":\"a\ufffd\ufffd\",\"sha256\":\"\"}"}, /* cut short */
        {"\xe2\x82\"", "{\"path\":\"\ufffd\ufffd\\\"\",\"sha256\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_msg_file_ref file = {.path = cases[i].bytes, .sha256 = ""};
        struct dse_msg_file_ref read;
        struct dse_arena arena = {0};
        struct dse_buf text = {0};
        struct dse_err err = {0};
        assert_ok(dse_record_encode(DSE_RECORD_file_ref, &file, &text, &err), &err);
        assert_string_equal(text.data, cases[i].json);
        assert_ok(dse_record_decode(DSE_RECORD_file_ref, text.data, text.size, &arena, &read, &err),
                  &err);
        dse_buf_fini(&text);
        dse_arena_fini(&arena);
    }
}

static void an_unset_text_is_refused_and_leaves_no_trace(void **state) {
    (void)state;
    struct dse_msg_objective objectives[] = {
        {.metric = "accuracy", .sense = "maximize", .unit = "1"},
        {.metric = "bops", .unit = "1"},
    };
    struct dse_msg_individual individual = {.state = "done",
                                            .reason = "",
                                            .genome = "",
                                            .objective_names = objectives,
                                            .objective_names_n = 2};
    struct dse_buf text = {0};
    struct dse_err err = {0};
    dse_buf_puts(&text, "before");
    assert_int_equal(dse_record_encode(DSE_RECORD_individual, &individual, &text, &err),
                     DSE_INTERNAL);
    assert_string_equal(err.text, "individual.objective_names: objective.sense: a text is not set");
    assert_string_equal(text.data, "before");
    assert_int_equal(text.size, 6);
    dse_buf_fini(&text);
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void refuse(enum dse_record which, const char *json, size_t length, const char *text) {
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    unsigned char record[512], before[sizeof record];
    memset(record, 0x5a, sizeof record);
    memcpy(before, record, sizeof record);
    assert_int_equal(dse_record_decode(which, json, length, &arena, record, &err), DSE_PROTOCOL);
    assert_string_equal(err.text, text);
    assert_memory_equal(record, before, sizeof record);
    dse_arena_fini(&arena);
}

static void refusals_name_the_field(void **state) {
    (void)state;
    static const struct {
        enum dse_record record;
        const char *json, *text;
    } cases[] = {
        {DSE_RECORD_sweep_id, "{}", "sweep_id.sweep: missing"},
        {DSE_RECORD_sweep_id, "[]", "sweep_id: expected an object"},
        {DSE_RECORD_sweep_id, "{\"sweep\":\"3\"}", "sweep_id.sweep: expected an integer"},
        {DSE_RECORD_sweep_id, "{\"sweep\":3.0}", "sweep_id.sweep: expected an integer"},
        {DSE_RECORD_sweep_id, "{\"sweep\":null}", "sweep_id.sweep: expected an integer"},
        {DSE_RECORD_sweep_id, "{\"sweep\":9223372036854775808}",
         "sweep_id.sweep: does not fit a 64-bit integer"},
        {DSE_RECORD_generation_id, "{\"sweep\":1,\"generation\":-9223372036854775809}",
         "generation_id.generation: does not fit a 64-bit integer"},
        {DSE_RECORD_sweep_id, "{\"sweep\":1,\"unknown\":99999999999999999999}",
         "an integer does not fit 64 bits"},
        {DSE_RECORD_file_ref, "{\"path\":7,\"sha256\":\"\"}", "file_ref.path: expected a string"},
        {DSE_RECORD_worker_beat, "{\"phase\":\"\",\"done\":true,\"total\":1}",
         "worker_beat.done: expected an integer"},
        {DSE_RECORD_cell_result, "{\"cell\":\"clean\",\"seen\":1,\"correct\":1,\"accuracy\":\"1\"}",
         "cell_result.accuracy: expected a number"},
        {DSE_RECORD_workload_text, "{\"text\":\"\",\"file\":\"\",\"base_dir\":\"\",\"reuse\":1}",
         "workload_text.reuse: expected true or false"},
        {DSE_RECORD_candidate, "{\"key\":1,\"input_bits\":[1,2,\"3\"]}",
         "candidate.input_bits[2]: expected an integer"},
        {DSE_RECORD_candidate, "{\"key\":1,\"input_bits\":{}}",
         "candidate.input_bits: expected an array of integers"},
        {DSE_RECORD_prepared,
         "{\"hash\":\"\",\"layers\":[],\"classes\":1,\"images\":1,"
         "\"shards\":1,\"cells\":\"clean\"}",
         "prepared.cells: expected an array of strings"},
        {DSE_RECORD_sweep_list, "{\"sweeps\":[1]}", "sweep_list.sweeps[0]: expected an object"},
        {DSE_RECORD_sweep_list, "{\"sweeps\":null}",
         "sweep_list.sweeps: expected an array of objects"},
        {DSE_RECORD_task,
         "{\"task\":1,\"hash\":\"\",\"shard\":0,\"candidates\":["
         "{\"key\":1,\"input_bits\":[],\"weight_bits\":[]},"
         "{\"key\":2,\"input_bits\":[],\"weight_bits\":[4,false]}]}",
         "task.candidates[1].weight_bits[1]: expected an integer"},
        {DSE_RECORD_context, "{\"hash\":\"\",\"model\":{\"path\":\"\"}}",
         "context.model.sha256: missing"},
        {DSE_RECORD_sweep_id, "{\"sweep\":1,\"sweep\":2}",
         "not JSON: duplicate object key near '\"sweep\"' (byte 18)"},
        {DSE_RECORD_sweep_id, "", "not JSON: '[' or '{' expected near end of file (byte 0)"},
        {DSE_RECORD_sweep_id, "{\"sweep\":1}x",
         "not JSON: end of file expected near 'x' (byte 12)"},
        {DSE_RECORD_sweep_id, "{\"sweep\":NaN}", "not JSON: invalid token near 'NaN' (byte 12)"},
        {DSE_RECORD_file_ref, "{\"path\":\"a\\u0000b\"}",
         "not accepted: \\u0000 in a string (byte 18)"},
        {DSE_RECORD_file_ref, "{\"path\":\"\xe9\"}",
         "not JSON: unable to decode byte 0xe9 near '\"' (byte 9)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i].record, cases[i].json, strlen(cases[i].json), cases[i].text);
    /* A 0 byte as it is, in a string and between tokens. */
    refuse(DSE_RECORD_file_ref, "{\"path\":\"a\0b\"}", 14,
           "not JSON: control character 0x0 near '\"a' (byte 10)");
}

static void unknown_fields_and_null_numbers_are_accepted(void **state) {
    (void)state;
    static const char json[] = " {\"later\":{\"a\":[1,{}]}, \"cell\":\"clean\",\"seen\":-0,"
                               "\"correct\":9223372036854775807,\"accuracy\":null,"
                               "\"low\":3,\"high\":1e-3}\r\n";
    struct dse_msg_cell_result cell;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    assert_ok(dse_record_decode(DSE_RECORD_cell_result, json, strlen(json), &arena, &cell, &err),
              &err);
    assert_string_equal(cell.cell, "clean");
    assert_int_equal(cell.seen, 0);
    assert_int_equal(cell.correct, INT64_MAX);
    assert_true(isnan(cell.accuracy));
    assert_true(cell.low == 3 && cell.high == 1e-3);
    dse_arena_fini(&arena);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void nesting_is_limited(void **state) {
    (void)state;
    for (int depth = 31; depth <= 33; depth++) {
        struct dse_arena arena = {0};
        struct dse_buf text = {0};
        struct dse_err err = {0};
        struct dse_msg_sweep_id id;
        dse_buf_puts(&text, "{\"text\":\"[[[{{{ \\\"[[[\",\"sweep\":1,\"deep\":");
        for (int i = 1; i < depth; i++)
            dse_buf_puts(&text, "[");
        for (int i = 1; i < depth; i++)
            dse_buf_puts(&text, "]");
        dse_buf_puts(&text, "}");
        enum dse_status status =
            dse_record_decode(DSE_RECORD_sweep_id, text.data, text.size, &arena, &id, &err);
        assert_int_equal(status, depth <= 32 ? DSE_OK : DSE_PROTOCOL);
        if (depth > 32)
            assert_string_equal(err.text, "not accepted: nested deeper than 32 (byte 72)");
        dse_arena_fini(&arena);
        dse_buf_fini(&text);
    }
    struct dse_buf deep = {0};
    for (int i = 0; i < 1000000; i++)
        dse_buf_puts(&deep, "[");
    refuse(DSE_RECORD_empty, deep.data, deep.size, "not accepted: nested deeper than 32 (byte 33)");
    dse_buf_fini(&deep);
}

/* ---- memory -------------------------------------------------------------------------------- */

/* Fails every allocation once: always NO_MEMORY, never a wrong record, nothing kept. */
static void decoding_survives_every_failed_allocation(void **state) {
    (void)state;
    struct source from = {0};
    struct dse_msg_front sent, received;
    struct dse_buf text = {0};
    struct dse_err err = {0};
    dse_rng_init(&from.rng, 5, DSE_RNG_TEST, 0, 0);
    do /* something large enough to need several chunks */
        fill_front(&from, &sent);
    while (sent.members_n < 3 || sent.baseline == NULL || sent.members[2].layers_n == 0);
    assert_ok(dse_record_encode(DSE_RECORD_front, &sent, &text, &err), &err);
    size_t live = dse_alloc_live();
    enum dse_status status = DSE_NO_MEMORY;
    int failures = 0;
    for (; status == DSE_NO_MEMORY; failures++) {
        struct dse_arena arena = {0};
        err = (struct dse_err){0};
        dse_alloc_fail_at(failures);
        status = dse_record_decode(DSE_RECORD_front, text.data, text.size, &arena, &received, &err);
        dse_alloc_fail_at(-1);
        if (status == DSE_OK)
            assert_true(same_front(&sent, &received));
        else
            assert_non_null(strstr(err.text, "out of memory"));
        dse_arena_fini(&arena);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_int_equal(status, DSE_OK);
    assert_true(failures >= 3);
    dse_buf_fini(&text);
    dse_arena_fini(&from.arena);
}

/* jansson goes on when the buffer of a long string cannot grow, with the string shortened. */
static void a_long_text_is_whole_or_refused(void **state) {
    (void)state;
    enum { LENGTH = 200000 };
    char *path = dse_alloc(LENGTH + 1, 1);
    assert_non_null(path);
    for (int i = 0; i < LENGTH; i++)
        path[i] = (char)('a' + i % 26);
    struct dse_msg_file_ref sent = {.path = path, .sha256 = ""}, received;
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(dse_record_encode(DSE_RECORD_file_ref, &sent, &text, &err), &err);
    enum dse_status status = DSE_NO_MEMORY;
    int failures = 0;
    for (; status == DSE_NO_MEMORY; failures++) {
        struct dse_arena arena = {0};
        dse_alloc_fail_at(failures);
        status =
            dse_record_decode(DSE_RECORD_file_ref, text.data, text.size, &arena, &received, NULL);
        dse_alloc_fail_at(-1);
        if (status == DSE_OK)
            assert_string_equal(received.path, path);
        dse_arena_fini(&arena);
    }
    assert_int_equal(status, DSE_OK);
    assert_true(failures > 5);
    dse_buf_fini(&text);
    dse_free(path);
}

static void encoding_survives_every_failed_allocation(void **state) {
    (void)state;
    struct source from = {0};
    struct dse_msg_front front;
    struct dse_err err = {0};
    dse_rng_init(&from.rng, 6, DSE_RNG_TEST, 0, 0);
    fill_front(&from, &front);
    enum dse_status status = DSE_NO_MEMORY;
    int failures = 0;
    for (; status == DSE_NO_MEMORY; failures++) {
        struct dse_buf text = {0};
        err = (struct dse_err){0};
        dse_alloc_fail_at(failures);
        status = dse_record_encode(DSE_RECORD_front, &front, &text, &err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || text.size == 0);
        dse_buf_fini(&text);
    }
    assert_int_equal(status, DSE_OK);
    assert_true(failures >= 3);
    dse_arena_fini(&from.arena);
}

/* Damaged text is refused with a reason or read as something else; it never does harm (the
 * sanitizer presets look). */
static void random_damage_is_refused_with_a_reason(void **state) {
    (void)state;
    enum { ROUNDS = 3000 };
    struct source from = {0};
    struct dse_msg_plan plan, received;
    struct dse_buf text = {0};
    struct dse_err err = {0};
    int refused = 0;
    dse_rng_init(&from.rng, 8, DSE_RNG_TEST, 0, 0);
    fill_plan(&from, &plan);
    assert_ok(dse_record_encode(DSE_RECORD_plan, &plan, &text, &err), &err);
    for (int round = 0; round < ROUNDS; round++) {
        struct dse_arena arena = {0};
        char *damaged = dse_strndup(text.data, text.size);
        size_t length = dse_rng_below(&from.rng, 4) > 0
                            ? text.size
                            : dse_rng_below(&from.rng, (uint32_t)text.size);
        assert_non_null(damaged);
        for (uint32_t n = dse_rng_below(&from.rng, 4); n > 0; n--)
            damaged[dse_rng_below(&from.rng, (uint32_t)text.size)] =
                "{}[],:\"\\0-9eE.tfn\x80\xff\0"[dse_rng_below(&from.rng, 20)];
        err = (struct dse_err){0};
        enum dse_status status =
            dse_record_decode(DSE_RECORD_plan, damaged, length, &arena, &received, &err);
        assert_true(status == DSE_OK || (status == DSE_PROTOCOL && err.text[0] != '\0'));
        refused += status != DSE_OK;
        dse_free(damaged);
        dse_arena_fini(&arena);
    }
    assert_true(refused > ROUNDS / 2);
    dse_buf_fini(&text);
    dse_arena_fini(&from.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_survives_a_round_trip),
        cmocka_unit_test(fields_stand_in_table_order),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(an_unset_text_is_refused_and_leaves_no_trace),
        cmocka_unit_test(refusals_name_the_field),
        cmocka_unit_test(unknown_fields_and_null_numbers_are_accepted),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(decoding_survives_every_failed_allocation),
        cmocka_unit_test(a_long_text_is_whole_or_refused),
        cmocka_unit_test(encoding_survives_every_failed_allocation),
        cmocka_unit_test(random_damage_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
