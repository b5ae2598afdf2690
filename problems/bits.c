/* Bits of layers: which of them vary, between which bounds, and which share a gene. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problems/problems_internal.h"

enum { BITS_LEAST = 2, BITS_MOST = 16 };
enum side { INPUT, WEIGHT, SIDES };

/* ---- genes ---- */

struct dse_gene *problems__next_gene(struct dse_space *space, enum dse_gene_type type, double lower,
                                     double upper) {
    struct dse_gene *gene = &space->genes[space->n_genes++];
    *gene = (struct dse_gene){.type = type, .lower = lower, .upper = upper};
    return gene;
}

/* Of a layer name that is too long the end stays: that is where names of one network differ. */
static void name_gene(struct dse_gene *gene, const char *layer, const char *what) {
    size_t room = sizeof gene->name - strlen(what) - sizeof ".";
    size_t length = strlen(layer), kept = length < room ? length : room;
    memcpy(gene->name, layer + (length - kept), kept);
    gene->name[kept] = '.';
    memcpy(gene->name + kept + 1, what, strlen(what) + 1);
}

/* ---- settings ---- */

struct bounds {
    int least, most;
};

static struct bounds bounds_of(const struct dse_problem_settings *settings, enum side side) {
    struct bounds bounds = {settings->bits_min, settings->bits_max};
    int least = side == INPUT ? settings->input_bits_min : settings->weight_bits_min;
    int most = side == INPUT ? settings->input_bits_max : settings->weight_bits_max;
    if (least > 0 && !settings->shared_bits)
        bounds = (struct bounds){least, most};
    return bounds;
}

enum dse_status problems__check_bits(const struct dse_problem_settings *settings,
                                     struct dse_err *err) {
    for (int side = 0; side < SIDES; side++) {
        struct bounds bounds = bounds_of(settings, (enum side)side);
        if (bounds.least < BITS_LEAST || bounds.least > BITS_MOST)
            DSE_FAIL(err, DSE_INVALID, "problem.bits_min is %d; allowed are %d to %d", bounds.least,
                     BITS_LEAST, BITS_MOST);
        if (bounds.most < BITS_LEAST || bounds.most > BITS_MOST)
            DSE_FAIL(err, DSE_INVALID, "problem.bits_max is %d; allowed are %d to %d", bounds.most,
                     BITS_LEAST, BITS_MOST);
        if (bounds.least > bounds.most)
            DSE_FAIL(err, DSE_INVALID,
                     "problem.bits_min is %d and problem.bits_max is %d; "
                     "bits_min must not be the larger",
                     bounds.least, bounds.most);
    }
    return DSE_OK;
}

/* ---- layers that do not vary ---- */

enum { PATTERN_SIZE = 256 };

struct fixed {
    char pattern[PATTERN_SIZE];
    bool of[SIDES];
    int bits;
};

static const char *next_word(const char **at, size_t *length) {
    const char *word = *at + strspn(*at, " \t");
    *length = strcspn(word, " \t");
    *at = word + *length;
    return word;
}

static bool is_word(const char *word, size_t length, const char *text) {
    return strlen(text) == length && memcmp(word, text, length) == 0;
}

static bool read_bits(const char *word, size_t length, int *bits) {
    *bits = 0;
    if (is_word(word, length, "float"))
        return true;
    for (size_t i = 0; i < length && i < 3; i++) {
        if (word[i] < '0' || word[i] > '9')
            return false;
        *bits = 10 * *bits + (word[i] - '0');
    }
    return length > 0 && *bits >= BITS_LEAST && *bits <= BITS_MOST;
}

static enum dse_status read_fixed(const char *text, struct fixed *fixed, struct dse_err *err) {
    const char *at = text;
    size_t name_length, length;
    struct fixed read = {.of = {true, true}};
    const char *name = next_word(&at, &name_length);
    const char *word = next_word(&at, &length);
    bool is_input = is_word(word, length, "input"), is_weight = is_word(word, length, "weight");
    if (is_input || is_weight) {
        read.of[INPUT] = is_input;
        read.of[WEIGHT] = is_weight;
        word = next_word(&at, &length);
    }
    if (name_length == 0 || name_length >= PATTERN_SIZE || !read_bits(word, length, &read.bits) ||
        at[strspn(at, " \t")] != '\0')
        DSE_FAIL(err, DSE_INVALID,
                 "\"%.100s\" is not of the form \"LAYER BITS\", \"LAYER input BITS\" or \"LAYER "
                 "weight BITS\" with bits %d to %d or float",
                 text, BITS_LEAST, BITS_MOST);
    memcpy(read.pattern, name, name_length);
    *fixed = read;
    return DSE_OK;
}

enum dse_status dse_problem_check_fixed(const char *text, struct dse_err *err) {
    struct fixed fixed;
    return read_fixed(text, &fixed, err);
}

static bool is_meant(const char *pattern, const struct dse_model_facts *model, int layer) {
    if (strcmp(pattern, "first") == 0)
        return layer == 0;
    if (strcmp(pattern, "last") == 0)
        return layer == model->n_layers - 1;
    return fnmatch(pattern, model->layers[layer].name, FNM_NOESCAPE) == 0;
}

