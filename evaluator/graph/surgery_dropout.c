/* Dropouts on the inputs of layers, and branches of what depends on them. */
#include <limits.h>
#include <string.h>

#include "evaluator/graph/surgery.h"

enum { MIN_OPSET_ACTIVE = 12 /* ONNX, Dropout: training_mode came with it */ };

/* ---- layers ---- */

/* Constants are initializers or made by Constant nodes. */
static bool is_constant(const struct dse_onnx *model, const char *value) {
    if (dse_onnx_is_constant(model, value))
        return true;
    int producer = dse_onnx_find_producer(model, value);
    return producer >= 0 && strcmp(dse_onnx_node(model, producer).op, "Constant") == 0;
}

bool dse_surgery_is_layer(const struct dse_onnx *model, int node) {
    struct dse_onnx_node n = dse_onnx_node(model, node);
    bool has_weights = strcmp(n.op, "Conv") == 0 || strcmp(n.op, "ConvTranspose") == 0 ||
                       strcmp(n.op, "Gemm") == 0;
    if (has_weights)
        return n.n_inputs >= 2;
    return strcmp(n.op, "MatMul") == 0 && n.n_inputs == 2 && is_constant(model, n.inputs[1]);
}

/* Indices of the layers' nodes, NULL without memory; *n of them. */
static int *list_layers(const struct dse_onnx *model, int *n) {
    int *nodes = dse_alloc((size_t)dse_onnx_n_nodes(model), sizeof *nodes);
    *n = 0;
    for (int i = 0; nodes != NULL && i < dse_onnx_n_nodes(model); i++)
        if (dse_surgery_is_layer(model, i))
            nodes[(*n)++] = i;
    return nodes;
}

/* "/layer1/conv1/Conv" is also "layer1/conv1". */
static bool is_called(const struct dse_onnx *model, int node, const char *name) {
    const char *label = dse_onnx_node_label(model, node);
    if (strcmp(label, name) == 0)
        return true;
    size_t length = strlen(name);
    label += label[0] == '/';
    const char *op = dse_onnx_node(model, node).op;
    return strncmp(label, name, length) == 0 &&
           (label[length] == '\0' || (label[length] == '/' && strcmp(label + length + 1, op) == 0));
}

/* Index in the layers, -1: it is no preset. */
static int find_preset(const char *name, int n_layers, double *rate) {
    enum preset {
#define X(id, text, preset_rate, help) PRESET_##id,
        DSE_DROPOUT_PRESETS(X)
#undef X
            PRESETS
    };
    static const struct {
        const char *name;
        double rate;
    } presets[] = {
#define X(id, text, preset_rate, help) {text, preset_rate},
        DSE_DROPOUT_PRESETS(X)
#undef X
    };
    int firsts[PRESETS] = {
        [PRESET_last_layer] = n_layers - 1,
        [PRESET_partial] = (n_layers - 1) / 2,
        [PRESET_full] = n_layers > 1 ? 1 : 0,
    };
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            *rate = presets[i].rate;
            return firsts[i];
        }
    }
    return -1;
}

static enum dse_status fail_unknown_layer(const struct dse_onnx *model, const int *layers, int n,
                                          const char *name, struct dse_err *err) {
    const char **labels = dse_alloc((size_t)n, sizeof *labels);
    for (int i = 0; labels != NULL && i < n; i++)
        labels[i] = dse_onnx_node_label(model, layers[i]);
    const char *nearest = labels == NULL ? NULL : dse_word_nearest(name, labels, n);
    dse_free(labels);
    if (nearest != NULL)
        DSE_FAIL(err, DSE_NOT_FOUND,
                 "no convolution or dense layer '%s'; did you mean '%s'? (pareto-model inspect "
                 "lists them)",
                 name, nearest);
    DSE_FAIL(err, DSE_NOT_FOUND,
             "no convolution or dense layer '%s'; pareto-model inspect lists them, from '%s' to "
             "'%s'",
             name, dse_onnx_node_label(model, layers[0]),
             dse_onnx_node_label(model, layers[n - 1]));
}

