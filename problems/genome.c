/* Genomes as text, and their bounds. */
#include "problems/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "-2.2250738585072014e-308" is the longest number. */
enum { NUMBER_SIZE = 32, MOST_DIGITS = 17 };
/* Whole numbers beyond are not all doubles, so digits would promise too much. */
static const double LARGEST_PRINTED_WHOLE = 0x1p53;

void dse_space_fini(struct dse_space *space) {
    dse_free(space->genes);
    *space = (struct dse_space){0};
}

static void print_number(double x, char out[NUMBER_SIZE]) {
    dse_assert(isfinite(x));
    if (x == trunc(x) && fabs(x) <= LARGEST_PRINTED_WHOLE) {
        (void)snprintf(out, NUMBER_SIZE, "%.0f", x + 0.0); /* -0 + 0 is 0 */
        return;
    }
    for (int digits = 1; digits <= MOST_DIGITS; digits++) {
        (void)snprintf(out, NUMBER_SIZE, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
    dse_assert(!"17 significant digits determine a double");
}

void dse_genome_print(const double *genome, int n_genes, struct dse_buf *out) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < n_genes; i++) {
        char number[NUMBER_SIZE];
        print_number(genome[i], number);
        dse_buf_printf(out, "%s%s", i == 0 ? "" : ",", number);
    }
    dse_buf_puts(out, "]");
}

/* Reads one number that ends before `,`, `]` or the text's end; false when it is not canonical. */
static bool read_number(const char *text, size_t length, double *x) {
    char number[NUMBER_SIZE], canonical[NUMBER_SIZE];
    if (length == 0 || length >= sizeof number)
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    char *end;
    double value = strtod(number, &end);
    if (end != number + length || !isfinite(value))
        return false;
    print_number(value, canonical);
    if (strcmp(number, canonical) != 0)
        return false;
    *x = value;
    return true;
}

/* Walks over the text; writes to genome unless it is NULL. */
static enum dse_status walk_genome(const char *text, double *genome, int n_genes,
                                   struct dse_err *err) {
    const char *at = text;
    if (*at++ != '[')
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not start with [", text);
    for (int i = 0; i < n_genes; i++) {
        if (i > 0 && *at++ != ',')
            DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" has %d genes, not %d", text, i, n_genes);
        size_t length = strcspn(at, ",]");
        double x;
        if (!read_number(at, length, &x))
            DSE_FAIL(err, DSE_INVALID, "genome: gene %d is \"%.*s\", not a number as it is printed",
                     i, (int)(length < 40 ? length : 40), at);
        if (genome != NULL)
            genome[i] = x;
        at += length;
    }
    if (strcmp(at, "]") != 0)
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not end with ] after %d genes", text,
                 n_genes);
    return DSE_OK;
}

enum dse_status dse_genome_parse(const char *text, double *genome, int n_genes,
                                 struct dse_err *err) {
    /* Twice, so that genome is untouched when the text is wrong. */
    DSE_TRY(walk_genome(text, NULL, n_genes, err));
    return walk_genome(text, genome, n_genes, err);
}

bool dse_genome_fits(const struct dse_space *space, const double *genome) {
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (!(genome[i] >= gene->lower && genome[i] <= gene->upper)) /* NaN does not fit */
            return false;
        if (gene->type != DSE_GENE_FLOAT && genome[i] != trunc(genome[i]))
            return false;
    }
    return true;
}

/* To the nearest whole number without a call. Adding 1.5 * 2^52 leaves no place for a fraction;
 * from 2^51 on there is none to lose. */
static double round_half_even(double x) {
    return fabs(x) < 0x1p51 ? (x + 0x1.8p52) - 0x1.8p52 : nearbyint(x);
}

void dse_genome_repair(const struct dse_space *space, double *genome) {
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        double x = genome[i] > gene->lower ? genome[i] : gene->lower; /* NaN becomes lower */
        x = x < gene->upper ? x : gene->upper;
        genome[i] = gene->type == DSE_GENE_FLOAT ? x : round_half_even(x);
    }
}
