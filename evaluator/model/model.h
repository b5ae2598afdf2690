/* model: the program pareto-model, tools for networks on a user's machine. This header is for the
 * files of the room and for its tests; no other room uses it.
 *
 * To add a command: a line in commands.def, its options in options.def, and command_<name>.c. */
#ifndef DSE_EVALUATOR_MODEL_H
#define DSE_EVALUATOR_MODEL_H

#include "base/base.h"
#include "console/console.h"
#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"

enum model__command_id {
#define X(name, operands, fewest, most, summary, more) MODEL_COMMAND_##name,
#include "evaluator/model/commands.def"
#undef X
    MODEL_COMMAND_COUNT
};

#define MODEL_ON(name) ((uint64_t)1 << MODEL_COMMAND_##name)
#define MODEL_ANY      ((uint64_t)0)

/* Commands that teach, that take images. */
#define MODEL_TEACHES  (MODEL_ON(train) | MODEL_ON(retrain))
#define MODEL_RUNS     (MODEL_ON(infer) | MODEL_ON(benchmark))
#define MODEL_DATA     (MODEL_ON(calibrate) | MODEL_ON(convert) | MODEL_TEACHES | MODEL_RUNS)
#define MODEL_PICTURES (MODEL_DATA | MODEL_ON(corrupt))

#define MODEL_OPTION_TYPE_FLAG    bool
#define MODEL_OPTION_TYPE_TEXT    const char *
#define MODEL_OPTION_TYPE_COUNT   int64_t
#define MODEL_OPTION_TYPE_REAL    double
#define MODEL_OPTION_TYPE_HELP    bool
#define MODEL_OPTION_TYPE_VERSION bool

/* The options of the command line. Texts are borrowed from argv, NULL where not given. */
struct model__options {
#define X(member, kind, text, value, commands, low, high, help) MODEL_OPTION_TYPE_##kind member;
#include "evaluator/model/options.def"
#undef X
};

enum model__option_id {
#define X(member, kind, text, value, commands, low, high, help) MODEL_OPTION_##member,
#include "evaluator/model/options.def"
#undef X
    MODEL_OPTION_COUNT
};

/* One in main, given to every command. */
struct model {
    struct model__options options;
    struct dse_console_line line; /* operands, and which options were given */
    struct dse_arena arena;       /* for the whole command */
    struct dse_console_style style;
    struct dse_console_progress progress;
};

/* Was the option on the command line? model__given(m, MODEL_OPTION_output) */
bool model__given(const struct model *m, enum model__option_id option);
/* The tables as the console takes them (command_table.c). */
extern const struct dse_console_program model__program;
/* Reads a command line into m. */
DSE_MUST_USE enum dse_status model__read_line(int argc, char **argv, struct model *m,
                                              struct dse_err *err);

/* ---- what commands share ---- */

/* Multiply-accumulates of a network for one image (model_costs.c). */
struct model__costs {
    int64_t total, backbone, tail; /* tail: what depends on a dropout */
    int dropouts;                  /* layers with one on their input */
    int first_dropout;             /* node; -1: none */
    int64_t *exits; /* by output: all that is computed to leave there, in the arena */
};
DSE_MUST_USE enum dse_status model__costs_of(const struct dse_graph *graph, struct dse_arena *arena,
                                             struct model__costs *costs, struct dse_err *err);
/* "backbone 1,234 + passes x tail 5,678" and the costs of the exits as lines; as JSON members. */
void model__costs_print(const struct dse_graph *graph, const struct model__costs *costs,
                        struct dse_arena *arena, struct dse_buf *out);
void model__costs_json(const struct dse_graph *graph, const struct model__costs *costs,
                       struct dse_buf *out);
/* The graph of all outputs of a model, with its dropouts; name is used in messages. */
DSE_MUST_USE enum dse_status model__graph_of(const struct dse_onnx *onnx, const char *name,
                                             struct dse_graph **graph, struct dse_err *err);
/* Writes a changed model, then says what it is: `change` and its costs. */
DSE_MUST_USE enum dse_status model__finish(struct model *m, const struct dse_onnx *onnx,
                                           const char *path, const char *change,
                                           struct dse_err *err);

/* The graph of a model file for --output, or for all outputs, with the dropouts that are in
 * training mode. */
DSE_MUST_USE enum dse_status model__load_graph(const struct model *m, const char *path,
                                               struct dse_graph **graph, struct dse_err *err);

/* ---- the commands ---- */

#define X(name, operands, fewest, most, summary, more) \
    DSE_MUST_USE enum dse_status model__command_##name(struct model *m, struct dse_err *err);
#include "evaluator/model/commands.def"
#undef X

#endif