static enum dse_status fail_no_layer(const char *what, const char *pattern,
                                     const struct dse_model_facts *model, struct dse_err *err) {
    enum { SHOWN = 12 };
    const char *names[SHOWN];
    char joined[700];
    int n = model->n_layers < SHOWN ? model->n_layers : SHOWN;
    for (int i = 0; i < n; i++)
        names[i] = model->layers[i].name;
    const char *meant = dse_word_nearest(pattern, names, n);
    DSE_FAIL(err, DSE_INVALID, "%s: no layer is called \"%.60s\"%s%s%s. Layers: %s%s", what,
             pattern, meant != NULL ? "; did you mean \"" : "", meant != NULL ? meant : "",
             meant != NULL ? "\"" : "", dse_words_join(names, n, joined, sizeof joined),
             n < model->n_layers ? ", ..." : "");
}

static enum dse_status apply_fixed(const struct dse_problem_settings *settings,
                                   const struct dse_model_facts *model,
                                   struct dse_bits_source *sources, struct dse_err *err) {
    for (int i = 0; i < settings->n_fixed; i++) {
        struct fixed fixed;
        bool any = false;
        DSE_TRY(read_fixed(settings->fixed[i], &fixed, err));
        for (int l = 0; l < model->n_layers; l++) {
            if (!is_meant(fixed.pattern, model, l))
                continue;
            any = true;
            for (int side = 0; side < SIDES; side++)
                if (fixed.of[side])
                    sources[SIDES * l + side] = (struct dse_bits_source){-1, fixed.bits};
        }
        if (!any)
            return fail_no_layer("problem.fixed", fixed.pattern, model, err);
    }
    return DSE_OK;
}

/* ---- layers that share their genes ---- */

/* group[layer]: number of the group, from 0, or -1. */
static enum dse_status find_groups(const struct dse_problem_settings *settings,
                                   const struct dse_model_facts *model, int *group,
                                   struct dse_err *err) {
    for (int l = 0; l < model->n_layers; l++)
        group[l] = -1;
    for (int g = 0; g < settings->n_groups; g++) {
        const char *at = settings->groups[g], *word;
        size_t length;
        while (word = next_word(&at, &length), length > 0) {
            char pattern[PATTERN_SIZE] = "";
            bool any = false;
            memcpy(pattern, word, length < PATTERN_SIZE ? length : PATTERN_SIZE - 1);
            for (int l = 0; l < model->n_layers; l++) {
                if (!is_meant(pattern, model, l))
                    continue;
                if (group[l] >= 0 && group[l] != g)
                    DSE_FAIL(err, DSE_INVALID, "problem.groups: layer \"%.60s\" is in two groups",
                             model->layers[l].name);
                group[l] = g;
                any = true;
            }
            if (!any)
                return fail_no_layer("problem.groups", pattern, model, err);
        }
    }
    return DSE_OK;
}

/* ---- all of it ---- */

static int add_gene(const struct dse_problem_settings *settings, const char *layer, enum side side,
                    struct dse_space *space) {
    static const char *const names[] = {"input_bits", "weight_bits"};
    struct bounds bounds = bounds_of(settings, side);
    struct dse_gene *gene = problems__next_gene(space, DSE_GENE_INT, bounds.least,
                                                bounds.most + (settings->float_choice ? 1 : 0));
    name_gene(gene, layer, settings->shared_bits ? "bits" : names[side]);
    return space->n_genes - 1;
}

/* The gene of the first layer before that shares with this one, or of its own other side; -1. */
static int shared_gene(const struct dse_problem_settings *settings,
                       const struct dse_bits_source *sources, const int *group, int layer,
                       enum side side) {
    for (int l = 0; l <= layer; l++) {
        if (l != layer && (group[l] < 0 || group[l] != group[layer]))
            continue;
        for (int s = 0; s < SIDES; s++)
            if ((s == (int)side || settings->shared_bits) && sources[SIDES * l + s].gene >= 0)
                return sources[SIDES * l + s].gene;
    }
    return -1;
}

static void assign_genes(const struct dse_problem_settings *settings,
                         const struct dse_model_facts *model, const int *group,
                         struct dse_space *space) {
    struct dse_bits_source *sources = space->sources;
    for (int l = 0; l < model->n_layers; l++)
        for (int side = 0; side < SIDES; side++) {
            struct dse_bits_source *source = &sources[SIDES * l + side];
            struct bounds bounds = bounds_of(settings, (enum side)side);
            if (source->bits >= 0)
                continue;
            int gene = shared_gene(settings, sources, group, l, (enum side)side);
            if (gene < 0)
                gene = add_gene(settings, model->layers[l].name, (enum side)side, space);
            *source = (struct dse_bits_source){gene, settings->float_choice ? bounds.most + 1 : 0};
        }
}

enum dse_status problems__add_bits(const struct dse_problem_settings *settings,
                                   const struct dse_model_facts *model, struct dse_space *space,
                                   struct dse_err *err) {
    size_t n = (size_t)model->n_layers;
    int *group = dse_alloc(n, sizeof *group);
    space->sources = dse_alloc(SIDES * n, sizeof *space->sources);
    if (group == NULL || space->sources == NULL) {
        dse_free(group);
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", model->n_layers);
    }
    for (size_t i = 0; i < SIDES * n; i++)
        space->sources[i] = (struct dse_bits_source){-1, -1};
    enum dse_status status = apply_fixed(settings, model, space->sources, err);
    if (status == DSE_OK)
        status = find_groups(settings, model, group, err);
    if (status == DSE_OK)
        assign_genes(settings, model, group, space);
    dse_free(group);
    return status;
}

int problems__bits_of(const struct dse_space *space, const double *genome, int source) {
    if (space->sources == NULL)
        return space->bits;
    const struct dse_bits_source *from = &space->sources[source];
    if (from->gene < 0)
        return from->bits;
    int value = (int)genome[from->gene];
    return value == from->bits ? 0 : value;
}
