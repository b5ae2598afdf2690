/* Fronts in order, and the parts of them that clients get. */
#include "tests/lib/testing.h"

#include "daemon/explorer/explorer.h"
#include "daemon/front_part.h"

static const struct dse_space space = {
    .n_objectives = 2,
    .objectives = {{.sense = DSE_MAXIMIZE}, {.sense = DSE_MINIMIZE}},
};

enum { ENTRIES = 6000, VALUES = 40 }; /* few values: many ties */

/* What the list should hold, by birth. */
static struct model {
    struct dse_front_entry entry;
    bool in, stays; /* stays: from the first part to the last */
    int seen;
} model[ENTRIES];

static void draw(struct dse_rng *rng, int i) {
    model[i] = (struct model){
        .entry = {
            .objectives = {dse_rng_below(rng, VALUES) / 8.0, dse_rng_below(rng, VALUES) / 8.0},
            .generation = i / 100,
            .slot = i % 100,
        }};
}

/* By definition: the greater first objective first, then the lesser second one, then by birth. */
static int compare_by_definition(const void *a, const void *b) {
    const struct dse_front_entry *x = a, *y = b;
    if (x->objectives[0] != y->objectives[0])
        return x->objectives[0] > y->objectives[0] ? -1 : 1;
    if (x->objectives[1] != y->objectives[1])
        return x->objectives[1] < y->objectives[1] ? -1 : 1;
    return x->generation * 100 + x->slot - y->generation * 100 - y->slot;
}

static void toggle(struct dse_front_list *list, int i) {
    struct dse_err err = {0};
    assert_ok(model[i].in ? dse_front_list_remove(list, &model[i].entry, &err)
                          : dse_front_list_add(list, &model[i].entry, &err),
              &err);
    model[i].in = !model[i].in;
}

static void assert_list_is_model(struct dse_front_list *list) {
    static struct dse_front_entry expected[ENTRIES];
    const struct dse_front_entry *entries;
    struct dse_err err = {0};
    int n, n_expected = 0;
    for (int i = 0; i < ENTRIES; i++)
        if (model[i].in)
            expected[n_expected++] = model[i].entry;
    qsort(expected, (size_t)n_expected, sizeof *expected, compare_by_definition);
    assert_ok(dse_front_list_look(list, &entries, &n, &err), &err);
    assert_int_equal(n, n_expected);
    for (int i = 0; i < n; i++)
        assert_memory_equal(&entries[i], &expected[i], sizeof expected[i]);
}

static void changes_in_any_order_give_the_sorted_front(void **state) {
    (void)state;
    struct dse_rng rng;
    struct dse_front_list *list;
    struct dse_err err = {0};
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 31, 0);
    assert_ok(dse_front_list_new(&space, &list, &err), &err);
    assert_list_is_model(list);
    for (int i = 0; i < ENTRIES; i++) {
        draw(&rng, i);
        toggle(list, i);
        int other = (int)dse_rng_below(&rng, (uint32_t)i + 1);
        if (model[other].in && dse_rng_below(&rng, 3) == 0)
            toggle(list, other);
        if (dse_rng_below(&rng, 1000) == 0)
            assert_list_is_model(list);
    }
    assert_list_is_model(list);
    dse_front_list_free(list);
}

/* Parts of 7 while others come and go: who stays is met once, nobody twice, all in order. */
static void who_stays_is_in_one_part(void **state) {
    (void)state;
    struct dse_rng rng;
    struct dse_front_list *list;
    struct dse_front_entry last = {.generation = -1};
    struct dse_err err = {0};
    dse_rng_init(&rng, 6, DSE_RNG_TEST, 32, 0);
    assert_ok(dse_front_list_new(&space, &list, &err), &err);
    for (int i = 0; i < ENTRIES; i++) {
        draw(&rng, i);
        model[i].stays = i < ENTRIES / 4;
        if (i < ENTRIES / 2)
            toggle(list, i);
    }
    for (bool goes_on = true; goes_on;) {
        const struct dse_front_entry *entries;
        struct dse_front_part part;
        const struct dse_msg_front_query query = {.limit = 7};
        int n;
        assert_ok(dse_front_list_look(list, &entries, &n, &err), &err);
        int first = last.generation < 0 ? 0 : dse_front_list_after(list, &last);
        assert_ok(dse_front_part_choose(&query, n, first, 1000, &part, &err), &err);
        assert_true(part.n == 7 || !part.goes_on);
        for (int i = 0; i < part.n; i++) {
            const struct dse_front_entry *entry = &entries[dse_front_part_index(&part, i)];
            assert_true(last.generation < 0 || compare_by_definition(&last, entry) < 0);
            last = *entry;
            model[entry->generation * 100 + entry->slot].seen++;
        }
        goes_on = part.goes_on;
        for (int k = 0; k < 20; k++) {
            int i = (int)dse_rng_below(&rng, ENTRIES);
            if (!model[i].stays)
                toggle(list, i);
        }
    }
    for (int i = 0; i < ENTRIES; i++)
        assert_true(model[i].seen == 1 || (model[i].seen == 0 && !model[i].stays));
    dse_front_list_free(list);
}

static void parts_have_limits(void **state) {
    (void)state;
    static const struct {
        int64_t limit, spread;
        int n, first, part_n, index_of_last;
        bool goes_on;
    } cases[] = {
        {0, 0, 0, 0, 0, -1, false},     {0, 0, 50, 0, 50, 49, false},
        {0, 0, 51, 0, 50, 49, true},    {INT64_MAX, 0, 51, 0, 50, 49, true},
        {1, 0, 51, 0, 1, 0, true},      {1, 0, 51, 50, 1, 50, false},
        {7, 0, 51, 51, 0, -1, false},   {0, 1, 51, 0, 1, 0, false},
        {0, 2, 51, 0, 2, 50, false},    {0, 7, 51, 0, 7, 50, false},
        {0, 900, 51, 0, 50, 50, false}, {0, 40, 5, 0, 5, 4, false},
        {0, 40, 0, 0, 0, -1, false},
    };
    struct dse_front_part part;
    struct dse_err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct dse_msg_front_query query = {.limit = cases[i].limit,
                                                  .spread = cases[i].spread};
        assert_ok(dse_front_part_choose(&query, cases[i].n, cases[i].first, 50, &part, &err), &err);
        assert_int_equal(part.n, cases[i].part_n);
        assert_true(part.goes_on == cases[i].goes_on);
        if (part.n > 0)
            assert_int_equal(dse_front_part_index(&part, part.n - 1), cases[i].index_of_last);
    }
    static const struct dse_msg_front_query bad[] = {
        {.limit = -1}, {.spread = -1}, {.limit = 3, .spread = 3}, {.after = "0.0", .spread = 3}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dse_err why = {0};
        assert_int_equal(dse_front_part_choose(&bad[i], 51, 0, 50, &part, &why), DSE_INVALID);
    }
}

static void places_are_read_strictly(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "1",    "1.",           ".1",   "1.2x", "1.2.3",
                                      "-1.0", "1.-2", "2147483648.0", " 1.2", "1. 2", "0x1.2"};
    int generation, slot;
    assert_true(dse_front_part_read_birth("12.33", &generation, &slot));
    assert_true(generation == 12 && slot == 33);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dse_front_part_read_birth(bad[i], &generation, &slot));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_in_any_order_give_the_sorted_front),
        cmocka_unit_test(who_stays_is_in_one_part),
        cmocka_unit_test(parts_have_limits),
        cmocka_unit_test(places_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
