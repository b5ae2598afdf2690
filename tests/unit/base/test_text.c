/* base: which word was meant, lists of words, UTF-8. */
#include "tests/lib/testing.h"

/* ---- words ---- */

static void slips_of_the_keys_find_their_word(void **state) {
    (void)state;
    static const char *const known[] = {
        "plan",       "status", "submit", "show", "--json", "accuracy_clean", "accuracy_corrupted",
        "generations"};
    static const struct {
        const char *written, *meant;
    } cases[] = {
        {"pln", "plan"},
        {"plann", "plan"},
        {"plam", "plan"},
        {"shwo", "show"},
        {"hsow", "show"},
        {"Status", "status"},
        {"statsu", "status"},
        {"sumbit", "submit"},
        {"submti", "submit"},
        {"--jsno", "--json"},
        {"statussss", "status"},
        {"acuracy_cleen", "accuracy_clean"},
        {"genratoin", "generations"},
        {"accuracy_corupt", "accuracy_corrupted"},
        {"status", "status"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *nearest = dse_word_nearest(cases[i].written, known, 8);
        if (nearest == NULL || strcmp(nearest, cases[i].meant) != 0)
            fail_msg("\"%s\" gives %s", cases[i].written, nearest == NULL ? "nothing" : nearest);
    }
}

static void other_words_find_nothing(void **state) {
    (void)state;
    static const char *const known[] = {"plan", "status", "x", "--json", "no"};
    static const char *const words[] = {
        "", "y", "cancel", "pn", "lpna", "ststsuuu", "acuracy", "--help", "plain-text-of-a-plan",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *nearest = dse_word_nearest(words[i], known, 5);
        if (nearest != NULL)
            fail_msg("\"%s\" gives %s", words[i], nearest);
    }
    assert_null(dse_word_nearest("plan", known, 0));
}

static void the_first_of_the_nearest_words_is_taken(void **state) {
    (void)state;
    static const char *const known[] = {"weight_list", "bits_max", "bits_min", "bits"};
    assert_ptr_equal(dse_word_nearest("bits_m", known, 4), known[1]);
    assert_ptr_equal(dse_word_nearest("bits_mx", known, 4), known[1]);
    assert_ptr_equal(dse_word_nearest("bits_mi", known, 4), known[2]);
    assert_ptr_equal(dse_word_nearest("bts", known, 4), known[3]);
}

static void words_may_have_64_bytes(void **state) {
    (void)state;
    char word[80], longest[80], too_long[80];
    memset(longest, 'a', sizeof longest);
    longest[64] = '\0';
    memset(too_long, 'a', sizeof too_long);
    too_long[65] = '\0';
    memset(word, 'a', sizeof word);
    word[64] = '\0';
    word[40] = 'b';
    const char *const known[] = {too_long, longest};
    assert_ptr_equal(dse_word_nearest(word, known, 1), NULL);
    assert_ptr_equal(dse_word_nearest(word, known, 2), longest);
    assert_null(dse_word_nearest(too_long, known, 2));
}

static void lists_are_joined_and_cut(void **state) {
    (void)state;
    static const char *const words[] = {"one", "two", "three"};
    char out[32];
    assert_string_equal(dse_words_join(words, 3, out, sizeof out), "one, two, three");
    assert_string_equal(dse_words_join(words, 1, out, sizeof out), "one");
    assert_string_equal(dse_words_join(words, 0, out, sizeof out), "");
    assert_string_equal(dse_words_join(words, 3, out, 11), "one, two, ");
    assert_string_equal(dse_words_join(words, 3, out, 10), "one, two,");
    assert_string_equal(dse_words_join(words, 3, out, 1), "");
}

/* ---- characters ---- */

static size_t write_character(uint32_t code, char out[4]) {
    if (code < 0x80)
        return out[0] = (char)code, 1;
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(0xf00 >> n | code);
    return n;
}

static void every_character_is_read_and_no_part_of_one(void **state) {
    (void)state;
    for (uint32_t written = 0; written <= 0x10ffff; written++) {
        char text[4];
        uint32_t code = 7;
        size_t n = write_character(written, text);
        bool surrogate = written >= 0xd800 && written <= 0xdfff;
        if (dse_utf8_next(text, n, &code) != (surrogate ? 0 : n) ||
            code != (surrogate ? 7 : written))
            fail_msg("U+%04X gives %04X", (unsigned)written, (unsigned)code);
        if (n > 1 && dse_utf8_next(text, n - 1, &code) != 0)
            fail_msg("U+%04X is read without its last byte", (unsigned)written);
    }
}

static void bytes_that_are_no_character_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "\x80",      "\xbf",      "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xe2\x82z", "\xe2z\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xfe",      "\xff",      "\xc3\xc3",
    };
    uint32_t code = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (dse_utf8_next(wrong[i], strlen(wrong[i]), &code) != 0 || code != 7)
            fail_msg("case %zu is read as U+%04X", i, (unsigned)code);
    assert_int_equal(dse_utf8_next("a", 0, &code), 0);
    assert_int_equal(dse_utf8_next("\xc3\xa9t\xc3\xa9", 5, &code), 2);
    assert_int_equal(code, 0xe9);
}

static void controls_are_those_of_ascii_and_latin_1(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 0x300; code++)
        assert_int_equal(dse_utf8_is_control(code),
                         code <= 0x1f || code == 0x7f || (code >= 0x80 && code <= 0x9f));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_of_the_keys_find_their_word),
        cmocka_unit_test(other_words_find_nothing),
        cmocka_unit_test(the_first_of_the_nearest_words_is_taken),
        cmocka_unit_test(words_may_have_64_bytes),
        cmocka_unit_test(lists_are_joined_and_cut),
        cmocka_unit_test(every_character_is_read_and_no_part_of_one),
        cmocka_unit_test(bytes_that_are_no_character_are_refused),
        cmocka_unit_test(controls_are_those_of_ascii_and_latin_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