enum dse_status dse_surgery_find_start(const struct dse_onnx *model, const char *start, int *node,
                                       double *rate, struct dse_err *err) {
    int n = 0;
    int *layers = list_layers(model, &n);
    enum dse_status status = DSE_OK;
    if (layers == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the layers");
    int found = n > 0 ? find_preset(start, n, rate) : -1;
    for (int i = 0; found < 0 && i < n; i++)
        if (is_called(model, layers[i], start))
            found = i;
    if (n == 0)
        status = dse_err_set(err, DSE_NOT_FOUND, "the model has no convolution or dense layer");
    else if (found < 0)
        status = fail_unknown_layer(model, layers, n, start, err);
    else
        *node = layers[found];
    dse_free(layers);
    return status;
}

/* ---- dropouts ---- */

struct dropout_names {
    const char *rate, *training;
};

static struct dropout_names add_constants(struct dse_onnx *model, double rate) {
    const float ratio = (float)rate;
    const uint8_t training = 1;
    struct dropout_names names = {dse_onnx_new_name(model, "dropout_rate"),
                                  dse_onnx_new_name(model, "dropout_active")};
    dse_onnx_add_constant(model, names.rate, DSE_ONNX_FLOAT, 0, NULL, &ratio);
    dse_onnx_add_constant(model, names.training, DSE_ONNX_BOOL, 0, NULL, &training);
    return names;
}

/* Before the layer at `node`, which moves up by one. */
static enum dse_status add_dropout(struct dse_onnx *model, int node,
                                   const struct dropout_names *names, struct dse_err *err) {
    struct dse_buf wish = {0};
    int producer = dse_onnx_find_producer(model, dse_onnx_node(model, node).inputs[0]);
    if (producer >= 0 && strcmp(dse_onnx_node(model, producer).op, "Dropout") == 0)
        DSE_FAIL(err, DSE_CONFLICT, "layer '%s' has a Dropout on its input already",
                 dse_onnx_node_label(model, node));
    dse_buf_printf(&wish, "%s/Dropout", dse_onnx_node_label(model, node));
    enum dse_status status = dse_buf_status(&wish, err);
    if (status == DSE_OK) {
        const char *name = dse_onnx_new_name(model, wish.data);
        const char *inputs[] = {dse_onnx_node(model, node).inputs[0], names->rate, names->training};
        struct dse_onnx_node dropout = {
            .name = name,
            .op = "Dropout",
            .inputs = inputs,
            .n_inputs = 3,
            .outputs = &name,
            .n_outputs = 1,
        };
        dse_onnx_insert_node(model, node, &dropout);
        status = dse_onnx_status(model, err);
        if (status == DSE_OK)
            dse_onnx_set_node_input(model, node + 1, 0, name);
    }
    dse_buf_fini(&wish);
    return status;
}

enum dse_status dse_surgery_add_dropouts(struct dse_onnx *model, int start, double rate, int *n,
                                         struct dse_err *err) {
    if (!(rate >= 0 && rate < 1))
        DSE_FAIL(err, DSE_INVALID, "a dropout rate of %g; it must be at least 0 and below 1", rate);
    if (dse_onnx_opset(model) < MIN_OPSET_ACTIVE)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "operator set %d, in which a Dropout cannot be active; export with %d or later",
                 dse_onnx_opset(model), MIN_OPSET_ACTIVE);
    struct dropout_names names = add_constants(model, rate);
    DSE_TRY(dse_onnx_status(model, err));
    int added = 0;
    for (int i = start; i < dse_onnx_n_nodes(model); i++) {
        if (!dse_surgery_is_layer(model, i))
            continue;
        DSE_TRY(add_dropout(model, i, &names, err));
        added++;
        i++; /* the layer itself, which has moved up */
    }
    *n = added;
    return dse_onnx_status(model, err);
}

/* ---- branches ---- */

/* The nodes that depend on a Dropout, and what their values are called in the branch that is made
 * now. */
struct tail {
    bool *is_in;                       /* by node */
    int n_nodes;                       /* of the model before any copy */
    const char **originals, **renamed; /* values of the tail */
    int n_values;
    const char *zero; /* a constant */
    const struct dse_surgery_masks *masks;
};

static bool reads_tail(const struct dse_onnx *model, const struct tail *tail, int node) {
    struct dse_onnx_node n = dse_onnx_node(model, node);
    for (int k = 0; k < n.n_inputs; k++)
        for (int i = 0; i < tail->n_values; i++)
            if (strcmp(tail->originals[i], n.inputs[k]) == 0)
                return true;
    return false;
}

