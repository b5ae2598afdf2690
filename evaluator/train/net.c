/* From the graph to units, their memory, and what callers ask. */
#include <string.h>

#include "evaluator/train/net_internal.h"

enum { SLOT_STEP = 4 }; /* a thread has room for a multiple of this many images */

/* ---- units ---- */

/* While units are made. */
struct making {
    struct dse_net *net;
    int *unit_of; /* by value: the unit that ends there; -1: none */
    bool *gone;   /* by unit: it became part of a later one */
};

static bool is_layer(const struct dse_node *node) {
    return node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE;
}

static void count_readers(struct dse_net *net) {
    const struct dse_graph *graph = net->graph;
    for (int v = 0; v < graph->n_values; v++)
        net->alias[v] = v;
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        if (node->op == DSE_OP_FLATTEN) {
            net->alias[node->output] = net->alias[node->inputs[0]];
            continue;
        }
        for (int k = 0; k < 2; k++)
            if (node->inputs[k] >= 0)
                net->readers[net->alias[node->inputs[k]]]++;
    }
    for (int o = 0; o < graph->n_outputs; o++)
        net->readers[net->alias[graph->outputs[o]]]++;
}

/* The unit that ends at a value and can take in what reads it; -1: none. */
static int open_unit(const struct making *making, int value) {
    int unit = making->unit_of[value];
    if (unit < 0 || making->net->readers[value] != 1)
        return -1;
    const struct train__unit *u = &making->net->units[unit];
    bool may = u->node->op == DSE_OP_NORM || u->node->op == DSE_OP_ADD;
    return may && !u->relu ? unit : -1;
}

/* A copy of an earlier unit takes its place behind everything that is there. */
static struct train__unit *move_to_end(struct making *making, int unit, int output) {
    struct dse_net *net = making->net;
    struct train__unit *moved = &net->units[net->n_units];
    *moved = net->units[unit];
    moved->output = output;
    making->gone[unit] = true;
    making->unit_of[output] = net->n_units++;
    return moved;
}

static void add_sum(struct making *making, const struct dse_node *node, struct train__unit *fresh) {
    const int *alias = making->net->alias;
    int a = alias[node->inputs[0]], b = alias[node->inputs[1]];
    int of_a = open_unit(making, a), of_b = open_unit(making, b);
    const struct train__unit *units = making->net->units;
    bool norm_a = of_a >= 0 && units[of_a].node->op == DSE_OP_NORM && units[of_a].add < 0;
    bool norm_b = of_b >= 0 && units[of_b].node->op == DSE_OP_NORM && units[of_b].add < 0;
    if (norm_a || norm_b) {
        bool takes_b = norm_b && (!norm_a || of_b > of_a);
        move_to_end(making, takes_b ? of_b : of_a, node->output)->add = takes_b ? a : b;
        return;
    }
    fresh->add = b;
    making->unit_of[node->output] = making->net->n_units++;
}

static void add_unit(struct making *making, const struct dse_node *node) {
    struct dse_net *net = making->net;
    int first = node->inputs[0] >= 0 ? 0 : 1; /* source 0 of a TENSOR may be a constant */
    int input = net->alias[node->inputs[first]];
    struct train__unit *fresh = &net->units[net->n_units];
    *fresh = (struct train__unit){.node = node,
                                  .input = input,
                                  .output = node->output,
                                  .add = -1,
                                  .partner = -1,
                                  .made_by = -1,
                                  .layer = -1,
                                  .relu = node->op == DSE_OP_RELU,
                                  .wants_input = input != net->graph->input};
    if (node->op == DSE_OP_ADD) {
        add_sum(making, node, fresh);
        return;
    }
    if (node->op == DSE_OP_TENSOR && first == 0 && node->inputs[1] >= 0)
        fresh->add = net->alias[node->inputs[1]];
    int before = node->op == DSE_OP_RELU ? open_unit(making, input) : -1;
    if (before >= 0)
        move_to_end(making, before, node->output)->relu = true;
    else
        making->unit_of[node->output] = net->n_units++;
}

