/* Genes as the user writes them. */
#include "problems/problems.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char word_ends[] = " \t";

bool dse_value_name_is_good(const char *name, size_t length) {
    if (length == 0 || length >= DSE_METRIC_NAME_SIZE || isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("_.-", name[i]) == NULL)
            return false;
    return true;
}

/* The next word of text and its length; text moves behind it. */
static size_t next_word(const char **text, const char **word) {
    *word = *text + strspn(*text, word_ends);
    size_t length = strcspn(*word, word_ends);
    *text = *word + length;
    return length;
}

static bool word_is(const char *word, size_t length, const char *expected) {
    return strlen(expected) == length && strncmp(word, expected, length) == 0;
}

static enum dse_status fail_gene(const char *text, const char *why, struct dse_err *err) {
    DSE_FAIL(err, DSE_INVALID,
             "gene \"%.100s\": %s; write \"NAME int LOW HIGH\", \"NAME float LOW HIGH\" or "
             "\"NAME category A B ...\"",
             text, why);
}

static bool read_bound(const char **text, double *bound) {
    const char *word;
    char *end;
    size_t length = next_word(text, &word);
    *bound = strtod(word, &end);
    return length > 0 && strspn(word, "0123456789+-.eE") >= length && end == word + length &&
           isfinite(*bound);
}

static enum dse_status read_bounds(const char *text, const char *rest, struct dse_gene *gene,
                                   struct dse_err *err) {
    static const double range_max = 0x1p32;
    if (!read_bound(&rest, &gene->lower) || !read_bound(&rest, &gene->upper))
        return fail_gene(text, "two bounds are needed", err);
    if (rest[strspn(rest, word_ends)] != '\0')
        return fail_gene(text, "something stands after the bounds", err);
    if (gene->lower > gene->upper)
        return fail_gene(text, "the lower bound is above the upper one", err);
    if (gene->type == DSE_GENE_INT &&
        (gene->lower != trunc(gene->lower) || gene->upper != trunc(gene->upper)))
        return fail_gene(text, "the bounds of whole numbers must be whole", err);
    if (gene->type == DSE_GENE_INT && gene->upper - gene->lower >= range_max)
        return fail_gene(text, "the bounds are 2^32 apart or more", err);
    return DSE_OK;
}

static enum dse_status count_labels(const char *text, const char *rest, struct dse_gene *gene,
                                    struct dse_err *err) {
    const char *word;
    int n = 0;
    for (size_t length; (length = next_word(&rest, &word)) > 0; n++)
        if (!dse_value_name_is_good(word, length))
            return fail_gene(text,
                             "a label is made of letters, digits, _ . - and begins with none "
                             "of the digits",
                             err);
    if (n < 2)
        return fail_gene(text, "a category needs two labels or more", err);
    gene->upper = n - 1;
    return DSE_OK;
}

enum dse_status dse_gene_parse(const char *text, struct dse_gene *gene, const char **labels,
                               struct dse_err *err) {
    struct dse_gene read = {0};
    const char *rest = text, *word;
    size_t length = next_word(&rest, &word);
    if (!dse_value_name_is_good(word, length))
        return fail_gene(text, "it must begin with a name of letters, digits, _ . -", err);
    (void)snprintf(read.name, sizeof read.name, "%.*s", (int)length, word);
    length = next_word(&rest, &word);
    bool category = word_is(word, length, "category");
    if (!category && !word_is(word, length, "int") && !word_is(word, length, "float"))
        return fail_gene(text, "the second word is not int, float or category", err);
    read.type = category ? DSE_GENE_CATEGORY : word[0] == 'i' ? DSE_GENE_INT : DSE_GENE_FLOAT;
    if (category)
        DSE_TRY(count_labels(text, rest, &read, err));
    else
        DSE_TRY(read_bounds(text, rest, &read, err));
    *gene = read;
    if (labels != NULL)
        *labels = category ? rest : NULL;
    return DSE_OK;
}

const char *dse_gene_label(const char *labels, int value, char *out, size_t size) {
    const char *word = labels;
    size_t length = 0;
    for (int i = 0; i <= value; i++)
        length = next_word(&labels, &word);
    (void)snprintf(out, size, "%.*s", (int)length, word);
    return out;
}
