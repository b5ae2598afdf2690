/* Names of the ONNX graph: who makes them, who needs them. */
#include "evaluator/graph/graph_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *graph__text(const char *field) {
    return field == NULL ? "" : field;
}

const char *graph__node_name(const Onnx__NodeProto *node) {
    if (*graph__text(node->name) != '\0')
        return node->name;
    return node->n_output > 0 ? graph__text(node->output[0]) : "";
}

static int compare_symbols(const void *a, const void *b) {
    return strcmp(((const struct graph__symbol *)a)->name, ((const struct graph__symbol *)b)->name);
}

struct graph__symbol *graph__names_find(const struct graph__import *import, const char *name) {
    struct graph__symbol key = {.name = name};
    if (import->n_symbols == 0)
        return NULL;
    return bsearch(&key, import->symbols, import->n_symbols, sizeof key, compare_symbols);
}

static size_t count_names(const Onnx__GraphProto *onnx) {
    size_t n = onnx->n_initializer + onnx->n_input;
    for (size_t i = 0; i < onnx->n_node; i++)
        n += onnx->node[i]->n_output;
    return n;
}

static void append_symbol(struct graph__import *import, struct graph__symbol symbol) {
    symbol.value = -1;
    if (*symbol.name != '\0')
        import->symbols[import->n_symbols++] = symbol;
}

/* Older files list initializers among the inputs too: such a pair is one symbol. */
static enum dse_status merge_equal_names(struct graph__import *import, struct dse_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < import->n_symbols; i++) {
        struct graph__symbol *last = &import->symbols[n == 0 ? 0 : n - 1];
        struct graph__symbol *next = &import->symbols[i];
        if (n == 0 || strcmp(last->name, next->name) != 0) {
            import->symbols[n++] = *next;
            continue;
        }
        bool pair = last->node == SIZE_MAX && next->node == SIZE_MAX &&
                    (last->initializer == NULL) != (next->initializer == NULL);
        if (!pair)
            DSE_FAIL(err, DSE_INVALID, "'%s' is defined twice", next->name);
        if (last->initializer == NULL)
            last->initializer = next->initializer;
        last->input = NULL;
    }
    import->n_symbols = n;
    return DSE_OK;
}

static enum dse_status collect_symbols(struct graph__import *import, struct dse_err *err) {
    const Onnx__GraphProto *onnx = import->onnx;
    import->symbols = dse_arena_alloc(&import->arena, count_names(onnx), sizeof *import->symbols);
    if (import->symbols == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the names");
    for (size_t i = 0; i < onnx->n_initializer; i++)
        append_symbol(import,
                      (struct graph__symbol){.name = graph__text(onnx->initializer[i]->name),
                                             .node = SIZE_MAX,
                                             .initializer = onnx->initializer[i]});
    for (size_t i = 0; i < onnx->n_input; i++)
        append_symbol(import, (struct graph__symbol){.name = graph__text(onnx->input[i]->name),
                                                     .node = SIZE_MAX,
                                                     .input = onnx->input[i]});
    for (size_t i = 0; i < onnx->n_node; i++)
        for (size_t k = 0; k < onnx->node[i]->n_output; k++)
            append_symbol(import, (struct graph__symbol){
                                      .name = graph__text(onnx->node[i]->output[k]), .node = i});
    qsort(import->symbols, import->n_symbols, sizeof *import->symbols, compare_symbols);
    return merge_equal_names(import, err);
}

/* "exit0, exit1, logits", as far as it fits. */
static const char *list_outputs(const Onnx__GraphProto *onnx, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < onnx->n_output && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ",
                                 graph__text(onnx->output[i]->name));
    return out;
}

static enum dse_status find_output(struct graph__import *import, const char *output,
                                   struct graph__symbol **symbol, struct dse_err *err) {
    const Onnx__GraphProto *onnx = import->onnx;
    char known[512];
    if (onnx->n_output == 0)
        DSE_FAIL(err, DSE_INVALID, "the model has no output");
    if (*output == '\0' && onnx->n_output > 1)
        DSE_FAIL(err, DSE_NOT_FOUND, "the model has several outputs; name one of: %s",
                 list_outputs(onnx, known, sizeof known));
    for (size_t i = 0; i < onnx->n_output; i++) {
        const char *name = graph__text(onnx->output[i]->name);
        if (*output != '\0' && strcmp(output, name) != 0)
            continue;
        *symbol = graph__names_find(import, name);
        if (*symbol == NULL)
            DSE_FAIL(err, DSE_INVALID, "nothing computes the output '%s'", name);
        return DSE_OK;
    }
    DSE_FAIL(err, DSE_NOT_FOUND, "no output '%s'; the model has: %s", output,
             list_outputs(onnx, known, sizeof known));
}

/* Marks the nodes behind a symbol, with a stack of its own: the file decides how deep it goes.
 * stack has room for every node. */
static void mark_needed(struct graph__import *import, struct graph__symbol *output, size_t *stack) {
    const Onnx__GraphProto *onnx = import->onnx;
    size_t n = 0;
    output->uses++;
    if (output->node != SIZE_MAX && !import->needed[output->node]) {
        import->needed[output->node] = true;
        stack[n++] = output->node;
    }
    while (n > 0) {
        const Onnx__NodeProto *node = onnx->node[stack[--n]];
        import->n_needed++;
        bool reads = strcmp(graph__text(node->op_type), "Shape") != 0; /* it looks at no number */
        for (size_t k = 0; k < node->n_input; k++) {
            struct graph__symbol *symbol = graph__names_find(import, graph__text(node->input[k]));
            if (symbol == NULL)
                continue;
            symbol->uses += reads;
            if (symbol->node == SIZE_MAX || import->needed[symbol->node])
                continue;
            import->needed[symbol->node] = true;
            stack[n++] = symbol->node;
        }
    }
}

enum dse_status graph__names_collect(struct graph__import *import,
                                     const struct dse_graph_options *options, struct dse_err *err) {
    static const char *const only = "";
    bool named = options != NULL && options->n_outputs > 0;
    size_t n_nodes = import->onnx->n_node, n = named ? (size_t)options->n_outputs : 1;
    size_t *stack = dse_arena_alloc(&import->arena, n_nodes + 1, sizeof *stack);
    import->keep_dropout = options != NULL && options->keep_dropout;
    import->only_active_dropout = options != NULL && options->only_active_dropout;
    import->for_training = options != NULL && options->for_training;
    import->needed = dse_arena_alloc(&import->arena, n_nodes + 1, sizeof *import->needed);
    import->outputs = dse_arena_alloc(&import->arena, n, sizeof *import->outputs);
    if (stack == NULL || import->needed == NULL || import->outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu nodes", n_nodes);
    DSE_TRY(collect_symbols(import, err));
    for (size_t i = 0; i < n; i++) {
        const char *name = named ? options->outputs[i] : only;
        DSE_TRY(find_output(import, name, &import->outputs[i], err));
        for (size_t k = 0; k < i; k++)
            if (import->outputs[k] == import->outputs[i])
                DSE_FAIL(err, DSE_INVALID, "output '%s' is named twice", name);
        mark_needed(import, import->outputs[i], stack);
        import->n_outputs++;
    }
    return DSE_OK;
}
