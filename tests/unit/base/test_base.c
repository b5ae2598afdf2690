/* base: known answers and limits. */
#include "tests/lib/testing.h"

#include <sys/stat.h>

#include <errno.h>
#include <math.h>

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void philox_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t out[4];
        dse_philox4x32(cases[i].key, cases[i].counter, out);
        assert_memory_equal(out, cases[i].out, sizeof out);
    }
}

static void streams_are_pure_functions_of_their_key(void **state) {
    (void)state;
    struct dse_rng a, b, c;
    dse_rng_init(&a, 7, DSE_RNG_TEST, 1, 2);
    dse_rng_init(&b, 7, DSE_RNG_TEST, 1, 2);
    dse_rng_init(&c, 7, DSE_RNG_TEST, 2, 1);
    int equal_to_c = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t x = dse_rng_u32(&a);
        assert_int_equal(x, dse_rng_u32(&b));
        equal_to_c += x == dse_rng_u32(&c);
    }
    assert_in_range(equal_to_c, 0, 1);
}

static void below_is_uniform(void **state) {
    (void)state;
    enum { SIDES = 7, DRAWS = 70000 };
    int counts[SIDES] = {0};
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < DRAWS; i++)
        counts[dse_rng_below(&rng, SIDES)]++;
    double chi2 = 0;
    for (int i = 0; i < SIDES; i++) {
        double d = counts[i] - DRAWS / SIDES;
        chi2 += d * d / (DRAWS / SIDES);
    }
    assert_true(chi2 < 22.46); /* chi-square, 6 degrees of freedom, p = 0.001 */
}

/* Many at once are the same numbers as one after the other, wherever the stream stands. */
static void filling_draws_the_same_numbers(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 5, 63, 64, 65, 128, 129, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int skipped = 0; skipped < 5; skipped++) {
            struct dse_rng one, many;
            uint32_t words[1000];
            double uniforms[1000], normals[1000];
            size_t n = sizes[s];
            dse_rng_init(&one, 0x123456789u, DSE_RNG_TEST, 4, (uint32_t)skipped);
            for (int i = 0; i < skipped; i++)
                (void)dse_rng_u32(&one);
            many = one;
            dse_rng_fill_u32(&many, words, n);
            dse_rng_fill_uniform(&many, uniforms, n);
            dse_rng_fill_normal(&many, normals, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(words[i], dse_rng_u32(&one));
            for (size_t i = 0; i < n; i++)
                assert_true(uniforms[i] == dse_rng_uniform(&one));
            for (size_t i = 0; i < n; i++)
                assert_true(normals[i] == dse_rng_normal(&one));
            assert_int_equal(dse_rng_u32(&many), dse_rng_u32(&one));
        }
}

static void sine_and_cosine_are_near_those_of_libm(void **state) {
    (void)state;
    for (int i = -10000; i <= 10000; i++) {
        double x = i * 1e-3, sine, cosine;
        dse_math_sincos(x, &sine, &cosine);
        assert_true(fabs(sine - sin(x)) < 0x1p-50 && fabs(cosine - cos(x)) < 0x1p-50);
    }
}

static void normal_has_the_normal_moments_and_tails(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    struct dse_rng rng;
    dse_rng_init(&rng, 3, DSE_RNG_TEST, 0, 0);
    double sum = 0, sum2 = 0, sum4 = 0;
    int beyond3 = 0;
    for (int i = 0; i < DRAWS; i++) {
        double z = dse_rng_normal(&rng);
        sum += z;
        sum2 += z * z;
        sum4 += z * z * z * z;
        beyond3 += fabs(z) > 3;
    }
    /* Bounds: four standard errors of each estimate. */
    assert_true(fabs(sum / DRAWS) < 4 * sqrt(1.0 / DRAWS));
    assert_true(fabs(sum2 / DRAWS - 1) < 4 * sqrt(2.0 / DRAWS));
    assert_true(fabs(sum4 / DRAWS - 3) < 4 * sqrt(96.0 / DRAWS));
    assert_true(fabs(beyond3 - 0.0026998 * DRAWS) < 4 * sqrt(0.0027 * DRAWS));
}

