/* ONNX's own tests of its operators (Debian's libonnx-testdata), through importer and plan.
 *
 * Each is a model of one node (or a few) with its inputs and outputs. One input or all float inputs
 * together become what the network computes with, the others constants of the model; around the
 * model a Reshape to the test's shapes and one to a row of numbers, so that any rank fits. Every
 * way to choose must give the recorded outputs or be refused; the first input alone must give them.
 *
 * The tests that do not apply stand in onnx_node_tests.txt with their reasons. It is an error when
 * one of these passes, and when any other fails. */
#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include <onnx/onnx.pb-c.h>

#include "tests/unit/plan/plan_helpers.h"

#define DATA  "/usr/share/libonnx-testdata/data/node"
#define TABLE DSE_SOURCE_DIR "/tests/unit/plan/onnx_node_tests.txt"

enum { MAX_INPUTS = 24, MAX_NODES = 512, MAX_CONSTANTS = 256, BATCH = 2, OLDEST_OPSET = 9 };

/* ---- messages; everything lives in an arena ---- */

static void *arena_alloc(void *arena, size_t size) {
    return dse_arena_alloc(arena, size, 1);
}

static void arena_keep(void *arena, void *block) {
    (void)arena;
    (void)block;
}

static bool read_bytes(const char *folder, const char *name, struct dse_buf *bytes) {
    char path[2048];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return dse_file_read(path, (size_t)64 << 20, bytes, NULL) == DSE_OK;
}

static void *unpack(struct dse_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                    const char *folder, const char *name) {
    ProtobufCAllocator allocator = {arena_alloc, arena_keep, arena};
    struct dse_buf bytes = {0};
    void *message = NULL;
    if (read_bytes(folder, name, &bytes))
        message = protobuf_c_message_unpack(descriptor, &allocator, bytes.size,
                                            (const uint8_t *)bytes.data);
    dse_buf_fini(&bytes);
    return message;
}

/* ---- a test as it stands in its folder ---- */

struct case_data {
    struct dse_arena arena;
    const char *folder;
    Onnx__ModelProto *model;
    Onnx__TensorProto *inputs[MAX_INPUTS], *outputs[MAX_INPUTS]; /* NULL: no tensor */
    size_t n_inputs, n_outputs;
};

static size_t count(const Onnx__TensorProto *tensor) {
    size_t n = 1;
    for (size_t i = 0; i < tensor->n_dims; i++)
        n *= (size_t)tensor->dims[i];
    return n;
}

/* NULL where the file holds something else: a sequence, say, read as a tensor. */
static Onnx__TensorProto *read_tensor(struct dse_arena *arena, const char *folder,
                                      const char *name) {
    Onnx__TensorProto *tensor = unpack(arena, &onnx__tensor_proto__descriptor, folder, name);
    if (tensor == NULL || !tensor->has_data_type)
        return NULL;
    size_t listed = tensor->n_float_data + tensor->n_int32_data + tensor->n_int64_data +
                    tensor->n_double_data + tensor->n_uint64_data + tensor->n_string_data;
    return tensor->has_raw_data || listed == count(tensor) ? tensor : NULL;
}

static void read_case(const char *folder, struct case_data *data) {
    char name[64];
    *data = (struct case_data){.folder = folder};
    data->model = unpack(&data->arena, &onnx__model_proto__descriptor, folder, "model.onnx");
    assert_non_null(data->model);
    data->n_inputs = data->model->graph->n_input;
    data->n_outputs = data->model->graph->n_output;
    assert_true(data->n_inputs <= MAX_INPUTS && data->n_outputs <= MAX_INPUTS);
    for (size_t i = 0; i < data->n_inputs; i++) {
        (void)snprintf(name, sizeof name, "test_data_set_0/input_%zu.pb", i);
        data->inputs[i] = read_tensor(&data->arena, folder, name);
    }
    for (size_t i = 0; i < data->n_outputs; i++) {
        (void)snprintf(name, sizeof name, "test_data_set_0/output_%zu.pb", i);
        data->outputs[i] = read_tensor(&data->arena, folder, name);
    }
}

