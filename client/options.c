/* The command line: tables, reading, help. */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct command_info {
    const char *name, *operands;
    int fewest, most;
    const char *summary, *more;
};
static const struct command_info commands[] = {
#define X(name, operands, fewest, most, summary, more) \
    {#name, operands, fewest, most, summary, more},
    CLIENT_COMMAND_TABLE(X)
#undef X
};

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_COUNT };
struct option_info {
    const char *text;
    enum option_kind kind;
    const char *value;
    unsigned commands; /* CLIENT_ANY: every command */
    const char *help;
    size_t offset; /* in struct client__options */
};
static const struct option_info option_table[] = {
#define X(member, kind, text, value, commands, help) \
    {text, KIND_##kind, value, commands, help, offsetof(struct client__options, member)},
    CLIENT_OPTION_TABLE(X)
#undef X
};
enum { OPTION_COUNT = sizeof option_table / sizeof option_table[0] };

enum { WORKERS_MAX = 4096 };

const char *client__command_name(enum client__command_id command) {
    dse_assert((unsigned)command < CLIENT_COMMAND_COUNT);
    return commands[command].name;
}

/* ---- reading ---- */

static enum dse_status fail_unknown(const char *what, const char *word, const char *const *known,
                                    int n_known, const char *help, struct dse_err *err) {
    const char *closest = dse_word_nearest(word, known, n_known);
    if (closest == NULL)
        DSE_FAIL(err, DSE_USAGE, "unknown %s \"%.60s\"; %s lists them", what, word, help);
    DSE_FAIL(err, DSE_USAGE, "unknown %s \"%.60s\"; did you mean \"%s\"? %s lists them", what, word,
             closest, help);
}

static enum dse_status fail_unknown_command(const char *word, struct dse_err *err) {
    const char *names[CLIENT_COMMAND_COUNT];
    for (int i = 0; i < CLIENT_COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    return fail_unknown("command", word, names, CLIENT_COMMAND_COUNT, "pareto --help", err);
}

static enum dse_status fail_unknown_option(const char *word, struct dse_err *err) {
    const char *names[OPTION_COUNT];
    for (int i = 0; i < OPTION_COUNT; i++)
        names[i] = option_table[i].text;
    return fail_unknown("option", word, names, OPTION_COUNT, "pareto --help", err);
}

/* The option of an argument "--name" or "--name=value"; NULL when there is none. */
static const struct option_info *find_option(const char *argument) {
    size_t length = strcspn(argument, "=");
    if (strcmp(argument, "-h") == 0)
        argument = "--help", length = strlen(argument);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strlen(option_table[i].text) == length &&
            strncmp(option_table[i].text, argument, length) == 0)
            return &option_table[i];
    return NULL;
}

static enum dse_status store_count(const struct option_info *option, const char *value,
                                   int64_t *out, struct dse_err *err) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < 1 || number > WORKERS_MAX)
        DSE_FAIL(err, DSE_USAGE, "%s expects a whole number from 1 to %d, not \"%.60s\"",
                 option->text, WORKERS_MAX, value);
    *out = number;
    return DSE_OK;
}

static enum dse_status store_option(const struct option_info *option, const char *value,
                                    struct client__options *options, struct dse_err *err) {
    void *member = (char *)options + option->offset;
    switch (option->kind) {
    case KIND_FLAG:
        *(bool *)member = true;
        return DSE_OK;
    case KIND_TEXT:
        if (value[0] == '\0')
            DSE_FAIL(err, DSE_USAGE, "%s expects %s, not nothing", option->text, option->value);
        *(const char **)member = value;
        return DSE_OK;
    case KIND_COUNT:
        return store_count(option, value, member, err);
    }
    DSE_FAIL(err, DSE_INTERNAL, "unknown kind of option");
}

/* Reads the option at argv[*i] and steps over its value. */
static enum dse_status read_option(int argc, char **argv, int *i, struct client__options *options,
                                   struct dse_err *err) {
    const char *argument = argv[*i];
    const struct option_info *option = find_option(argument);
    if (option == NULL)
        return fail_unknown_option(argument, err);
    const char *equals = strchr(argument, '=');
    if (option->kind == KIND_FLAG && equals != NULL)
        DSE_FAIL(err, DSE_USAGE, "%s takes no value", option->text);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (option->kind != KIND_FLAG && value == NULL) {
        if (*i + 1 >= argc)
            DSE_FAIL(err, DSE_USAGE, "%s expects a value: %s %s", option->text, option->text,
                     option->value);
        value = argv[++*i];
    }
    return store_option(option, value, options, err);
}

static enum dse_status add_operand(const char *text, struct client__options *options,
                                   struct dse_err *err) {
    if (options->command == CLIENT_COMMAND_COUNT) {
        if (strcmp(text, "help") == 0) {
            options->help = true;
            return DSE_OK;
        }
        for (int i = 0; i < CLIENT_COMMAND_COUNT; i++)
            if (strcmp(commands[i].name, text) == 0)
                options->command = (enum client__command_id)i;
        if (options->command == CLIENT_COMMAND_COUNT)
            return fail_unknown_command(text, err);
        return DSE_OK;
    }
    const struct command_info *command = &commands[options->command];
    if (options->n_operands == command->most)
        DSE_FAIL(err, DSE_USAGE, "too many arguments: \"%.60s\"; usage: pareto %s%s%s", text,
                 command->name, command->operands[0] != '\0' ? " " : "", command->operands);
    options->operands[options->n_operands++] = text;
    return DSE_OK;
}

/* "-", and "-1.0": individuals of the baseline begin with a minus. */
static bool is_operand(const char *argument) {
    return argument[0] != '-' || argument[1] == '\0' || (argument[1] >= '0' && argument[1] <= '9');
}