/* Distance in units in the last place of b. */
static double ulps(double a, double b) {
    return fabs(a - b) / (nextafter(fabs(b), INFINITY) - fabs(b));
}

static void elementary_functions_agree_with_libm(void **state) {
    (void)state;
    for (double x = -700; x < 700; x += 0.37)
        assert_true(ulps(dse_math_exp(x), exp(x)) <= 2);
    for (double x = 1e-300; x < 1e300; x *= 1.9)
        assert_true(ulps(dse_math_log(x), log(x)) <= 2);
    for (double x = 0.5; x < 2; x += 0.001)
        assert_true(fabs(dse_math_log(x) - log(x)) <= 2e-16);
    assert_true(dse_math_exp(-1000) == 0 && isinf(dse_math_exp(1000)));
    assert_true(dse_math_log(1) == 0 && dse_math_exp(0) == 1);
}

static void powers_agree_with_libm(void **state) {
    (void)state;
    static const double exponents[] = {1.0 / 16, 1.0 / 21, 0.5, 2.5, -7.25, 1e-9, 130.5};
    for (double x = 1e-300; x < 1e300; x *= 1.07)
        for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
            double y = exponents[i], expected = pow(x, y);
            double bound = 0x1p-50 * (1 + fabs(y) + fabs(y * log(x)));
            if (fabs(y * log(x)) < 708)
                assert_true(fabs(dse_math_pow(x, y) / expected - 1) <= bound);
        }
    for (double x = 0.5; x < 2; x += 0.0007)
        assert_true(fabs(dse_math_pow(x, 0.0625) / pow(x, 0.0625) - 1) <= 0x1p-50);
    for (double n = -64; n <= 64; n++)
        assert_true(fabs(dse_math_pow(1.1, n) / pow(1.1, n) - 1) <= 0x1p-46);
    assert_true(dse_math_pow(0, 0.5) == 0 && isinf(dse_math_pow(0, -0.5)) &&
                dse_math_pow(0, 0) == 1);
    assert_true(dse_math_pow(1e300, 2.5) == HUGE_VAL && dse_math_pow(1e300, -2.5) == 0);
    assert_true(isinf(dse_math_pow(HUGE_VAL, 0.5)) && dse_math_pow(HUGE_VAL, -0.5) == 0);
    assert_true(dse_math_pow(2, 0.5) == 0x1.6a09e667f3bcdp+0); /* the same bits everywhere */
    assert_true(dse_math_pow(0.3, 1.0 / 21) == 0x1.e378bb27e22ffp-1);
}

static void sines_agree_with_libm(void **state) {
    (void)state;
    const double pi = acos(-1);
    for (double x = -3; x < 3; x += 0.0007) {
        assert_true(fabs(dse_math_sin_pi(x) - sin(pi * x)) <= 2e-15); /* pi x is rounded, too */
        assert_true(fabs(dse_math_cos_pi(x) - cos(pi * x)) <= 2e-15);
    }
    for (double x = -8; x <= 8; x++) {
        assert_true(dse_math_sin_pi(x) == 0 && dse_math_cos_pi(x) == (fmod(x, 2) == 0 ? 1 : -1));
        assert_true(fabs(dse_math_sin_pi(x + 0.5)) == 1 && dse_math_cos_pi(x + 0.5) == 0);
    }
    assert_true(fabs(dse_math_sin_pi(0x1p40 + 0.25) - sqrt(0.5)) < 1e-15);
}

