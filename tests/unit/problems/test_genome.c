/* problems: genomes as text, bounds, repair. */
#include "tests/lib/testing.h"

#include <float.h>
#include <math.h>

#include "problems/problems.h"

static void assert_prints(const double *genome, int n, const char *expected) {
    struct dse_buf text = {0};
    dse_genome_print(genome, n, &text);
    assert_string_equal(dse_buf_text(&text), expected);
    dse_buf_fini(&text);
}

static void genomes_print_canonically(void **state) {
    (void)state;
    assert_prints((double[]){8, 4, 2.5}, 3, "[8,4,2.5]");
    assert_prints((double[]){-0.0, -3, 0.1}, 3, "[0,-3,0.1]");
    assert_prints((double[]){0.1 + 0.2, 1.0 / 3}, 2, "[0.30000000000000004,0.3333333333333333]");
    assert_prints((double[]){0x1p53, 1e22, 1e-7}, 3, "[9007199254740992,1e+22,1e-07]");
    assert_prints((double[]){-DBL_MIN, 5e-324, DBL_MAX}, 3,
                  "[-2.2250738585072014e-308,5e-324,1.7976931348623157e+308]");
    assert_prints(NULL, 0, "[]");
}

static void printing_appends(void **state) {
    (void)state;
    struct dse_buf text = {0};
    dse_buf_puts(&text, "genome ");
    dse_genome_print((double[]){1}, 1, &text);
    assert_string_equal(dse_buf_text(&text), "genome [1]");
    dse_buf_fini(&text);
}

static void any_doubles_survive_the_round_trip(void **state) {
    (void)state;
    enum { N = 6, GENOMES = 2000 };
    struct dse_rng rng;
    dse_rng_init(&rng, 11, DSE_RNG_TEST, 0, 0);
    for (int k = 0; k < GENOMES; k++) {
        double genome[N], again[N];
        for (int i = 0; i < N; i++) {
            uint64_t bits = (uint64_t)dse_rng_u32(&rng) << 32 | dse_rng_u32(&rng);
            memcpy(&genome[i], &bits, sizeof bits);
            if (!isfinite(genome[i]))
                genome[i] = (double)(bits % 17);
            if (i % 2 == 1)
                genome[i] = dse_rng_uniform(&rng) * 100;
        }
        struct dse_buf text = {0};
        struct dse_err err = {0};
        dse_genome_print(genome, N, &text);
        assert_ok(dse_genome_parse(dse_buf_text(&text), again, N, &err), &err);
        assert_memory_equal(genome, again, sizeof genome);
        dse_buf_fini(&text);
    }
}

static void only_a_list_of_as_many_decimals_is_read(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",       "[",      "[]",        "[1]",   "[1,2",   "[1,2]]",   "[1,2,3]", "[1, 2]",
        " [1,2]", "[1,2] ", "[1,]",      "[,1]",  "[1;2]",  "[1,0x10]", "[1,nan]", "[1,1e400]",
        "1,2",    "[1,e]",  "[1,1.2.3]", "[1,-]", "[1,1 ]", "[1,inf]",  "[1,--2]", "[1,1e]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        double genome[2];
        struct dse_err err = {0};
        if (dse_genome_parse(wrong[i], genome, 2, &err) != DSE_INVALID)
            fail_msg("\"%s\" was read", wrong[i]);
        assert_true(err.text[0] != '\0');
    }
    struct dse_err err = {0};
    assert_ok(dse_genome_parse("[]", NULL, 0, &err), &err);
}

static struct dse_gene genes[] = {
    {"bits", DSE_GENE_INT, 2, 8},
    {"rate", DSE_GENE_FLOAT, 0, 0.5},
    {"kind", DSE_GENE_CATEGORY, 0, 2},
};
static const struct dse_space space = {.genes = genes, .n_genes = 3};

static void genomes_fit_within_their_bounds(void **state) {
    (void)state;
    assert_true(dse_genome_fits(&space, (double[]){2, 0, 2}));
    assert_true(dse_genome_fits(&space, (double[]){8, 0.5, 0}));
    assert_false(dse_genome_fits(&space, (double[]){9, 0, 0}));
    assert_false(dse_genome_fits(&space, (double[]){2.5, 0, 0}));
    assert_false(dse_genome_fits(&space, (double[]){2, -0.1, 0}));
    assert_false(dse_genome_fits(&space, (double[]){2, 0, 1.5}));
    assert_false(dse_genome_fits(&space, (double[]){2, NAN, 0}));
}

static void repair_rounds_and_clamps(void **state) {
    (void)state;
    double genome[] = {5.5, 0.7, -3};
    dse_genome_repair(&space, genome);
    assert_memory_equal(genome, ((double[]){6, 0.5, 0}), sizeof genome);
    double second[] = {4.5, 0.25, 2.4}; /* halves to even, floats stay */
    dse_genome_repair(&space, second);
    assert_memory_equal(second, ((double[]){4, 0.25, 2}), sizeof second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genomes_print_canonically),
        cmocka_unit_test(printing_appends),
        cmocka_unit_test(any_doubles_survive_the_round_trip),
        cmocka_unit_test(only_a_list_of_as_many_decimals_is_read),
        cmocka_unit_test(genomes_fit_within_their_bounds),
        cmocka_unit_test(repair_rounds_and_clamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
