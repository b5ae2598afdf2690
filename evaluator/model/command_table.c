/* The command line of pareto-model: its tables as the console's parser takes them. */
#include "evaluator/model/model.h"

static const struct dse_console_command commands[] = {
#define X(name, operands, fewest, most, summary, more) \
    {#name, operands, fewest, most, summary, more},
#include "evaluator/model/commands.def"
#undef X
};

static const struct dse_console_option options[] = {
#define X(member, kind, text, value, commands, low, high, help) \
    {text,  DSE_CONSOLE_##kind,                                 \
     value, commands,                                           \
     low,   high,                                               \
     help,  offsetof(struct model__options, member)},
#include "evaluator/model/options.def"
#undef X
};

static const struct dse_console_choices choices[] = {{"SHELL", "bash zsh fish"}};

const struct dse_console_program model__program = {
    .name = "pareto-model",
    .intro = "pareto-model looks at networks in ONNX files, changes and converts them.\n"
             "pareto model COMMAND is the same program.\n",
    .notes = "",
    .outro = "\nEnvironment: NO_COLOR switches colours off.\n",
    .failed = "",
    .end = "\npareto-model COMMAND --help says more.\n",
    .commands = commands,
    .n_commands = MODEL_COMMAND_COUNT,
    .options = options,
    .n_options = MODEL_OPTION_COUNT,
    .choices = choices,
    .n_choices = sizeof choices / sizeof choices[0],
};

bool model__given(const struct model *m, enum model__option_id option) {
    return (m->line.given >> option & 1u) != 0;
}

enum dse_status model__read_line(int argc, char **argv, struct model *m, struct dse_err *err) {
    struct model__options read = {0};
    DSE_TRY(dse_console_read(&model__program, argc, argv, &m->line, &read, err));
    m->options = read;
    return DSE_OK;
}

enum dse_status model__command_completion(struct model *m, struct dse_err *err) {
    return dse_console_put_completion(&model__program, m->line.operands[0], err);
}