/* The shortest decimal, found by trying. */
static void print_by_trying(double x, char *out, size_t size) {
    if (x == trunc(x) && fabs(x) <= 0x1p53) {
        (void)snprintf(out, size, "%.0f", x + 0.0);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(out, size, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
}

static void assert_number(double x) {
    char fast[DSE_NUMBER_SIZE], slow[64];
    const char *end;
    dse_number_print(x, fast);
    print_by_trying(x, slow, sizeof slow);
    assert_string_equal(fast, slow);
    assert_true(dse_number_read(fast, &end) == x && *end == '\0');
    dse_number_print_all(x, fast);
    (void)snprintf(slow, sizeof slow, "%.17g", x);
    assert_string_equal(fast, slow);
}

static void numbers_are_those_of_the_c_library(void **state) {
    (void)state;
    static const double special[] = {0.0,
                                     -0.0,
                                     1e15,
                                     1e16,
                                     0.1,
                                     1.0 / 3,
                                     1e-4,
                                     1e-5,
                                     1e300,
                                     5e-324,
                                     0x1p53,
                                     0x1p53 + 2,
                                     0x1p-20,
                                     123.5,
                                     99999999999999.9,
                                     0.30000000000000004,
                                     9007199254740993.0,
                                     4503599627370496.5,
                                     0.0001220703125,
                                     9.5367431640625e-07,
                                     999999999999999.9,
                                     0.99999999999999989};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        assert_number(special[i]);
        assert_number(-special[i]);
    }
    struct dse_rng rng;
    dse_rng_init(&rng, 3, DSE_RNG_TEST, 7, 0);
    for (int i = 0; i < 30000; i++) {
        double u = dse_rng_uniform(&rng);
        assert_number(u);
        assert_number(-u * 20 - 5);
        assert_number(ldexp(u, (int)dse_rng_below(&rng, 240) - 180));
        assert_number((double)dse_rng_below(&rng, 100000) / 1000);        /* few digits */
        assert_number(ldexp((double)dse_rng_below(&rng, 1u << 20), -20)); /* ends in 5 */
    }
}

static void decimals_are_read_as_by_the_c_library(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "-",
                                        ".",
                                        "-.5",
                                        "5.",
                                        "1e5",
                                        "0x10",
                                        "1.5e-3",
                                        "1.5e-",
                                        "1.5e-x",
                                        "1e-05",
                                        "2.5e-005,",
                                        "5.e-5",
                                        "7.8e-13]",
                                        "7.8e-13.5",
                                        "7.8e-13e5",
                                        "1e-61",
                                        "1.5e-60",
                                        "1e-99999999999",
                                        "e-5",
                                        "0e-5",
                                        "-0.0e-20",
                                        "3E-7",
                                        "00.5",
                                        "1..5",
                                        "1.2.3",
                                        "inf",
                                        "nan",
                                        "12345678901234567890",
                                        "0.123456789012345678901",
                                        "1,5",
                                        "0.5]",
                                        "- 1",
                                        "+1",
                                        "1p3",
                                        "0.000000000000000000000000000012345",
                                        "9007199254740993",
                                        "9007199254740993.0",
                                        "1-2",
                                        "0.50000000000000005551115123125782702118158340454101562"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *end;
        char *expected_end;
        double expected = strtod(texts[i], &expected_end), x = dse_number_read(texts[i], &end);
        assert_ptr_equal(end, expected_end);
        assert_memory_equal(&x, &expected, sizeof x);
    }
    struct dse_rng rng;
    dse_rng_init(&rng, 3, DSE_RNG_TEST, 8, 0);
    for (int i = 0; i < 100000; i++) {
        char text[64];
        const char *end;
        uint64_t digits = (uint64_t)dse_rng_u32(&rng) << 27 ^ dse_rng_u32(&rng);
        (void)snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(digits % 1000),
                       (int)(digits % 16), (unsigned long long)(digits / 1000 % 1000000000000000));
        double expected = strtod(text, NULL), x = dse_number_read(text, &end);
        assert_true(x == expected && *end == '\0');
        (void)snprintf(text, sizeof text, "%.*ge-%u", (int)(digits % 17) + 1,
                       1 + (double)(digits / 17) / 0x1p60, dse_rng_u32(&rng) % 50);
        expected = strtod(text, NULL), x = dse_number_read(text, &end);
        assert_true(x == expected && *end == '\0');
    }
}