static void drop_gone(struct making *making) {
    struct dse_net *net = making->net;
    int kept = 0;
    for (int u = 0; u < net->n_units; u++)
        if (!making->gone[u])
            net->units[kept++] = net->units[u];
    net->n_units = kept;
}

static void find_partners(struct dse_net *net) {
    for (int n = 0; n < net->n_units; n++)
        for (int u = 0; u < n && net->units[n].node->op == DSE_OP_NORM; u++)
            if (is_layer(net->units[u].node) && net->units[u].output == net->units[n].input &&
                net->readers[net->units[n].input] == 1) {
                net->units[u].partner = n;
                net->units[n].partner = u;
            }
}

static bool is_output(const struct dse_net *net, int value) {
    for (int o = 0; o < net->graph->n_outputs; o++)
        if (net->alias[net->graph->outputs[o]] == value)
            return true;
    return false;
}

/* The result of a norm that only one layer reads is not kept: the layer makes it, twice, a few
 * images at a time, which costs less than a way to the memory and back. */
static void inline_norms(struct dse_net *net) {
    for (int u = 0; u < net->n_units; u++)
        for (int n = 0; n < u && is_layer(net->units[u].node); n++) {
            struct train__unit *norm = &net->units[n];
            if (norm->node->op != DSE_OP_NORM || norm->output != net->units[u].input ||
                norm->add >= 0 || net->readers[norm->output] != 1 || is_output(net, norm->output))
                continue;
            norm->inlined = true;
            net->units[u].made_by = n;
        }
}

static enum dse_status check_node(const struct dse_net *net, const struct dse_node *node,
                                  struct dse_err *err) {
    if (node->op == DSE_OP_TENSOR && node->tensor->type != DSE_TENSOR_F32)
        DSE_FAIL(err, DSE_UNSUPPORTED, "node '%s' (%s): whole numbers cannot be trained",
                 node->name, dse_op_text(node->op));
    if (node->op == DSE_OP_NORM && !dse_train_takes_channels(train__shape(net, node->output).c))
        DSE_FAIL(err, DSE_UNSUPPORTED, "node '%s' (%s): %d channels cannot be trained", node->name,
                 dse_op_text(node->op), train__shape(net, node->output).c);
    return DSE_OK;
}