static enum dse_status tail_init(struct tail *tail, const struct dse_onnx *model,
                                 struct dse_err *err) {
    int n_values = 0;
    tail->n_nodes = dse_onnx_n_nodes(model);
    for (int i = 0; i < tail->n_nodes; i++)
        n_values += dse_onnx_node(model, i).n_outputs;
    tail->is_in = dse_alloc((size_t)tail->n_nodes, sizeof *tail->is_in);
    tail->originals = dse_alloc((size_t)n_values, sizeof *tail->originals);
    tail->renamed = dse_alloc((size_t)n_values, sizeof *tail->renamed);
    if (tail->is_in == NULL || tail->originals == NULL || tail->renamed == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d nodes", tail->n_nodes);
    for (int i = 0; i < tail->n_nodes; i++) {
        struct dse_onnx_node n = dse_onnx_node(model, i);
        tail->is_in[i] = strcmp(n.op, "Dropout") == 0 || reads_tail(model, tail, i);
        for (int k = 0; tail->is_in[i] && k < n.n_outputs; k++)
            tail->originals[tail->n_values++] = n.outputs[k];
    }
    if (tail->n_values == 0)
        DSE_FAIL(err, DSE_NOT_FOUND,
                 "the model has no Dropout, so nothing differs from branch to branch; "
                 "pareto-model mcdo puts some in");
    return DSE_OK;
}

static void tail_fini(struct tail *tail) {
    dse_free(tail->is_in);
    dse_free(tail->originals);
    dse_free(tail->renamed);
}

/* A name of the model's for `original` in a branch; NULL without memory. */
static const char *branch_name(struct dse_onnx *model, const char *original, int branch) {
    struct dse_buf wish = {0};
    const char *name = NULL;
    dse_buf_printf(&wish, "%s_branch_%d", original, branch);
    if (!wish.failed)
        name = dse_onnx_new_name(model, wish.data);
    dse_buf_fini(&wish);
    return name == NULL || dse_onnx_status(model, NULL) != DSE_OK ? NULL : name;
}

static const char *renamed_value(const struct tail *tail, const char *value) {
    for (int i = 0; i < tail->n_values; i++)
        if (value[0] != '\0' && strcmp(tail->originals[i], value) == 0)
            return tail->renamed[i];
    return NULL;
}

/* The copy of a Dropout at `at` drops what it drops, and nobody can take it out: it has a seed of
 * its own, because optimisers merge equal nodes, and its mask is read, because ONNX Runtime removes
 * a Dropout otherwise, be it active or not. So y becomes Where(mask, y', 0). */
static enum dse_status guard_dropout(struct dse_onnx *model, const struct tail *tail, int at,
                                     struct dse_err *err) {
    const char *result = dse_onnx_node(model, at).outputs[0];
    const char *name = dse_onnx_new_name(model, "guard");
    const char *drawn = dse_onnx_new_name(model, "drawn");
    dse_onnx_set_node_output(model, at, 0, drawn);
    const char *mask = dse_onnx_new_name(model, "mask");
    if (dse_onnx_node(model, at).n_outputs < 2)
        dse_onnx_append_output(model, at, mask);
    DSE_TRY(dse_onnx_status(model, err));
    const char *inputs[] = {dse_onnx_node(model, at).outputs[1], drawn, tail->zero};
    struct dse_onnx_node where = {
        .name = name,
        .op = "Where",
        .inputs = inputs,
        .n_inputs = 3,
        .outputs = &result,
        .n_outputs = 1,
    };
    dse_onnx_append_node(model, &where);
    dse_onnx_set_int(model, at, "seed", at - tail->n_nodes + 1);
    return dse_onnx_status(model, err);
}

/* The copy of Dropout `source` at `at` becomes the product with its mask. */
static enum dse_status fix_dropout(struct dse_onnx *model, const struct tail *tail, int source,
                                   int branch, int at, struct dse_err *err) {
    struct dse_surgery_mask mask;
    struct dse_onnx_node dropout = dse_onnx_node(model, at);
    const char *factors = dse_onnx_new_name(model, "mask");
    const char *inputs[] = {dropout.inputs[0], factors}, *result = dropout.outputs[0];
    struct dse_onnx_node product = {.name = dropout.name,
                                    .op = "Mul",
                                    .inputs = inputs,
                                    .n_inputs = 2,
                                    .outputs = &result,
                                    .n_outputs = 1};
    if (dropout.n_outputs > 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the mask of Dropout '%s' is read", dropout.name);
    DSE_TRY(tail->masks->draw(tail->masks->context, source, branch, &mask, err));
    dse_onnx_remove_node(model, at);
    dse_onnx_add_constant(model, factors, DSE_ONNX_FLOAT, mask.rank, mask.dims, mask.factors);
    dse_onnx_append_node(model, &product);
    return dse_onnx_status(model, err);
}

/* A copy of node `source` at the end, on the values of the branch. */
static enum dse_status copy_into_branch(struct dse_onnx *model, const struct tail *tail, int source,
                                        int branch, struct dse_err *err) {
    int at = dse_onnx_n_nodes(model);
    dse_onnx_copy_node(model, source, at);
    DSE_TRY(dse_onnx_status(model, err));
    struct dse_onnx_node n = dse_onnx_node(model, at);
    for (int k = 0; k < n.n_inputs; k++) {
        const char *renamed = renamed_value(tail, n.inputs[k]);
        if (renamed != NULL)
            dse_onnx_set_node_input(model, at, k, renamed);
    }
    for (int k = 0; k < n.n_outputs; k++) {
        const char *renamed = renamed_value(tail, n.outputs[k]);
        if (renamed != NULL)
            dse_onnx_set_node_output(model, at, k, renamed);
    }
    const char *name = n.name[0] == '\0' ? NULL : branch_name(model, n.name, branch);
    if (name != NULL)
        dse_onnx_set_node_name(model, at, name);
    if (strcmp(n.op, "Dropout") == 0 && tail->masks != NULL)
        return fix_dropout(model, tail, source, branch, at, err);
    if (strcmp(n.op, "Dropout") == 0)
        DSE_TRY(guard_dropout(model, tail, at, err));
    return dse_onnx_status(model, err);
}

static enum dse_status add_branch(struct dse_onnx *model, struct tail *tail, int branch,
                                  struct dse_err *err) {
    for (int i = 0; i < tail->n_values; i++) {
        tail->renamed[i] = branch_name(model, tail->originals[i], branch);
        if (tail->renamed[i] == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for branch %d", branch);
    }
    for (int i = 0; i < tail->n_nodes; i++)
        if (tail->is_in[i])
            DSE_TRY(copy_into_branch(model, tail, i, branch, err));
    /* Behind the outputs of the branches before, so that an output's branches stand together. */
    for (int i = 0; i < dse_onnx_n_outputs(model); i++) {
        const char *renamed = renamed_value(tail, dse_onnx_output_name(model, i));
        if (renamed == NULL)
            continue;
        dse_onnx_copy_output(model, i, i, renamed);
        i++;
    }
    return dse_onnx_status(model, err);
}

enum dse_status dse_surgery_branch(struct dse_onnx *model, int n,
                                   const struct dse_surgery_masks *masks, struct dse_err *err) {
    struct tail tail = {.masks = masks};
    dse_assert(n >= DSE_BRANCHES_MIN && n <= DSE_BRANCHES_MAX);
    const float zero = 0;
    enum dse_status status = tail_init(&tail, model, err);
    if (status == DSE_OK && masks == NULL) {
        tail.zero = dse_onnx_new_name(model, "dropped");
        dse_onnx_add_constant(model, tail.zero, DSE_ONNX_FLOAT, 0, NULL, &zero);
    }
    for (int branch = 0; status == DSE_OK && branch < n; branch++)
        status = add_branch(model, &tail, branch, err);
    if (status == DSE_OK) {
        for (int i = dse_onnx_n_outputs(model) - 1; i >= 0; i--)
            if (renamed_value(&tail, dse_onnx_output_name(model, i)) != NULL)
                dse_onnx_remove_output(model, i);
        for (int i = tail.n_nodes - 1; i >= 0; i--)
            if (tail.is_in[i])
                dse_onnx_remove_node(model, i);
    }
    tail_fini(&tail);
    return status;
}
