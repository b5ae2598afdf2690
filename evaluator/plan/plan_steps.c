/* From nodes to steps. A layer takes in the sum and the Relu (or other activation) behind it, when
 * nothing else reads the values between: the loop that turns sums into float32 does them on the
 * way. Such a step stands where its last node stands, so that all it reads has been computed. */
#include "evaluator/plan/plan_internal.h"

#include <limits.h>

struct compiler {
    struct dse_plan *plan;
    const struct dse_graph *graph;
    int *readers;     /* of a value; the network's outputs count as read */
    int *reader;      /* the node that reads it last */
    int *layer_of;    /* a node; -1: none */
    bool *swallowed;  /* nodes that are part of a later node's step */
    int *chain_start; /* by last node of a chain: its first; -1: the node itself */
};

int plan__shared_input(const struct dse_node *node) {
    if (node->op == DSE_OP_FLATTEN)
        return 0;
    return node->op == DSE_OP_TENSOR && node->tensor->kind == DSE_TENSOR_PUT && node->inputs[1] >= 0
               ? 1
               : -1;
}

static bool is_layer(const struct compiler *compiler, int node) {
    return node >= 0 && compiler->layer_of[node] >= 0;
}

/* The node that reads the value, when only one does; else -1. */
static int sole_reader(const struct compiler *compiler, int value) {
    return compiler->readers[value] == 1 ? compiler->reader[value] : -1;
}

static void count_readers(struct compiler *compiler) {
    const struct dse_graph *graph = compiler->graph;
    for (int i = 0; i < graph->n_nodes; i++) {
        compiler->layer_of[i] = -1;
        compiler->chain_start[i] = -1;
        for (int k = 0; k < 2; k++) {
            int value = graph->nodes[i].inputs[k];
            if (value < 0)
                continue;
            compiler->readers[value]++;
            compiler->reader[value] = i;
        }
    }
    for (int i = 0; i < graph->n_outputs; i++) {
        compiler->readers[graph->outputs[i]]++;
        compiler->reader[graph->outputs[i]] = -1;
    }
    for (int i = 0; i < graph->n_layers; i++)
        compiler->layer_of[graph->layers[i]] = i;
}

/* Of the layers that feed only this sum, the later one; -1: none. */
static int layer_before_sum(const struct compiler *compiler, const struct dse_node *sum) {
    int found = -1;
    for (int k = 0; k < 2; k++) {
        int producer = compiler->graph->values[sum->inputs[k]].producer;
        bool only_for_sum = is_layer(compiler, producer) && compiler->readers[sum->inputs[k]] == 1;
        if (only_for_sum && producer > found)
            found = producer;
    }
    return found;
}

static void extend_chain(struct compiler *compiler, int from, int to) {
    int start = compiler->chain_start[from];
    compiler->swallowed[from] = true;
    compiler->chain_start[to] = start >= 0 ? start : from;
}

static bool is_activation(const struct dse_node *node) {
    return node->op == DSE_OP_RELU || node->op == DSE_OP_ACTIVATION;
}

/* Chains are layer, layer + sum, layer + activation, layer + sum + activation, sum + activation. */
static void find_chains(struct compiler *compiler) {
    const struct dse_graph *graph = compiler->graph;
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        if (node->op == DSE_OP_ADD) {
            int layer = layer_before_sum(compiler, node);
            if (layer >= 0)
                extend_chain(compiler, layer, i);
        } else if (is_activation(node)) {
            int producer = graph->values[node->inputs[0]].producer;
            bool sole = sole_reader(compiler, node->inputs[0]) == i;
            if (sole && producer >= 0 &&
                (is_layer(compiler, producer) || graph->nodes[producer].op == DSE_OP_ADD))
                extend_chain(compiler, producer, i);
        }
    }
}

/* The value that the chain's sum adds to the result of its first node; -1: it has no sum. */
static int added_value(const struct compiler *compiler, int start, int last) {
    const struct dse_node *nodes = compiler->graph->nodes;
    const struct dse_node *sum = &nodes[last];
    if (is_activation(sum) && last != start)
        sum = &nodes[compiler->graph->values[sum->inputs[0]].producer];
    if (sum->op != DSE_OP_ADD)
        return -1;
    if (sum == &nodes[start])
        return sum->inputs[1];
    return sum->inputs[0] == nodes[start].output ? sum->inputs[1] : sum->inputs[0];
}

static void emit_steps(struct compiler *compiler) {
    struct dse_plan *plan = compiler->plan;
    const struct dse_graph *graph = compiler->graph;
    int n_ordered = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *last = &graph->nodes[i];
        if (compiler->swallowed[i] || last->op == DSE_OP_FLATTEN)
            continue;
        int start = compiler->chain_start[i] >= 0 ? compiler->chain_start[i] : i;
        int layer = compiler->layer_of[start];
        plan->steps[plan->n_steps] = (struct plan__step){
            .node = &graph->nodes[start],
            .layer = layer,
            .add = added_value(compiler, start, i),
            .relu = last->op == DSE_OP_RELU,
            .activation = last->op == DSE_OP_ACTIVATION ? &last->activation : NULL,
            .output = last->output,
            .feeds = -1,
        };
        if (layer >= 0) {
            plan->layers[layer].step = plan->n_steps;
            plan->layer_order[n_ordered++] = layer;
        }
        plan->n_steps++;
    }
    dse_assert(n_ordered == graph->n_layers);
}