static void sha256_known_answers(void **state) {
    (void)state;
    char hex[DSE_SHA256_HEX];
    struct dse_err err = {0};
    assert_ok(dse_sha256_bytes("abc", 3, hex, &err), &err); /* FIPS 180-4 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char dir[256], path[300];
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/abc", dir);
    assert_ok(dse_file_replace(path, "abc", 3, &err), &err);
    char again[DSE_SHA256_HEX];
    assert_ok(dse_sha256_file(path, again, &err), &err);
    assert_string_equal(hex, again);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(dse_sha256_file(path, again, &err), DSE_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(rmdir(dir), 0);
}

static void a_written_file_follows_the_umask(void **state) {
    (void)state;
    static const mode_t masks[] = {022, 077, 002};
    char dir[256], path[300];
    struct dse_err err = {0};
    struct stat file;
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/front.csv", dir);
    mode_t before = umask(0);
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        (void)umask(masks[i]);
        assert_ok(dse_file_replace(path, "1", 1, &err), &err);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0666 & ~masks[i]);
    }
    (void)umask(before);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void hash_folder(const char *dir, char hex[DSE_SHA256_HEX]) {
    struct dse_err err = {0};
    assert_ok(dse_sha256_path(dir, NULL, hex, &err), &err);
}

/* By the names and contents below, wherever the folder is. */
static void a_folder_has_a_hash(void **state) {
    (void)state;
    enum { SUMS = 6 };
    char dir[256], inner[280], b[300], a[300], moved[300], hex[SUMS][DSE_SHA256_HEX];
    struct dse_err err = {0};
    struct dse_arena arena = {0};
    const char *const *names;
    int n;
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(inner, sizeof inner, "%s/in", dir);
    (void)snprintf(a, sizeof a, "%s/a", inner);
    (void)snprintf(b, sizeof b, "%s/b", inner);
    (void)snprintf(moved, sizeof moved, "%s/out", dir);
    hash_folder(dir, hex[0]);
    assert_ok(dse_dir_create(inner, &err), &err);
    hash_folder(dir, hex[1]);
    assert_ok(dse_file_replace(b, "1", 1, &err), &err);
    hash_folder(dir, hex[2]);
    assert_ok(dse_file_replace(a, "2", 1, &err), &err);
    hash_folder(dir, hex[3]);
    assert_ok(dse_file_replace(a, "1", 1, &err), &err);
    assert_ok(dse_file_replace(b, "2", 1, &err), &err);
    hash_folder(dir, hex[4]);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hex[i], hex[k]);
    hash_folder(inner, hex[0]);
    assert_int_equal(rename(inner, moved), 0);
    hash_folder(moved, hex[1]);
    assert_string_equal(hex[0], hex[1]);
    hash_folder(dir, hex[5]);
    assert_string_not_equal(hex[4], hex[5]);
    assert_ok(dse_dir_list(moved, &arena, &names, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a");
    assert_int_equal(dse_sha256_path("/dev/null", NULL, hex[0], &err), DSE_INVALID);
    assert_int_equal(dse_sha256_path(inner, NULL, hex[0], NULL), DSE_NOT_FOUND);
    assert_int_equal(dse_dir_list(inner, &arena, &names, &n, NULL), DSE_NOT_FOUND);
    const atomic_bool go_on = false, stop = true;
    assert_ok(dse_sha256_path(dir, &go_on, hex[1], &err), &err);
    assert_string_equal(hex[1], hex[5]);
    assert_int_equal(dse_sha256_path(dir, &stop, hex[1], &err), DSE_INTERRUPTED);
    dse_arena_fini(&arena);
    const char *const rm[] = {a, b, inner};
    (void)rename(moved, inner);
    for (int i = 0; i < 3; i++)
        assert_int_equal(remove(rm[i]), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void first_error_wins_and_prefix_adds(void **state) {
    (void)state;
    struct dse_err err = {0};
    char text[600];
    assert_int_equal(dse_err_set_at(&err, DSE_INVALID, "w.yaml", 3, 5, "bad %d", 1), DSE_INVALID);
    assert_int_equal(dse_err_set(&err, DSE_IO, "later"), DSE_IO);
    (void)dse_err_prefix(&err, "gene %d", 7);
    assert_string_equal(dse_err_format(&err, text, sizeof text), "w.yaml:3:5: gene 7: bad 1");
    assert_int_equal(err.code, DSE_INVALID);
}

static void arena_and_buffer_survive_failing_allocations(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    for (long n = 0;; n++) {
        struct dse_arena arena = {0};
        struct dse_buf buf = {0};
        dse_alloc_fail_at(n);
        for (int i = 0; i < 100; i++)
            dse_buf_printf(&buf, "%d,", i);
        char *a = dse_arena_alloc(&arena, 3, 10000);
        char *b = dse_arena_printf(&arena, "%s", "text");
        bool done = !buf.failed && a != NULL && b != NULL;
        dse_alloc_fail_at(-1);
        if (done)
            assert_int_equal(buf.size, 290);
        dse_buf_fini(&buf);
        dse_arena_fini(&arena);
        assert_int_equal(dse_alloc_live(), live);
        if (done)
            break;
        assert_true(n < 100);
    }
    assert_null(dse_alloc(SIZE_MAX / 2, 3));
}

static void errno_becomes_status_and_words(void **state) {
    (void)state;
    static const struct {
        int number;
        enum dse_status status;
        const char *text;
    } cases[] = {
        {ENOENT, DSE_NOT_FOUND, "a/b: No such file or directory"},
        {ENOSPC, DSE_NO_SPACE, "a/b: No space left on device"},
        {EACCES, DSE_IO, "a/b: Permission denied"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_err err = {0};
        errno = cases[i].number;
        assert_int_equal(dse_err_set_errno(&err, "a/b"), cases[i].status);
        assert_int_equal(err.code, cases[i].status);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void open_files_are_read_to_their_end_or_limit(void **state) {
    (void)state;
    int ends[2];
    struct dse_err err = {0};
    struct dse_buf text = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "0123456789", 10), 10);
    assert_int_equal(close(ends[1]), 0);
    assert_ok(dse_file_read_fd(ends[0], "the pipe", 10, &text, &err), &err);
    assert_string_equal(dse_buf_text(&text), "0123456789");
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(dse_file_read_fd(ends[0], "the pipe", 10, &text, &err), DSE_IO);
    assert_string_equal(err.text, "the pipe: Bad file descriptor");
    struct dse_err longer = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "0123456789", 10), 10);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(dse_file_read_fd(ends[0], "the pipe", 9, &text, &longer), DSE_INVALID);
    assert_string_equal(longer.text, "the pipe: larger than the limit of 9 bytes");
    assert_int_equal(close(ends[0]), 0);
    dse_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(streams_are_pure_functions_of_their_key),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(normal_has_the_normal_moments_and_tails),
        cmocka_unit_test(filling_draws_the_same_numbers),
        cmocka_unit_test(sine_and_cosine_are_near_those_of_libm),
        cmocka_unit_test(elementary_functions_agree_with_libm),
        cmocka_unit_test(powers_agree_with_libm),
        cmocka_unit_test(sines_agree_with_libm),
        cmocka_unit_test(numbers_are_those_of_the_c_library),
        cmocka_unit_test(decimals_are_read_as_by_the_c_library),
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(a_written_file_follows_the_umask),
        cmocka_unit_test(a_folder_has_a_hash),
        cmocka_unit_test(first_error_wins_and_prefix_adds),
        cmocka_unit_test(errno_becomes_status_and_words),
        cmocka_unit_test(open_files_are_read_to_their_end_or_limit),
        cmocka_unit_test(arena_and_buffer_survive_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
