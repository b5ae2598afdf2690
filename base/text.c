/* Words and characters: which word was meant, lists of words, UTF-8. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

/* ---- words ---- */

enum { LONGEST_WORD = 64 }; /* longer ones are near to nothing */

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Edit distance with neighbouring characters exchanged counted as one edit (Damerau 1964, in the
 * form that edits no part twice). Both words have LONGEST_WORD bytes at most. */
static int edit_distance(const char *a, const char *b) {
    int rows[3][LONGEST_WORD + 1]; /* of the table, the last three in turn */
    size_t length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        rows[0][j] = (int)j;
    size_t i = 0;
    for (; a[i] != '\0'; i++) {
        const int *before = rows[(i + 2) % 3], *above = rows[i % 3];
        int *row = rows[(i + 1) % 3];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < length; j++) {
            int changed = above[j] + (a[i] != b[j]);
            row[j + 1] = smaller(changed, smaller(above[j + 1], row[j]) + 1);
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
                row[j + 1] = smaller(row[j + 1], before[j - 1] + 1);
        }
    }
    return rows[i % 3][length];
}

const char *dse_word_nearest(const char *word, const char *const *known, int n_known) {
    const char *nearest = NULL;
    size_t length = strnlen(word, LONGEST_WORD + 1);
    int wrong = length < 6 ? 1 : (int)(length / 3); /* so many letters may be */
    int least = wrong + 1;
    for (int i = 0; i < n_known && length <= LONGEST_WORD; i++) {
        size_t known_length = strnlen(known[i], LONGEST_WORD + 1);
        if (known_length > LONGEST_WORD)
            continue;
        int distance = edit_distance(word, known[i]);
        bool keeps_a_letter = distance < (int)known_length;
        if (keeps_a_letter && distance < least) {
            nearest = known[i];
            least = distance;
        }
    }
    return nearest;
}

const char *dse_words_join(const char *const *words, int n_words, char *out, size_t size) {
    size_t used = 0;
    dse_assert(size > 0);
    out[0] = '\0';
    for (int i = 0; i < n_words && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", words[i]);
    return out;
}

/* ---- characters ---- */

size_t dse_utf8_next(const char *text, size_t length, uint32_t *code) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* of so many bytes */
    if (length == 0)
        return 0;
    unsigned char lead = (unsigned char)text[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (n == 0 || lead > 0xf4 || n > length)
        return 0;
    uint32_t value = n == 1 ? lead : lead & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3f);
    }
    if (value < smallest[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return n;
}

bool dse_utf8_is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}
