/* The command line of pareto: its tables as the console's parser takes them. */
#include "client/client.h"

#include <string.h>

enum { WORKERS_MAX = 4096 };

static const struct dse_console_command commands[] = {
#define X(name, operands, fewest, most, summary, more) \
    {#name, operands, fewest, most, summary, more},
    CLIENT_COMMAND_TABLE(X)
#undef X
};

static const struct dse_console_option option_table[] = {
#define X(member, kind, text, value, commands, help) \
    {text, DSE_CONSOLE_##kind, value, commands,      \
     1,    WORKERS_MAX,        help,  offsetof(struct client__options, member)},
    CLIENT_OPTION_TABLE(X)
#undef X
};

static const struct dse_console_choices choices[] = {
    {"--format", "csv json svg png pdf tikz"},
    {"PLOT", "front hypervolume bits severity corruptions parallel violation"},
    {"--level", "error warn info debug"},
    {"SHELL", "bash zsh fish"},
};

const struct dse_console_program client__program = {
    .name = "pareto",
    .intro = "pareto explores compressed neural networks. It talks to the daemon paretod,\n"
             "which runs the sweeps and keeps every result.\n",
    .operand = "SWEEP",
    .operand_help =
        "\nSWEEP is the id that submit and list print; without it, the newest one is meant.\n",
    .notes = "\nSWEEP is the id that submit and list print; without it, the newest one is meant.\n",
    .outro = "\nEnvironment: PARETO_STATE names the state directory (default\n"
             "~/.local/state/paretod), NO_COLOR switches colours off.\n",
    .failed = ": the watched sweep failed or was cancelled",
    .end = "\nTo begin: pareto plan FILE, then pareto run FILE. pareto COMMAND --help says\n"
           "more.\n",
    .commands = commands,
    .n_commands = CLIENT_COMMAND_COUNT,
    .options = option_table,
    .n_options = sizeof option_table / sizeof option_table[0],
    .choices = choices,
    .n_choices = sizeof choices / sizeof choices[0],
};

const char *client__command_name(enum client__command_id command) {
    dse_assert((unsigned)command < CLIENT_COMMAND_COUNT);
    return commands[command].name;
}

enum dse_status client__options_read(int argc, char **argv, struct client__options *options,
                                     struct dse_err *err) {
    struct client__options read = {0};
    struct dse_console_line line;
    DSE_TRY(dse_console_read(&client__program, argc, argv, &line, &read, err));
    if (!line.help && !line.version && read.sha256 && read.json)
        DSE_FAIL(err, DSE_USAGE, "--sha256 and --json exclude each other");
    read.command = (enum client__command_id)line.command;
    read.help = line.help;
    read.version = line.version;
    memcpy(read.operands, line.operands, sizeof read.operands);
    read.n_operands = line.n_operands;
    *options = read;
    return DSE_OK;
}

enum dse_status client__command_completion(struct client *c, struct dse_err *err) {
    return dse_console_put_completion(&client__program, c->options.operands[0], err);
}

void client__help(enum client__command_id command, struct dse_buf *out) {
    dse_console_help(&client__program, (int)command, out);
}
