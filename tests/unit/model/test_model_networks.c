/* Every network that build knows: as many parameters and multiply-accumulates as its publication,
 * or the implementation that is named, has. */
#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"
#include "evaluator/model/model.h"
#include "tests/lib/testing.h"

struct known {
    const char *words;    /* of the command line, behind OUT */
    const char *name;     /* of the network */
    int64_t parameters;   /* all that is trained: weights, biases, scales and shifts of norms */
    int64_t macs;         /* of an image, all exits together */
    int64_t exit_macs[3]; /* to leave at an exit; 0: there is none */
};

static const struct known table[] = {
    /* LeCun et al. 1998 with full connections: 156 + 2,416 + 48,120 + 10,164 + 850 */
    {"", "lenet5", 61706, 117600 + 240000 + 48000 + 10080 + 840, {0}},
    {"--classes 47", "lenet5", 61706 + 85 * 37, 416520 + 84 * 37, {0}},
    /* MLPerf Tiny v0.5: 78,666 with biases before norms (336) and all of 240 norm channels (4);
     * ours have norms of the 96 channels of shortcuts, too, and no such biases */
    {"", "resnet8", 78666 - 336 - 4 * 240 + 2 * (240 + 96), 12501632, {0}},
    /* He et al. 2016, option B; 0.27, 0.46, 0.66, 0.85 million with option A, which lacks 2,752 */
    {"", "resnet20", 269722 + 2752, 40813184, {0}},
    {"", "resnet32", 464154 + 2752, 69124736, {0}},
    {"", "resnet44", 658586 + 2752, 97436288, {0}},
    {"", "resnet56", 853018 + 2752, 125747840, {0}},
    /* kuangliu/pytorch-cifar */
    {"", "resnet18", 11173962, 555422720, {0}},
    /* torchvision, resnet18 */
    {"--classes 1000", "resnet18-imagenet", 11689512, 1814073344, {0}},
    /* Howard et al. 2017, table 8: 4.2, 1.3, 0.5 million; exactly Keras' MobileNet, trainable */
    {"--classes 1000", "mobilenet-v1", 4231976, 568740352, {0}},
    {"--classes 1000 --width 0.5", "mobilenet-v1", 1331592, 149497088, {0}},
    {"--classes 1000 --width 0.25", "mobilenet-v1", 470072, 41030272, {0}},
    /* ours: counted by hand from the steps (a convolution of h x w, i to o channels, k x k has h w
     * i o k^2 multiply-accumulates) */
    {"--classes 100", "mobilenet-v1-cifar", 2247588, 48562176, {0}},
    {"--exits 3", "resnet8", 78542, 12502112, {5161120, 8831456, 12502112}},
    {"", "b-lenet", 27834, 697060, {191100, 697060}},
    {"", "b-alexnet", 487998, 25249152, {15335232, 18293888, 25249152}},
    {"", "b-resnet", 2116622, 312722208, {55296000, 144949408, 312722208}},
    {"--exits 1", "b-resnet", 1730714, 253149824, {0}},
};

static int64_t size_of(const struct dse_onnx *onnx, const char *name) {
    int rank;
    int64_t dims[DSE_ONNX_MAX_RANK], n = 1;
    assert_non_null(dse_onnx_get_floats(onnx, name, &rank, dims));
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    return n;
}

/* Inputs 1 and 2 of layers and norms; 3 and 4 of a norm are what it has seen, not learned. */
static int64_t count_parameters(const struct dse_onnx *onnx) {
    int64_t sum = 0;
    for (int i = 0; i < dse_onnx_n_nodes(onnx); i++) {
        struct dse_onnx_node node = dse_onnx_node(onnx, i);
        for (int k = 1; k < 3 && k < node.n_inputs && strcmp(node.op, "Add") != 0; k++)
            sum += size_of(onnx, node.inputs[k]);
    }
    return sum;
}

static void build(const struct known *known, const char *path) {
    char words[64];
    char *argv[16] = {(char *)"pareto-model", (char *)"build", (char *)known->name, (char *)path},
         *rest = NULL;
    int argc = 4;
    struct model m = {0};
    struct dse_err err = {0};
    (void)snprintf(words, sizeof words, "%s", known->words);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    assert_ok(model__read_line(argc, argv, &m, &err), &err);
    assert_ok(model__command_build(&m, &err), &err);
    dse_arena_fini(&m.arena);
}

static void check(const struct known *known, const char *path) {
    struct dse_err err = {0};
    struct dse_onnx *onnx = NULL;
    struct dse_graph *graph = NULL;
    struct dse_arena arena = {0};
    struct model__costs costs;
    build(known, path);
    assert_ok(dse_onnx_load(path, &onnx, &err), &err);
    assert_ok(model__graph_of(onnx, path, &graph, &err), &err);
    assert_ok(model__costs_of(graph, &arena, &costs, &err), &err);
    assert_int_equal(count_parameters(onnx), known->parameters);
    assert_int_equal(costs.total, known->macs);
    for (int i = 0; i < 3 && known->exit_macs[i] != 0; i++)
        assert_int_equal(costs.exits[i], known->exit_macs[i]);
    dse_arena_fini(&arena);
    dse_graph_free(graph);
    dse_onnx_free(onnx);
}

static void networks_are_as_large_as_published(void **state) {
    (void)state;
    char dir[256], path[300];
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/net.onnx", dir);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check(&table[i], path);
    (void)remove(path);
    (void)rmdir(dir);
}

/* BranchyNet's AlexNet drops half of what its last layer reads, and nothing else. */
static void dropouts_stand_where_published(void **state) {
    (void)state;
    const struct known known = {"--exits 1", "b-alexnet", 0, 0, {0}};
    const struct dse_graph_options options = {.keep_dropout = true};
    char dir[256], path[300];
    struct dse_err err = {0};
    struct dse_graph *graph = NULL;
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/net.onnx", dir);
    build(&known, path);
    assert_ok(dse_graph_load_onnx(path, &options, &graph, &err), &err);
    for (int l = 0; l < graph->n_layers; l++) {
        const struct dse_conv_node *layer = &graph->nodes[graph->layers[l]].conv;
        assert_int_equal(layer->drops, l == graph->n_layers - 1);
        assert_true(!layer->drops || layer->rate == 0.5f);
    }
    dse_graph_free(graph);
    (void)remove(path);
    (void)rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_as_large_as_published),
        cmocka_unit_test(dropouts_stand_where_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
