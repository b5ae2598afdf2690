/* Genomes as text, and their bounds. */
#include "problems/problems.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dse_space_fini(struct dse_space *space) {
    dse_free(space->genes);
    dse_free(space->sources);
    dse_free(space->sites);
    *space = (struct dse_space){0};
}

void dse_genome_print(const double *genome, int n_genes, struct dse_buf *out) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < n_genes; i++) {
        char number[DSE_NUMBER_SIZE];
        dse_number_print(genome[i], number);
        dse_buf_printf(out, "%s%s", i == 0 ? "" : ",", number);
    }
    dse_buf_puts(out, "]");
}

/* Is there a canonical number that ends before `,`, `]` or the text's end? */
static bool is_canonical(const char *text, size_t length) {
    char canonical[DSE_NUMBER_SIZE];
    const char *end;
    double value = dse_number_read(text, &end);
    if (length == 0 || end != text + length || !isfinite(value))
        return false;
    dse_number_print(value, canonical);
    return strncmp(text, canonical, length) == 0 && canonical[length] == '\0';
}

static enum dse_status check_genome(const char *text, int n_genes, struct dse_err *err) {
    const char *at = text;
    if (*at++ != '[')
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not start with [", text);
    for (int i = 0; i < n_genes; i++) {
        if (i > 0 && *at++ != ',')
            DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" has %d genes, not %d", text, i, n_genes);
        size_t length = strcspn(at, ",]");
        if (!is_canonical(at, length))
            DSE_FAIL(err, DSE_INVALID, "genome: gene %d is \"%.*s\", not a number as it is printed",
                     i, (int)(length < 40 ? length : 40), at);
        at += length;
    }
    if (strcmp(at, "]") != 0)
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not end with ] after %d genes", text,
                 n_genes);
    return DSE_OK;
}

enum dse_status dse_genome_parse(const char *text, double *genome, int n_genes,
                                 struct dse_err *err) {
    DSE_TRY(check_genome(text, n_genes, err));
    for (int i = 0; i < n_genes; i++)
        genome[i] = dse_number_read(text + 1, &text); /* behind [ or , */
    return DSE_OK;
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
