/* An ONNX model in memory: made or read, looked at, edited, written. Everything in the project that
 * writes ONNX does it through this; what the engine computes with is struct dse_graph (graph.h).
 *
 * Edits that run out of memory make the model fail, once and for all: check at the end, with
 * dse_onnx_write, dse_onnx_save or dse_onnx_status. Strings and arrays are copied in; what
 * functions return is borrowed and stays valid until the model is freed (a string) or edited (an
 * array). The bytes written depend on the model alone. Not for two threads at once. */
#ifndef DSE_EVALUATOR_GRAPH_ONNX_MODEL_H
#define DSE_EVALUATOR_GRAPH_ONNX_MODEL_H

#include "base/base.h"

struct dse_onnx;

/* Element types, with ONNX's numbers. */
enum dse_onnx_type {
    DSE_ONNX_FLOAT = 1,
    DSE_ONNX_UINT8 = 2,
    DSE_ONNX_INT8 = 3,
    DSE_ONNX_INT32 = 6,
    DSE_ONNX_INT64 = 7,
    DSE_ONNX_BOOL = 9,
};

enum { DSE_ONNX_MAX_RANK = 8, DSE_ONNX_DYNAMIC = -1 /* an extent, the batch */ };

/* ---- the whole ---- */

/* An empty model of that operator set (of ONNX's own domain). */
DSE_MUST_USE enum dse_status dse_onnx_new(const char *graph_name, int opset,
                                          struct dse_onnx **model, struct dse_err *err);
/* Bytes of a stranger; name is used in messages. INVALID when broken; UNSUPPORTED when weights are
 * in other files, or its operator set is older than 9. */
DSE_MUST_USE enum dse_status dse_onnx_read(const void *bytes, size_t size, const char *name,
                                           struct dse_onnx **model, struct dse_err *err);
DSE_MUST_USE enum dse_status dse_onnx_load(const char *path, struct dse_onnx **model,
                                           struct dse_err *err);
void dse_onnx_free(struct dse_onnx *model); /* NULL is fine */
/* NO_MEMORY when an edit has failed. */
DSE_MUST_USE enum dse_status dse_onnx_status(const struct dse_onnx *model, struct dse_err *err);
/* Appends the file's bytes. */
DSE_MUST_USE enum dse_status dse_onnx_write(const struct dse_onnx *model, struct dse_buf *out,
                                            struct dse_err *err);
/* Replaces the file as a whole (dse_file_replace). */
DSE_MUST_USE enum dse_status dse_onnx_save(const struct dse_onnx *model, const char *path,
                                           struct dse_err *err);
/* Of ONNX's own domain; 0 where none is given. */
int dse_onnx_opset(const struct dse_onnx *model);

/* ---- nodes, in the order of the file ---- */

struct dse_onnx_node {
    const char *name; /* "" where it has none */
    const char *op;
    const char *const *inputs; /* "": left out */
    int n_inputs;
    const char *const *outputs;
    int n_outputs;
};
int dse_onnx_n_nodes(const struct dse_onnx *model);
struct dse_onnx_node dse_onnx_node(const struct dse_onnx *model, int node);
/* The node's name, or that of its first output where it has none. */
const char *dse_onnx_node_label(const struct dse_onnx *model, int node);
/* Index of the node with that label / that makes that value; -1: none. */
int dse_onnx_find_node(const struct dse_onnx *model, const char *label);
int dse_onnx_find_producer(const struct dse_onnx *model, const char *value);
/* Inserts before node `at` (n_nodes: at the end); later nodes move up by one. */
void dse_onnx_insert_node(struct dse_onnx *model, int at, const struct dse_onnx_node *node);
void dse_onnx_append_node(struct dse_onnx *model, const struct dse_onnx_node *node);
/* A second node `source` with all its attributes, before node `at`. */
void dse_onnx_copy_node(struct dse_onnx *model, int source, int at);
void dse_onnx_remove_node(struct dse_onnx *model, int node);
void dse_onnx_set_node_name(struct dse_onnx *model, int node, const char *name);
void dse_onnx_set_node_input(struct dse_onnx *model, int node, int k, const char *value);
void dse_onnx_append_input(struct dse_onnx *model, int node, const char *value);
void dse_onnx_append_output(struct dse_onnx *model, int node, const char *value);
void dse_onnx_set_node_output(struct dse_onnx *model, int node, int k, const char *value);

/* ---- attributes of a node: set replaces; get answers the fallback where there is none ---- */

void dse_onnx_set_int(struct dse_onnx *model, int node, const char *name, int64_t value);
void dse_onnx_set_ints(struct dse_onnx *model, int node, const char *name, const int64_t *values,
                       int n);
void dse_onnx_set_float(struct dse_onnx *model, int node, const char *name, float value);
void dse_onnx_set_text(struct dse_onnx *model, int node, const char *name, const char *value);
int64_t dse_onnx_get_int(const struct dse_onnx *model, int node, const char *name,
                         int64_t fallback);
void dse_onnx_remove_attribute(struct dse_onnx *model, int node, const char *name);

/* ---- constants (initializers) ---- */

int dse_onnx_n_constants(const struct dse_onnx *model);
const char *dse_onnx_constant_name(const struct dse_onnx *model, int constant);
bool dse_onnx_is_constant(const struct dse_onnx *model, const char *name);
/* dims: rank extents, rank 0 for a scalar; data as many elements, in C order. */
void dse_onnx_add_constant(struct dse_onnx *model, const char *name, enum dse_onnx_type type,
                           int rank, const int64_t *dims, const void *data);
/* Elements of a float32 constant, borrowed; NULL when there is none of that name, type and a rank
 * of at most DSE_ONNX_MAX_RANK. dims: DSE_ONNX_MAX_RANK. */
const float *dse_onnx_get_floats(const struct dse_onnx *model, const char *name, int *rank,
                                 int64_t *dims);
/* The same of int8, as bytes stand in the file (other layouts: NULL). */
const int8_t *dse_onnx_get_int8(const struct dse_onnx *model, const char *name, int *rank,
                                int64_t *dims);
void dse_onnx_remove_constant(struct dse_onnx *model, const char *name);

/* ---- inputs and outputs of the model ---- */

int dse_onnx_n_inputs(const struct dse_onnx *model);
int dse_onnx_n_outputs(const struct dse_onnx *model);
const char *dse_onnx_input_name(const struct dse_onnx *model, int input);
const char *dse_onnx_output_name(const struct dse_onnx *model, int output);
/* float32; dims[i] DSE_ONNX_DYNAMIC for the batch. Outputs are inserted before `at`. */
void dse_onnx_add_input(struct dse_onnx *model, const char *name, int rank, const int64_t *dims);
void dse_onnx_insert_output(struct dse_onnx *model, int at, const char *name, int rank,
                            const int64_t *dims);
/* An output of another's type and shape. */
void dse_onnx_copy_output(struct dse_onnx *model, int source, int at, const char *name);
void dse_onnx_remove_output(struct dse_onnx *model, int output);

/* ---- names ---- */

/* Does a node, constant or input of the model make a value of that name? */
bool dse_onnx_has_value(const struct dse_onnx *model, const char *name);
/* `wish`, or wish_2, wish_3, … so that no value and no node has the name. Never NULL: "?" without
 * memory. */
const char *dse_onnx_new_name(struct dse_onnx *model, const char *wish);
/* Readers of a value, and outputs of the model, take another one instead. */
void dse_onnx_redirect(struct dse_onnx *model, const char *from, const char *to);

#endif