/* The value that holds the numbers: a flatten moves nothing. */
static int held_by(const struct dse_graph *graph, int value) {
    int producer = graph->values[value].producer;
    while (producer >= 0 && graph->nodes[producer].op == DSE_OP_FLATTEN) {
        value = graph->nodes[producer].inputs[0];
        producer = graph->values[value].producer;
    }
    return value;
}

/* Step `to` reads what step `from` makes. The first layer to do so gets its integers from there,
 * when it takes them as they are, without a split. */
static void connect(struct dse_plan *plan, int from, int to) {
    struct plan__step *maker = &plan->steps[from], *reader = &plan->steps[to];
    int input = reader->node->inputs[0];
    bool is_input = input >= 0 && held_by(plan->graph, input) == maker->output;
    bool is_added = reader->add >= 0 && held_by(plan->graph, reader->add) == maker->output;
    if (is_input && reader->layer >= 0)
        plan->layers[reader->layer].source = from;
    bool can_feed = maker->layer >= 0 && (maker->relu || maker->activation != NULL) &&
                    maker->feeds < 0 && reader->layer >= 0 && !plan->layers[reader->layer].splits;
    if (is_input && can_feed)
        maker->feeds = reader->layer;
    else
        maker->read |= is_input;
    maker->read |= is_added;
}

static bool is_result(const struct dse_graph *graph, int value) {
    for (int i = 0; i < graph->n_outputs; i++)
        if (held_by(graph, graph->outputs[i]) == value)
            return true;
    return false;
}

/* Does the node stand for, or share the place of, the value it reads? */
static bool is_alias(const struct dse_node *node, int value) {
    int shared = plan__shared_input(node);
    return shared >= 0 && node->inputs[shared] == value;
}

static int find_last_reader(const struct dse_plan *plan, int from) {
    const struct dse_graph *graph = plan->graph;
    int value = plan->steps[from].output, last = from;
    if (plan->steps[from].layer < 0 || is_result(graph, value))
        return INT_MAX;
    for (int i = 0; i < graph->n_nodes; i++)
        if (is_alias(&graph->nodes[i], value))
            return INT_MAX;
    for (int to = from + 1; to < plan->n_steps; to++) {
        const struct plan__step *step = &plan->steps[to];
        if (step->node->inputs[0] == value || step->node->inputs[1] == value || step->add == value)
            last = to;
    }
    return last;
}

static void find_readers(struct dse_plan *plan) {
    for (int i = 0; i < plan->graph->n_layers; i++)
        plan->layers[i].source = -1;
    for (int from = 0; from < plan->n_steps; from++) {
        plan->steps[from].read = is_result(plan->graph, plan->steps[from].output);
        for (int to = from + 1; to < plan->n_steps; to++)
            connect(plan, from, to);
        plan->steps[from].last_reader = find_last_reader(plan, from);
    }
}

const bool *plan__step_depends(const struct dse_plan *plan, int step) {
    return plan->depends + (size_t)step * (size_t)plan->graph->n_layers;
}

/* The step depends on what the maker of the value depends on. */
static void inherit(struct dse_plan *plan, int step, int value) {
    size_t n_layers = (size_t)plan->graph->n_layers;
    bool *row = plan->depends + (size_t)step * n_layers;
    for (int maker = 0; value >= 0 && maker < step; maker++)
        for (size_t i = 0; i < n_layers && plan->steps[maker].output == value; i++)
            row[i] |= plan__step_depends(plan, maker)[i];
}

static void find_dependencies(struct dse_plan *plan) {
    const struct dse_graph *graph = plan->graph;
    for (int s = 0; s < plan->n_steps; s++) {
        const struct plan__step *step = &plan->steps[s];
        if (step->layer >= 0)
            plan->depends[(size_t)s * (size_t)graph->n_layers + (size_t)step->layer] = true;
        for (int k = 0; k < 2; k++)
            if (step->node->inputs[k] >= 0)
                inherit(plan, s, held_by(graph, step->node->inputs[k]));
        if (step->add >= 0)
            inherit(plan, s, held_by(graph, step->add));
    }
}

enum dse_status plan__compile(struct dse_plan *plan, struct dse_err *err) {
    const struct dse_graph *graph = plan->graph;
    size_t n_nodes = (size_t)graph->n_nodes, n_values = (size_t)graph->n_values;
    struct dse_arena arena = {0};
    struct compiler compiler = {
        .plan = plan,
        .graph = graph,
        .readers = dse_arena_alloc(&arena, n_values, sizeof *compiler.readers),
        .reader = dse_arena_alloc(&arena, n_values, sizeof *compiler.reader),
        .layer_of = dse_arena_alloc(&arena, n_nodes, sizeof *compiler.layer_of),
        .swallowed = dse_arena_alloc(&arena, n_nodes, sizeof *compiler.swallowed),
        .chain_start = dse_arena_alloc(&arena, n_nodes, sizeof *compiler.chain_start),
    };
    plan->steps = dse_alloc(n_nodes, sizeof *plan->steps);
    plan->depends = dse_alloc(n_nodes * (size_t)graph->n_layers, sizeof *plan->depends);
    plan->changed = dse_alloc(n_nodes, sizeof *plan->changed);
    bool whole = plan->steps != NULL && plan->depends != NULL && plan->changed != NULL &&
                 compiler.readers != NULL && compiler.reader != NULL && compiler.layer_of != NULL &&
                 compiler.swallowed != NULL && compiler.chain_start != NULL;
    if (whole) {
        count_readers(&compiler);
        find_chains(&compiler);
        emit_steps(&compiler);
        find_readers(plan);
        find_dependencies(plan);
    }
    dse_arena_fini(&arena);
    if (!whole)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu steps", n_nodes);
    return DSE_OK;
}
