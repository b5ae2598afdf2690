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
        dse_buf_puts(out, i == 0 ? "" : ",");
        dse_buf_puts(out, number);
    }
    dse_buf_puts(out, "]");
}

/* *length: of the text before `,`, `]` or the end. Is it a decimal number? */
static bool read_gene(const char *text, double *value, size_t *length) {
    const char *end;
    *value = dse_number_read(text, &end);
    *length = strcspn(text, ",]");
    return *length > 0 && strspn(text, "0123456789.e+-") == *length && end == text + *length &&
           isfinite(*value);
}

enum dse_status dse_genome_parse(const char *text, double *genome, int n_genes,
                                 struct dse_err *err) {
    const char *at = text;
    if (*at++ != '[')
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not start with [", text);
    for (int i = 0; i < n_genes; i++) {
        size_t length;
        if (i > 0 && *at++ != ',')
            DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" has %d genes, not %d", text, i, n_genes);
        if (!read_gene(at, &genome[i], &length))
            DSE_FAIL(err, DSE_INVALID, "genome: gene %d is \"%.*s\", not a number", i,
                     (int)(length < 40 ? length : 40), at);
        at += length;
    }
    if (strcmp(at, "]") != 0)
        DSE_FAIL(err, DSE_INVALID, "genome \"%.100s\" does not end with ] after %d genes", text,
                 n_genes);
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