static bool is_float(const Onnx__TensorProto *tensor) {
    return tensor != NULL && tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
}

/* As doubles; false for a type that is not read. */
static bool get_numbers(const Onnx__TensorProto *tensor, double *out) {
    const uint8_t *raw = tensor->has_raw_data ? tensor->raw_data.data : NULL;
    for (size_t i = 0, n = count(tensor); i < n; i++) {
        float f;
        int32_t narrow;
        int64_t wide;
        switch (tensor->data_type) {
        case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
            memcpy(&f, raw == NULL ? (const void *)&tensor->float_data[i] : raw + 4 * i, 4);
            out[i] = (double)f;
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
            out[i] = raw == NULL ? tensor->int32_data[i] : raw[i];
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
            memcpy(&narrow, raw == NULL ? (const void *)&tensor->int32_data[i] : raw + 4 * i, 4);
            out[i] = narrow;
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
            memcpy(&wide, raw == NULL ? (const void *)&tensor->int64_data[i] : raw + 8 * i, 8);
            out[i] = (double)wide;
            break;
        default:
            return false;
        }
    }
    return true;
}

/* ---- the model that is read ---- */

struct wrapped {
    struct dse_arena *arena;
    Onnx__NodeProto *nodes[MAX_NODES];
    Onnx__TensorProto *constants[MAX_CONSTANTS];
    Onnx__ValueInfoProto *input;
    Onnx__GraphProto graph;
    Onnx__ModelProto model;
    size_t n_nodes, n_constants;
};

static void add_constant(struct wrapped *wrapped, Onnx__TensorProto *tensor, const char *name) {
    Onnx__TensorProto *copy = dse_arena_alloc(wrapped->arena, 1, sizeof *copy);
    *copy = *tensor;
    copy->name = dse_arena_strdup(wrapped->arena, name);
    assert_true(wrapped->n_constants < MAX_CONSTANTS);
    wrapped->constants[wrapped->n_constants++] = copy;
}