static enum dse_status make_units(struct dse_net *net, struct dse_err *err) {
    const struct dse_graph *graph = net->graph;
    size_t n_values = (size_t)graph->n_values, n_nodes = (size_t)graph->n_nodes;
    struct making making = {
        .net = net,
        .unit_of = dse_arena_alloc(&net->arena, n_values, sizeof *making.unit_of),
        /* a sum and a Relu may each move a unit */
        .gone = dse_arena_alloc(&net->arena, n_nodes, sizeof *making.gone),
    };
    net->alias = dse_arena_alloc(&net->arena, n_values, sizeof *net->alias);
    net->readers = dse_arena_alloc(&net->arena, n_values, sizeof *net->readers);
    net->units = dse_arena_alloc(&net->arena, n_nodes, sizeof *net->units);
    if (making.unit_of == NULL || making.gone == NULL || net->alias == NULL ||
        net->readers == NULL || net->units == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu units", n_nodes);
    for (size_t v = 0; v < n_values; v++)
        making.unit_of[v] = -1;
    count_readers(net);
    for (int i = 0; i < graph->n_nodes; i++) {
        DSE_TRY(check_node(net, &graph->nodes[i], err));
        if (graph->nodes[i].op != DSE_OP_FLATTEN)
            add_unit(&making, &graph->nodes[i]);
    }
    drop_gone(&making);
    find_partners(net);
    inline_norms(net);
    return DSE_OK;
}

/* ---- numbers ---- */

static void place_layer(struct dse_net *net, struct train__unit *unit, int layer) {
    size_t oc = (size_t)train__shape(net, unit->node->output).c;
    struct dse_shape in = train__shape(net, unit->node->inputs[0]);
    const struct dse_conv_node *conv = &unit->node->conv;
    unit->layer = layer;
    unit->has_bias = conv->names.of[1] != NULL;
    unit->n_weights =
        oc * (size_t)conv->kernel_h * (size_t)conv->kernel_w * (size_t)(in.c / conv->groups);
    unit->sums = net->n_sums;
    net->n_sums += unit->has_bias ? oc : 0;
    net->n_parameters += unit->n_weights + (unit->has_bias ? oc : 0);
}

static void place_transposed(struct dse_net *net, struct train__unit *unit) {
    const struct dse_conv_node *conv = &unit->node->conv;
    size_t oc = (size_t)train__shape(net, unit->output).c;
    size_t ic = (size_t)train__shape(net, unit->input).c;
    unit->has_bias = conv->names.of[1] != NULL;
    unit->n_weights =
        (size_t)conv->kernel_h * (size_t)conv->kernel_w * ic * oc / (size_t)conv->groups;
    unit->sums = net->n_sums;
    net->n_sums += unit->has_bias ? oc : 0;
    net->n_parameters += unit->n_weights + (unit->has_bias ? oc : 0);
}

static void place_norm(struct dse_net *net, struct train__unit *unit) {
    size_t c = (size_t)train__shape(net, unit->output).c;
    unit->running = net->n_running;
    unit->sums = net->n_sums;
    unit->coefficients = net->n_coefficients;
    net->n_running += 2 * c;
    net->n_sums += 4 * c;
    net->n_coefficients += 5 * c;
    net->n_parameters += 2 * c;
    net->most_channels = c > net->most_channels ? c : net->most_channels;
}

static void place_numbers(struct dse_net *net) {
    int layer = 0;
    for (int u = 0; u < net->n_units; u++) {
        struct train__unit *unit = &net->units[u];
        unit->parameters = net->n_parameters;
        if (is_layer(unit->node))
            place_layer(net, unit, layer++);
        else if (unit->node->op == DSE_OP_CONV_TRANSPOSE)
            place_transposed(net, unit);
        else if (unit->node->op == DSE_OP_NORM)
            place_norm(net, unit);
    }
    /* They stand behind the means of the norm at work. */
    for (int u = 0; u < net->n_units; u++)
        net->units[u].coefficients += net->most_channels;
    net->n_coefficients += net->most_channels;
}

static void copy_numbers(struct dse_net *net) {
    for (int u = 0; u < net->n_units; u++) {
        const struct train__unit *unit = &net->units[u];
        float *to = net->values + unit->parameters;
        if (unit->n_weights > 0) {
            const struct dse_conv_node *conv = &unit->node->conv;
            size_t oc = (size_t)train__shape(net, unit->node->output).c;
            memcpy(to, conv->weights, unit->n_weights * sizeof *to);
            if (unit->has_bias)
                memcpy(to + unit->n_weights, conv->bias, oc * sizeof *to);
            memset(net->decays + unit->parameters, 1, unit->n_weights);
        } else if (unit->node->op == DSE_OP_NORM) {
            size_t c = (size_t)train__shape(net, unit->output).c;
            memcpy(to, unit->node->norm.gamma, 2 * c * sizeof *to);
            memcpy(net->running + unit->running, unit->node->norm.mean, 2 * c * sizeof *to);
        }
    }
}

static enum dse_status make_numbers(struct dse_net *net, struct dse_err *err) {
    place_numbers(net);
    net->values = dse_alloc_aligned(net->n_parameters, sizeof *net->values);
    net->gradients = dse_alloc_aligned(net->n_parameters, sizeof *net->gradients);
    net->decays = dse_alloc(net->n_parameters, sizeof *net->decays);
    net->running = dse_alloc_aligned(net->n_running, sizeof *net->running);
    if (net->values == NULL || net->gradients == NULL || net->decays == NULL ||
        net->running == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu parameters", net->n_parameters);
    copy_numbers(net);
    return DSE_OK;
}

/* ---- maps ---- */

/* Memory of gradients is shared by values whose gradients are not needed at the same time. */
struct room {
    size_t size; /* floats of one image */
    bool taken;
};
struct rooms {
    struct room *rooms;
    int n;
    int *room_of; /* by value; -1: none */
};

static void take_room(const struct dse_net *net, struct rooms *rooms, int value) {
    if (rooms->room_of[value] >= 0)
        return;
    size_t size = train__size(net, value);
    int best = -1;
    for (int r = 0; r < rooms->n; r++)
        if (!rooms->rooms[r].taken && rooms->rooms[r].size >= size &&
            (best < 0 || rooms->rooms[r].size < rooms->rooms[best].size))
            best = r;
    if (best < 0) {
        best = rooms->n++;
        rooms->rooms[best].size = size;
    }
    rooms->rooms[best].taken = true;
    rooms->room_of[value] = best;
}

static void leave_room(struct rooms *rooms, int value) {
    if (rooms->room_of[value] >= 0)
        rooms->rooms[rooms->room_of[value]].taken = false;
}

/* Goes through the units as the way back does. */
static void assign_rooms(const struct dse_net *net, struct rooms *rooms) {
    for (int v = 0; v < net->graph->n_values; v++)
        rooms->room_of[v] = -1;
    for (int o = 0; o < net->graph->n_outputs; o++)
        take_room(net, rooms, net->alias[net->graph->outputs[o]]);
    for (int u = net->n_units - 1; u >= 0; u--) {
        const struct train__unit *unit = &net->units[u];
        bool norm_of_layer = unit->partner >= 0 && unit->layer < 0;
        if (!norm_of_layer)
            take_room(net, rooms, unit->input);
        if (unit->add >= 0)
            take_room(net, rooms, unit->add);
        /* A layer makes the gradient of the norm behind it, and reads that of the norm's result. */
        if (unit->partner >= 0 && unit->layer >= 0)
            leave_room(rooms, net->units[unit->partner].output);
        else if (!norm_of_layer)
            leave_room(rooms, unit->output);
    }
}

/* Hands out parts of one block, at borders of 16 floats; with base NULL it only counts. */
struct ruler {
    float *base;
    size_t used;
};
static float *cut(struct ruler *ruler, size_t floats) {
    float *part = ruler->base == NULL ? NULL : ruler->base + ruler->used;
    ruler->used += (floats + 15) / 16 * 16;
    return part;
}

static void lay_out(const struct dse_net *net, const struct rooms *rooms, struct train__seat *seat,
                    struct ruler *ruler, float **room_memory) {
    size_t slots = (size_t)net->slots;
    for (int r = 0; r < rooms->n; r++)
        room_memory[r] = cut(ruler, slots * rooms->rooms[r].size);
    for (int v = 0; v < net->graph->n_values; v++)
        seat->grads[v] = rooms->room_of[v] < 0 ? NULL : room_memory[rooms->room_of[v]];
    seat->values[net->graph->input] = cut(ruler, slots * train__size(net, net->graph->input));
    for (int u = 0; u < net->n_units; u++) {
        int value = net->units[u].output;
        if (!net->units[u].inlined)
            seat->values[value] = cut(ruler, slots * train__size(net, value));
    }
    seat->chunk[0] = cut(ruler, net->chunk_floats[0]);
    seat->chunk[1] = cut(ruler, net->chunk_floats[1]);
    seat->gradients = cut(ruler, net->n_parameters);
    seat->coefficients = cut(ruler, net->n_coefficients);
}

static void size_chunks(struct dse_net *net) {
    net->chunk_floats[0] = net->chunk_floats[1] = (size_t)net->classes;
    for (int u = 0; u < net->n_units; u++) {
        struct train__unit *unit = &net->units[u];
        unit->at_once = unit->layer >= 0 ? train__conv_at_once(net, unit) : 1;
        size_t in = train__size(net, unit->input) * (size_t)unit->at_once;
        size_t out = train__size(net, unit->output) * (size_t)unit->at_once;
        net->chunk_floats[0] = in > net->chunk_floats[0] ? in : net->chunk_floats[0];
        net->chunk_floats[1] = out > net->chunk_floats[1] ? out : net->chunk_floats[1];
    }
}

static enum dse_status seat_maps(struct dse_net *net, const struct rooms *rooms, int thread,
                                 float **room_memory, struct dse_err *err) {
    struct train__seat *seat = &net->seats[thread];
    size_t n_values = (size_t)net->graph->n_values;
    seat->values = dse_arena_alloc(&net->arena, n_values, sizeof *seat->values);
    seat->grads = dse_arena_alloc(&net->arena, n_values, sizeof *seat->grads);
    seat->has_grad = dse_arena_alloc(&net->arena, n_values, sizeof *seat->has_grad);
    seat->convs = dse_arena_alloc(&net->arena, (size_t)net->n_units, sizeof *seat->convs);
    seat->sums = dse_arena_alloc(&net->arena, net->n_sums + 1, sizeof *seat->sums);
    seat->probabilities =
        dse_arena_alloc(&net->arena, (size_t)net->classes, sizeof *seat->probabilities);
    if (seat->values == NULL || seat->grads == NULL || seat->has_grad == NULL ||
        seat->convs == NULL || seat->sums == NULL || seat->probabilities == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a thread");
    struct ruler ruler = {0};
    lay_out(net, rooms, seat, &ruler, room_memory);
    ruler = (struct ruler){.base = dse_alloc_aligned(ruler.used, sizeof(float))};
    net->blocks[thread] = ruler.base;
    if (ruler.base == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the maps of %d images", net->slots);
    lay_out(net, rooms, seat, &ruler, room_memory);
    for (int u = 0; u < net->n_units; u++)
        if (net->units[u].layer >= 0)
            DSE_TRY(train__conv_new(net, &net->units[u], &seat->convs[u], err));
    return DSE_OK;
}

static enum dse_status make_maps(struct dse_net *net, struct dse_err *err) {
    size_t n_values = (size_t)net->graph->n_values, threads = (size_t)net->setup.threads;
    struct rooms rooms = {
        .rooms = dse_arena_alloc(&net->arena, n_values, sizeof *rooms.rooms),
        .room_of = dse_arena_alloc(&net->arena, n_values, sizeof *rooms.room_of),
    };
    float **room_memory = dse_arena_alloc(&net->arena, n_values, sizeof *room_memory);
    net->seats = dse_arena_alloc(&net->arena, threads, sizeof *net->seats);
    net->blocks = dse_arena_alloc(&net->arena, threads, sizeof *net->blocks);
    if (rooms.rooms == NULL || rooms.room_of == NULL || room_memory == NULL || net->seats == NULL ||
        net->blocks == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d threads", net->setup.threads);
    assign_rooms(net, &rooms);
    size_chunks(net);
    for (int t = 0; t < net->setup.threads; t++)
        DSE_TRY(seat_maps(net, &rooms, t, room_memory, err));
    return DSE_OK;
}

/* ---- the network ---- */

static enum dse_status check_outputs(struct dse_net *net, struct dse_err *err) {
    const struct dse_graph *graph = net->graph;
    if (graph->n_outputs > DSE_NET_MAX_OUTPUTS)
        DSE_FAIL(err, DSE_UNSUPPORTED, "%d outputs; at most %d can be trained", graph->n_outputs,
                 (int)DSE_NET_MAX_OUTPUTS);
    net->classes = (int)train__size(net, graph->outputs[0]);
    for (int o = 1; o < graph->n_outputs; o++)
        if ((int)train__size(net, graph->outputs[o]) != net->classes)
            DSE_FAIL(err, DSE_INVALID, "output '%s' has %d classes, output '%s' %d",
                     graph->values[graph->outputs[o]].name,
                     (int)train__size(net, graph->outputs[o]),
                     graph->values[graph->outputs[0]].name, net->classes);
    return DSE_OK;
}

static enum dse_status make_net(struct dse_net *net, struct dse_err *err) {
    int per_thread = (net->setup.batch + net->setup.threads - 1) / net->setup.threads;
    net->slots = (per_thread + SLOT_STEP - 1) / SLOT_STEP * SLOT_STEP;
    DSE_TRY(check_outputs(net, err));
    DSE_TRY(make_units(net, err));
    DSE_TRY(make_numbers(net, err));
    DSE_TRY(train__quantise_units(net, err));
    DSE_TRY(make_maps(net, err));
    return train__team_new(net->setup.threads, &net->team, err);
}

enum dse_status dse_net_new(const struct dse_net_setup *setup, struct dse_net **net,
                            struct dse_err *err) {
    if (setup->batch < 2)
        DSE_FAIL(err, DSE_INVALID, "a batch of %d; at least 2 images are needed", setup->batch);
    if (setup->threads < 1 || setup->threads > TRAIN__MAX_THREADS)
        DSE_FAIL(err, DSE_INVALID, "%d threads; 1 to %d are possible", setup->threads,
                 (int)TRAIN__MAX_THREADS);
    struct dse_net *n = dse_alloc(1, sizeof *n);
    if (n == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a network");
    n->graph = setup->graph;
    n->setup = *setup;
    enum dse_status status = make_net(n, err);
    if (status != DSE_OK) {
        dse_net_free(n);
        return status;
    }
    *net = n;
    return DSE_OK;
}

void dse_net_free(struct dse_net *net) {
    if (net == NULL)
        return;
    train__team_free(net->team);
    for (int t = 0; net->seats != NULL && net->blocks != NULL && t < net->setup.threads; t++) {
        for (int u = 0; net->seats[t].convs != NULL && u < net->n_units; u++)
            dse_conv_grad_free(net->seats[t].convs[u]);
        dse_free(net->blocks[t]);
    }
    dse_free(net->values);
    dse_free(net->gradients);
    dse_free(net->decays);
    dse_free(net->running);
    dse_free(net->quantised);
    dse_arena_fini(&net->arena);
    dse_free(net);
}

struct dse_net_parameters dse_net_parameters(struct dse_net *net) {
    return (struct dse_net_parameters){net->n_parameters, net->values, net->gradients, net->decays};
}

float *dse_net_running(struct dse_net *net, size_t *n) {
    *n = net->n_running;
    return net->running;
}

int dse_net_outputs(const struct dse_net *net) {
    return net->graph->n_outputs;
}

int dse_net_classes(const struct dse_net *net) {
    return net->classes;
}

static bool find_of_unit(const struct dse_net *net, const struct train__unit *unit, int k,
                         size_t *offset, size_t *n) {
    size_t c = (size_t)train__shape(net, unit->node->output).c;
    if (unit->n_weights > 0) {
        *offset = unit->parameters + (k == 0 ? 0 : unit->n_weights);
        *n = k == 0 ? unit->n_weights : c;
        return k == 0 || (k == 1 && unit->has_bias);
    }
    *offset = k < 2 ? unit->parameters + (size_t)k * c : unit->running + (size_t)(k - 2) * c;
    *n = c;
    return unit->node->op == DSE_OP_NORM && k < DSE_PARAMETERS;
}

bool dse_net_find(const struct dse_net *net, int node, int k, size_t *offset, size_t *n) {
    for (int u = 0; u < net->n_units; u++)
        if (net->units[u].node == &net->graph->nodes[node])
            return find_of_unit(net, &net->units[u], k, offset, n);
    return false;
}