static enum dse_status check_options(const struct client__options *options, struct dse_err *err) {
    if (options->command == CLIENT_COMMAND_COUNT)
        DSE_FAIL(err, DSE_USAGE, "which command? pareto --help lists them");
    const struct command_info *command = &commands[options->command];
    if (options->n_operands < command->fewest)
        DSE_FAIL(err, DSE_USAGE, "too few arguments; usage: pareto %s %s", command->name,
                 command->operands);
    if (options->sha256 && options->json)
        DSE_FAIL(err, DSE_USAGE, "--sha256 and --json exclude each other");
    return DSE_OK;
}

/* Options may stand before the command, so this waits until the command is known. */
static enum dse_status check_option_belongs(const struct option_info *option,
                                            const struct client__options *options,
                                            struct dse_err *err) {
    if (options->command == CLIENT_COMMAND_COUNT || option->commands == CLIENT_ANY ||
        (option->commands & (1u << options->command)) != 0)
        return DSE_OK;
    const char *name = commands[options->command].name;
    DSE_FAIL(err, DSE_USAGE, "pareto %s has no option %s; pareto %s --help lists its options", name,
             option->text, name);
}

enum dse_status client__options_read(int argc, char **argv, struct client__options *options,
                                     struct dse_err *err) {
    struct client__options read = {.command = CLIENT_COMMAND_COUNT};
    unsigned given = 0; /* bit i: option_table[i] */
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (only_operands || is_operand(argv[i])) {
            DSE_TRY(add_operand(argv[i], &read, err));
        } else {
            const struct option_info *option = find_option(argv[i]);
            DSE_TRY(read_option(argc, argv, &i, &read, err));
            given |= 1u << (option - option_table);
        }
    }
    if (!read.help && !read.version) {
        for (int i = 0; i < OPTION_COUNT; i++)
            if ((given >> i & 1u) != 0)
                DSE_TRY(check_option_belongs(&option_table[i], &read, err));
        DSE_TRY(check_options(&read, err));
    }
    *options = read;
    return DSE_OK;
}

/* ---- help ---- */

enum { HELP_COLUMN = 27 };

static void help_row(const char *name, const char *value, const char *help, struct dse_buf *out) {
    size_t start = out->size;
    dse_buf_printf(out, "  %s%s%s", name, value[0] != '\0' ? " " : "", value);
    int used = (int)(out->size - start);
    dse_buf_printf(out, "%*s%s\n", used < HELP_COLUMN ? HELP_COLUMN - used : 1, "", help);
}

static void help_options(unsigned commands_bit, struct dse_buf *out) {
    for (int i = 0; i < OPTION_COUNT; i++) {
        unsigned belongs = option_table[i].commands;
        if (commands_bit == CLIENT_ANY ? belongs == CLIENT_ANY : (belongs & commands_bit) != 0)
            help_row(option_table[i].text, option_table[i].value, option_table[i].help, out);
    }
}

/* Statuses that share a number share a line. */
static void help_exit_statuses(struct dse_buf *out) {
    static const struct {
        int number;
        const char *text;
    } statuses[] = {
#define X(name, class, exit_status, text) {exit_status, text},
        DSE_STATUS_TABLE(X)
#undef X
    };
    int last = -1;
    for (int i = 0; i < DSE_STATUS_COUNT; i++) {
        if (i == DSE_AGAIN)
            continue;
        if (statuses[i].number == last)
            dse_buf_printf(out, ", %s", statuses[i].text);
        else
            dse_buf_printf(out, "%s  %3d  %s", i > 0 ? "\n" : "", statuses[i].number,
                           statuses[i].text);
        if (i == DSE_FAILED)
            dse_buf_puts(out, ": the watched sweep failed or was cancelled");
        last = statuses[i].number;
    }
    dse_buf_puts(out, "\n");
}

#define SWEEP_HELP \
    "\nSWEEP is the id that submit and list print; without it, the newest one is meant.\n"

static void help_program(struct dse_buf *out) {
    dse_buf_puts(out,
                 "pareto explores compressed neural networks. It talks to the daemon paretod,\n"
                 "which runs the sweeps and keeps every result.\n\n"
                 "Usage: pareto COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n");
    for (int i = 0; i < CLIENT_COMMAND_COUNT; i++)
        help_row(commands[i].name, commands[i].operands, commands[i].summary, out);
    dse_buf_puts(out, SWEEP_HELP "\nOptions of every command:\n");
    help_options(CLIENT_ANY, out);
    dse_buf_puts(out, "\nOptions of some commands:\n");
    help_options(~0u, out);
    dse_buf_puts(out, "\nEnvironment: PARETO_STATE names the state directory (default\n"
                      "~/.local/state/paretod), NO_COLOR switches colours off.\n\nExit status:\n");
    help_exit_statuses(out);
    dse_buf_puts(out,
                 "\nTo begin: pareto plan FILE, then pareto run FILE. pareto COMMAND --help says\n"
                 "more.\n");
}

void client__help(enum client__command_id command, struct dse_buf *out) {
    if (command == CLIENT_COMMAND_COUNT) {
        help_program(out);
        return;
    }
    const struct command_info *info = &commands[command];
    dse_buf_printf(out, "pareto %s: %s\n\nUsage: pareto %s [OPTION]...%s%s\n", info->name,
                   info->summary, info->name, info->operands[0] != '\0' ? " " : "", info->operands);
    if (info->more[0] != '\0')
        dse_buf_printf(out, "\n%s", info->more);
    if (strstr(info->operands, "SWEEP") != NULL)
        dse_buf_puts(out, SWEEP_HELP);
    dse_buf_puts(out, "\nOptions:\n");
    help_options(1u << command, out);
    help_options(CLIENT_ANY, out);
}
