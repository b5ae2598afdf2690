/* problems: names, numbers and groups of the corruptions are the published ones. */
#include "tests/lib/testing.h"

#include "problems/problems.h"

/* In the order of make_cifar_c.py. */
static const char *const published[] = {
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
};
enum { N_PUBLISHED = sizeof published / sizeof published[0] };

static void names_and_numbers_are_the_published_ones(void **state) {
    (void)state;
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    assert_int_equal(n, N_PUBLISHED);
    for (int i = 0; i < n; i++) {
        assert_string_equal(table[i].name, published[i]);
        assert_int_equal((int)table[i].corruption, i + 1);
        assert_ptr_equal(dse_corruption_find(published[i]), &table[i]);
    }
}

static void aliases_mean_the_same(void **state) {
    (void)state;
    assert_ptr_equal(dse_corruption_find("elastic"), dse_corruption_find("elastic_transform"));
    assert_ptr_equal(dse_corruption_find("frosted_glass_blur"), dse_corruption_find("glass_blur"));
    assert_null(dse_corruption_find(""));
    assert_null(dse_corruption_find("Fog"));
    assert_null(dse_corruption_find("standard"));
}

static int members(const char *group) {
    int n, found = 0;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    for (int i = 0; i < n; i++)
        found += dse_corruption_in_group(&table[i], group);
    return found;
}

static void groups_hold_what_the_benchmark_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int n;
    } groups[] = {{"noise", 3},     {"blur", 4}, {"weather", 4}, {"digital", 4}, {"extra", 4},
                  {"standard", 15}, {"all", 19}, {"fog", 0},     {"nothing", 0}};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        assert_int_equal(members(groups[i].name), groups[i].n);
        assert_int_equal(dse_corruption_is_group(groups[i].name), groups[i].n > 0);
    }
    for (int i = 0; i < N_PUBLISHED; i++) {
        const struct dse_corruption_def *def = dse_corruption_find(published[i]);
        assert_int_equal(dse_corruption_is_standard(def), i < 15);
        assert_true(dse_corruption_in_group(def, dse_corruption_group_name(def->group)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_are_the_published_ones),
        cmocka_unit_test(aliases_mean_the_same),
        cmocka_unit_test(groups_hold_what_the_benchmark_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