static void add_integers(struct wrapped *wrapped, const char *name, const int64_t *values,
                         size_t n) {
    Onnx__TensorProto *made = dse_arena_alloc(wrapped->arena, 1, sizeof *made);
    onnx__tensor_proto__init(made);
    made->has_data_type = true;
    made->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    made->dims = dse_arena_alloc(wrapped->arena, 1, sizeof *made->dims);
    made->dims[0] = (int64_t)n;
    made->n_dims = 1;
    made->int64_data = dse_arena_alloc(wrapped->arena, n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        made->int64_data[i] = values[i];
    made->n_int64_data = n;
    add_constant(wrapped, made, name);
}

/* A node without attributes; inputs end at NULL. */
static Onnx__NodeProto *add_node(struct wrapped *wrapped, const char *op, const char *output,
                                 const char *const *inputs) {
    Onnx__NodeProto *node = dse_arena_alloc(wrapped->arena, 1, sizeof *node);
    onnx__node_proto__init(node);
    node->op_type = dse_arena_strdup(wrapped->arena, op);
    node->output = dse_arena_alloc(wrapped->arena, 1, sizeof *node->output);
    node->output[0] = dse_arena_strdup(wrapped->arena, output);
    node->n_output = 1;
    node->input = dse_arena_alloc(wrapped->arena, 4, sizeof *node->input);
    for (; inputs[node->n_input] != NULL; node->n_input++)
        node->input[node->n_input] = dse_arena_strdup(wrapped->arena, inputs[node->n_input]);
    wrapped->nodes[wrapped->n_nodes++] = node;
    return node;
}

static void set_int(struct wrapped *wrapped, Onnx__NodeProto *node, char *name, int64_t value) {
    Onnx__AttributeProto *attribute = dse_arena_alloc(wrapped->arena, 1, sizeof *attribute);
    onnx__attribute_proto__init(attribute);
    attribute->name = name;
    attribute->has_type = attribute->has_i = true;
    attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    attribute->i = value;
    node->attribute = dse_arena_alloc(wrapped->arena, 1, sizeof(void *));
    node->attribute[0] = attribute;
    node->n_attribute = 1;
}

static Onnx__ValueInfoProto *describe_input(struct dse_arena *arena, const char *name,
                                            const int64_t *dims, size_t rank) {
    Onnx__ValueInfoProto *input = dse_arena_alloc(arena, 1, sizeof *input);
    Onnx__TypeProto *type = dse_arena_alloc(arena, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = dse_arena_alloc(arena, 1, sizeof *tensor);
    Onnx__TensorShapeProto *shape = dse_arena_alloc(arena, 1, sizeof *shape);
    onnx__value_info_proto__init(input);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    input->name = dse_arena_strdup(arena, name);
    input->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    shape->dim = dse_arena_alloc(arena, rank, sizeof *shape->dim);
    shape->n_dim = rank;
    for (size_t i = 0; i < rank; i++) {
        shape->dim[i] = dse_arena_alloc(arena, 1, sizeof **shape->dim);
        onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
        shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        shape->dim[i]->dim_value = dims[i];
    }
    return input;
}

/* Which inputs are computed with; DIRECT: the first one, in its own shape, without a Reshape. */
enum { DIRECT = 1 << 30 };

/* "dse_row" is all of these inputs in a row; each becomes its part of it in its shape. */
static void add_sources(struct wrapped *wrapped, const struct case_data *data, unsigned chosen,
                        int64_t *total) {
    int64_t at = 0;
    for (size_t i = 0; i < data->n_inputs; i++) {
        const Onnx__TensorProto *tensor = data->inputs[i];
        const char *name = data->model->graph->input[i]->name;
        char part[32], begin[32], end[32], shape[32];
        if ((chosen & 1u << i) == 0)
            continue;
        (void)snprintf(part, sizeof part, "dse_part_%zu", i);
        (void)snprintf(begin, sizeof begin, "dse_begin_%zu", i);
        (void)snprintf(end, sizeof end, "dse_end_%zu", i);
        (void)snprintf(shape, sizeof shape, "dse_shape_%zu", i);
        int64_t next = at + (int64_t)count(tensor);
        add_integers(wrapped, begin, &at, 1);
        add_integers(wrapped, end, &next, 1);
        add_integers(wrapped, shape, tensor->dims, tensor->n_dims);
        (void)add_node(wrapped, "Slice", part,
                       (const char *[]){"dse_row", begin, end, "dse_axis", NULL});
        (void)add_node(wrapped, "Reshape", name, (const char *[]){part, shape, NULL});
        at = next;
    }
    *total = at;
}

/* A constant result is added to a sum of nothing, so that the plan computes it. */
static const char *tie(struct wrapped *wrapped, const char *output, const char *input) {
    static const int64_t one = 1;
    set_int(wrapped, add_node(wrapped, "Cast", "dse_as_float", (const char *[]){output, NULL}),
            "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    add_integers(wrapped, "dse_one", &one, 1);
    (void)add_node(wrapped, "Reshape", "dse_flat_input",
                   (const char *[]){input, "dse_row_shape", NULL});
    (void)add_node(wrapped, "Slice", "dse_first",
                   (const char *[]){"dse_flat_input", "dse_zero", "dse_one", "dse_axis", NULL});
    (void)add_node(wrapped, "Sub", "dse_nothing", (const char *[]){"dse_first", "dse_first", NULL});
    (void)add_node(wrapped, "Add", "dse_tied",
                   (const char *[]){"dse_as_float", "dse_nothing", NULL});
    return "dse_tied";
}

/* The model around the test's nodes; output k becomes "dse_result", a row. */
static void wrap(struct wrapped *wrapped, const struct case_data *data, unsigned chosen, size_t k) {
    static const int64_t zero = 0, axis = 1, row_shape[] = {1, -1};
    const Onnx__GraphProto *graph = data->model->graph;
    const char *output = graph->output[k]->name, *input = "dse_row";
    int64_t dims[2] = {1, 1};
    add_integers(wrapped, "dse_zero", &zero, 1);
    add_integers(wrapped, "dse_axis", &axis, 1);
    add_integers(wrapped, "dse_row_shape", row_shape, 2);
    for (size_t i = 0; i < data->n_inputs; i++)
        if ((chosen & 1u << i) == 0 && data->inputs[i] != NULL)
            add_constant(wrapped, data->inputs[i], graph->input[i]->name);
    for (size_t i = 0; i < graph->n_initializer; i++)
        add_constant(wrapped, graph->initializer[i], graph->initializer[i]->name);
    if ((chosen & DIRECT) != 0) {
        input = graph->input[0]->name;
        wrapped->input =
            describe_input(wrapped->arena, input, data->inputs[0]->dims, data->inputs[0]->n_dims);
    } else {
        add_sources(wrapped, data, chosen, &dims[1]);
        dims[1] = dims[1] == 0 ? 1 : dims[1];
        wrapped->input = describe_input(wrapped->arena, input, dims, 2);
    }
    assert_true(wrapped->n_nodes + graph->n_node + MAX_INPUTS < MAX_NODES);
    for (size_t i = 0; i < graph->n_node; i++)
        wrapped->nodes[wrapped->n_nodes++] = graph->node[i];
    if ((chosen & ~(unsigned)DIRECT) == 0 || !is_float(data->outputs[k]))
        output = tie(wrapped, output, input);
    (void)add_node(wrapped, "Reshape", "dse_result",
                   (const char *[]){output, "dse_row_shape", NULL});
}

static void pack_model(struct wrapped *wrapped, const struct case_data *data,
                       struct dse_buf *bytes) {
    static Onnx__ValueInfoProto result;
    static Onnx__ValueInfoProto *results[] = {&result};
    onnx__value_info_proto__init(&result);
    result.name = (char *)"dse_result";
    onnx__graph_proto__init(&wrapped->graph);
    wrapped->graph.node = wrapped->nodes;
    wrapped->graph.n_node = wrapped->n_nodes;
    wrapped->graph.initializer = wrapped->constants;
    wrapped->graph.n_initializer = wrapped->n_constants;
    wrapped->graph.input = &wrapped->input;
    wrapped->graph.n_input = 1;
    wrapped->graph.output = results;
    wrapped->graph.n_output = 1;
    onnx__model_proto__init(&wrapped->model);
    wrapped->model.opset_import = data->model->opset_import;
    wrapped->model.n_opset_import = data->model->n_opset_import;
    /* The operators of older tests are in the list, and are the same in the oldest set that is. */
    for (size_t i = 0; i < data->model->n_opset_import; i++)
        if (data->model->opset_import[i]->version < OLDEST_OPSET)
            data->model->opset_import[i]->version = OLDEST_OPSET;
    wrapped->model.graph = &wrapped->graph;
    size_t size = onnx__model_proto__get_packed_size(&wrapped->model);
    uint8_t *packed = malloc(size);
    assert_non_null(packed);
    dse_buf_append(bytes, packed, onnx__model_proto__pack(&wrapped->model, packed));
    free(packed);
}

/* ---- one way to run a test ---- */

static struct dse_kernels *kernels;

/* The result of image 1 of 2; the other image is zeros. */
static enum dse_status run_graph(const struct dse_graph *graph, const float *image, size_t n_image,
                                 float *result, struct dse_err *err) {
    struct dse_plan *plan = NULL;
    struct dse_candidate candidate = new_candidate(graph->n_layers, 0);
    const struct dse_plan_options options = {.batch = BATCH};
    const int order = 0;
    enum dse_status status = dse_plan_new(graph, kernels, &options, &plan, err);
    if (status == DSE_OK) {
        size_t n = (size_t)dse_plan_classes(plan);
        float *images = dse_alloc(BATCH * n_image, sizeof *images);
        float *results = dse_alloc(BATCH * n, sizeof *results);
        assert_true(images != NULL && results != NULL);
        memcpy(images + n_image, image, n_image * sizeof *image);
        status = dse_plan_run(plan, &candidate, 1, &order, images, BATCH, results, NULL, err);
        memcpy(result, results + n, n * sizeof *result);
        dse_free(images);
        dse_free(results);
    }
    dse_plan_free(plan);
    dse_candidate_fini(&candidate);
    return status;
}

static float *chosen_image(const struct case_data *data, unsigned chosen, size_t *n) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < data->n_inputs; i++)
        total += (chosen & 1u << i) != 0 ? count(data->inputs[i]) : 0;
    float *image = dse_alloc(total + 1, sizeof *image);
    double *numbers = dse_alloc(total + 1, sizeof *numbers);
    assert_true(image != NULL && numbers != NULL);
    for (size_t i = 0; i < data->n_inputs; i++)
        if ((chosen & 1u << i) != 0) {
            assert_true(get_numbers(data->inputs[i], numbers + at));
            at += count(data->inputs[i]);
        }
    for (size_t i = 0; i < total; i++)
        image[i] = (float)numbers[i];
    dse_free(numbers);
    *n = total == 0 ? 1 : total;
    return image;
}

/* In memory, an image of four or three dimensions has its channels last. */
static void turn_channels_last(const Onnx__TensorProto *tensor, float *image) {
    size_t n = count(tensor), c = (size_t)tensor->dims[1], pixels = n / c;
    float *turned = dse_alloc(n, sizeof *turned);
    assert_non_null(turned);
    for (size_t i = 0; i < n; i++)
        turned[i % pixels * c + i / pixels] = image[i];
    memcpy(image, turned, n * sizeof *image);
    dse_free(turned);
}

enum outcome { GIVES_IT, REFUSED, DIFFERS };

static enum outcome compare(const Onnx__TensorProto *expected, const float *result, size_t n,
                            char *why, size_t size) {
    double *numbers = dse_alloc(count(expected) + 1, sizeof *numbers);
    enum outcome outcome = GIVES_IT;
    assert_non_null(numbers);
    if (!get_numbers(expected, numbers) || count(expected) != n) {
        (void)snprintf(why, size, "%zu numbers of type %d where %zu were computed", count(expected),
                       expected->data_type, n);
        outcome = DIFFERS;
    }
    for (size_t i = 0; i < n && outcome == GIVES_IT; i++)
        if (!(fabs(numbers[i] - (double)result[i]) <= 1e-6 + 1e-4 * fabs(numbers[i]))) {
            (void)snprintf(why, size, "number %zu is %g, expected %g", i, (double)result[i],
                           numbers[i]);
            outcome = DIFFERS;
        }
    dse_free(numbers);
    return outcome;
}

static enum outcome run_way(const struct case_data *data, unsigned chosen, size_t k, char *why,
                            size_t size) {
    static struct wrapped wrapped;
    struct dse_arena arena = {0};
    struct dse_buf bytes = {0};
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    size_t n_image = 0;
    enum outcome outcome = REFUSED;
    wrapped = (struct wrapped){.arena = &arena};
    wrap(&wrapped, data, chosen, k);
    pack_model(&wrapped, data, &bytes);
    float *image = chosen_image(data, chosen, &n_image);
    if ((chosen & DIRECT) != 0 && data->inputs[0]->n_dims >= 3 && data->inputs[0]->n_dims <= 4)
        turn_channels_last(data->inputs[0], image);
    enum dse_status status =
        dse_graph_read_onnx(bytes.data, bytes.size, data->folder, NULL, &graph, &err);
    if (status == DSE_OK) {
        size_t n = dse_shape_size(graph->values[graph->output].shape);
        float *result = dse_alloc(n, sizeof *result);
        assert_non_null(result);
        status = run_graph(graph, image, n_image, result, &err);
        if (status == DSE_OK)
            outcome = compare(data->outputs[k], result, n, why, size);
        dse_free(result);
    }
    if (status != DSE_OK)
        (void)snprintf(why, size, "%s", err.text);
    dse_free(image);
    dse_graph_free(graph);
    dse_buf_fini(&bytes);
    dse_arena_fini(&arena);
    return outcome;
}

/* ---- one test ---- */

static size_t n_ways;

/* All ways, all outputs. */
static enum outcome run_case(const struct case_data *data, char *why, size_t size) {
    unsigned floats = 0;
    for (size_t i = 0; i < data->n_inputs; i++)
        if (is_float(data->inputs[i]) && count(data->inputs[i]) > 0)
            floats |= 1u << i;
    unsigned first = floats & -floats, direct = 0;
    if ((floats & 1u) != 0 && data->inputs[0]->n_dims > 0 && data->inputs[0]->dims[0] == 1)
        direct = 1u | DIRECT;
    for (size_t k = 0; k < data->n_outputs; k++) {
        if (data->outputs[k] == NULL) {
            (void)snprintf(why, size, "output %zu is no tensor", k + 1);
            return REFUSED;
        }
        enum outcome outcome = run_way(data, first, k, why, size);
        if (outcome != GIVES_IT)
            return outcome;
        n_ways++;
        unsigned ways[MAX_INPUTS + 2] = {floats, direct}, n = 2;
        for (unsigned i = 0; i < MAX_INPUTS; i++)
            ways[n++] = floats & 1u << i;
        for (unsigned w = 0; w < n; w++) {
            if (ways[w] == 0 || ways[w] == first || (w >= 2 && ways[w] == floats))
                continue;
            outcome = run_way(data, ways[w], k, why, size);
            n_ways += outcome == GIVES_IT;
            if (outcome == DIFFERS)
                return outcome;
        }
    }
    return GIVES_IT;
}

/* ---- the table ---- */

/* "operator NAME" or "test NAME: reason", one a line. */
static bool is_listed(const char *table, const char *kind, const char *name) {
    char line[512];
    (void)snprintf(line, sizeof line, "\n%s %s", kind, name);
    size_t length = strlen(line);
    for (const char *at = table; (at = strstr(at, line)) != NULL; at++)
        if (at[length] == '\n' || at[length] == ':')
            return true;
    return false;
}

static const char *unlisted_operator(const struct case_data *data, const char *table) {
    const Onnx__GraphProto *graph = data->model->graph;
    for (size_t i = 0; i < graph->n_node; i++)
        if (is_listed(table, "operator", graph->node[i]->op_type))
            return graph->node[i]->op_type;
    return NULL;
}

static int n_passed, n_others;

static int check_case(const char *name, const char *table) {
    char folder[1024], why[2048] = "";
    struct case_data data;
    (void)snprintf(folder, sizeof folder, DATA "/%s", name);
    read_case(folder, &data);
    enum outcome outcome = run_case(&data, why, sizeof why);
    const char *operator_name = unlisted_operator(&data, table);
    bool excused = operator_name != NULL || is_listed(table, "test", name);
    bool wrong = (outcome == GIVES_IT) == excused;
    wrong = wrong || (outcome == DIFFERS && operator_name != NULL);
    if (wrong && excused)
        printf("%s: listed, but %s\n", name, outcome == GIVES_IT ? "it passes" : why);
    else if (wrong)
        printf("%s: %s\n", name, why);
    n_passed += outcome == GIVES_IT;
    n_others += outcome != GIVES_IT;
    dse_arena_fini(&data.arena);
    return wrong;
}

static void every_test_passes_or_is_listed(void **state) {
    (void)state;
    struct dirent **entries = NULL;
    struct dse_buf table = {0};
    struct dse_err err = {0};
    int wrong = 0;
    dse_buf_puts(&table, "\n");
    struct dse_buf text = {0};
    assert_ok(dse_file_read(TABLE, 1 << 20, &text, &err), &err);
    dse_buf_puts(&table, dse_buf_text(&text));
    int n = scandir(DATA, &entries, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.')
            wrong += check_case(entries[i]->d_name, dse_buf_text(&table));
        free(entries[i]);
    }
    free(entries);
    dse_buf_fini(&text);
    dse_buf_fini(&table);
    printf("%d tests pass (in %zu ways), %d are listed\n", n_passed, n_ways, n_others);
    assert_int_equal(wrong, 0);
}

int main(void) {
    struct stat there;
    if (stat(DATA, &there) != 0)
        skip_all("no " DATA " (package libonnx-testdata)");
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_test_passes_or_is_listed)};
    kernels = new_kernels(DSE_KERNELS_AUTO);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dse_kernels_free(kernels);
    return failed;
}
