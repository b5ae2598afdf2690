/* A program's command line, from tables: reading and help. */
#include "console/console.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

/* ---- reading ---- */

struct reading {
    const struct dse_console_program *program;
    struct dse_console_line line;
    char *options;
    struct dse_err *err;
};

static enum dse_status fail_unknown(const struct reading *reading, const char *what,
                                    const char *word, const char *const *known, int n_known) {
    const char *closest = dse_word_nearest(word, known, n_known);
    const char *program = reading->program->name;
    if (closest == NULL)
        DSE_FAIL(reading->err, DSE_USAGE, "unknown %s \"%.60s\"; %s --help lists them", what, word,
                 program);
    DSE_FAIL(reading->err, DSE_USAGE,
             "unknown %s \"%.60s\"; did you mean \"%s\"? %s --help lists them", what, word, closest,
             program);
}

static enum dse_status fail_unknown_command(const struct reading *reading, const char *word) {
    const char *names[NAMES_MAX];
    const struct dse_console_program *program = reading->program;
    for (int i = 0; i < program->n_commands; i++)
        names[i] = program->commands[i].name;
    return fail_unknown(reading, "command", word, names, program->n_commands);
}

static enum dse_status fail_unknown_option(const struct reading *reading, const char *word) {
    const char *names[NAMES_MAX];
    const struct dse_console_program *program = reading->program;
    for (int i = 0; i < program->n_options; i++)
        names[i] = program->options[i].text;
    return fail_unknown(reading, "option", word, names, program->n_options);
}

/* The option of an argument "--name" or "--name=value"; an underscore in a name is as good as a
 * hyphen. -h and -o are short for --help and --output. NULL when there is none. */
static const struct dse_console_option *find_option(const struct dse_console_program *program,
                                                    const char *argument) {
    size_t length = strcspn(argument, "=");
    if (strcmp(argument, "-h") == 0)
        argument = "--help", length = strlen(argument);
    else if (strcmp(argument, "-o") == 0)
        argument = "--output", length = strlen(argument);
    for (int i = 0; i < program->n_options; i++) {
        const char *text = program->options[i].text;
        size_t same = 0;
        while (same < length && text[same] != '\0' &&
               (argument[same] == text[same] || (argument[same] == '_' && text[same] == '-')))
            same++;
        if (same == length && text[same] == '\0')
            return &program->options[i];
    }
    return NULL;
}

enum dse_status dse_console_read_count(const char *name, const char *text, int64_t low,
                                       int64_t high, int64_t *count, struct dse_err *err) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < low || number > high)
        DSE_FAIL(err, DSE_USAGE, "%s expects a whole number from %lld to %lld, not \"%.60s\"", name,
                 (long long)low, (long long)high, text);
    *count = number;
    return DSE_OK;
}

static enum dse_status store_real(const struct dse_console_option *option, const char *value,
                                  double *out, struct dse_err *err) {
    char *end;
    errno = 0;
    double number = strtod(value, &end);
    if (errno != 0 || end == value || *end != '\0' || !(number >= option->low) ||
        !(number <= option->high))
        DSE_FAIL(err, DSE_USAGE, "%s expects a number from %g to %g, not \"%.60s\"", option->text,
                 option->low, option->high, value);
    *out = number;
    return DSE_OK;
}

static enum dse_status store_option(struct reading *reading,
                                    const struct dse_console_option *option, const char *value) {
    void *member = reading->options + option->offset;
    switch (option->kind) {
    case DSE_CONSOLE_FLAG:
        *(bool *)member = true;
        return DSE_OK;
    case DSE_CONSOLE_TEXT:
        if (value[0] == '\0')
            DSE_FAIL(reading->err, DSE_USAGE, "%s expects %s, not nothing", option->text,
                     option->value);
        *(const char **)member = value;
        return DSE_OK;
    case DSE_CONSOLE_COUNT:
        return dse_console_read_count(option->text, value, (int64_t)option->low,
                                      (int64_t)option->high, member, reading->err);
    case DSE_CONSOLE_REAL:
        return store_real(option, value, member, reading->err);
    case DSE_CONSOLE_HELP:
        reading->line.help = true;
        return DSE_OK;
    case DSE_CONSOLE_VERSION:
        reading->line.version = true;
        return DSE_OK;
    }
    DSE_FAIL(reading->err, DSE_INTERNAL, "unknown kind of option");
}

static bool takes_value(const struct dse_console_option *option) {
    return option->kind == DSE_CONSOLE_TEXT || option->kind == DSE_CONSOLE_COUNT ||
           option->kind == DSE_CONSOLE_REAL;
}

/* Reads the option at argv[*i] and steps over its value. */
static enum dse_status read_option(struct reading *reading, int argc, char **argv, int *i) {
    const char *argument = argv[*i];
    const struct dse_console_option *option = find_option(reading->program, argument);
    if (option == NULL)
        return fail_unknown_option(reading, argument);
    const char *equals = strchr(argument, '=');
    if (!takes_value(option) && equals != NULL)
        DSE_FAIL(reading->err, DSE_USAGE, "%s takes no value", option->text);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (takes_value(option) && value == NULL) {
        if (*i + 1 >= argc)
            DSE_FAIL(reading->err, DSE_USAGE, "%s expects a value: %s %s", option->text,
                     option->text, option->value);
        value = argv[++*i];
    }
    reading->line.given |= (uint64_t)1 << (option - reading->program->options);
    return store_option(reading, option, value);
}

static enum dse_status add_operand(struct reading *reading, const char *text) {
    const struct dse_console_program *program = reading->program;
    struct dse_console_line *line = &reading->line;
    if (line->command == program->n_commands) {
        if (strcmp(text, "help") == 0) {
            line->help = true;
            return DSE_OK;
        }
        for (int i = 0; i < program->n_commands; i++)
            if (strcmp(program->commands[i].name, text) == 0)
                line->command = i;
        return line->command == program->n_commands ? fail_unknown_command(reading, text) : DSE_OK;
    }
    const struct dse_console_command *command = &program->commands[line->command];
    if (line->n_operands == command->most)
        DSE_FAIL(reading->err, DSE_USAGE, "too many arguments: \"%.60s\"; usage: %s %s%s%s", text,
                 program->name, command->name, command->operands[0] != '\0' ? " " : "",
                 command->operands);
    line->operands[line->n_operands++] = text;
    return DSE_OK;
}

/* "-", and "-1.0": individuals of the baseline begin with a minus. */
static bool is_operand(const char *argument) {
    return argument[0] != '-' || argument[1] == '\0' || (argument[1] >= '0' && argument[1] <= '9');
}

/* Options may stand before the command, so this waits until the command is known. */
static enum dse_status check_options_belong(const struct reading *reading) {
    const struct dse_console_program *program = reading->program;
    int command = reading->line.command;
    const char *name = program->commands[command].name;
    for (int i = 0; i < program->n_options; i++) {
        const struct dse_console_option *option = &program->options[i];
        if ((reading->line.given >> i & 1u) != 0 && option->commands != 0 &&
            (option->commands >> command & 1u) == 0)
            DSE_FAIL(reading->err, DSE_USAGE,
                     "%s %s has no option %s; %s %s --help lists its options", program->name, name,
                     option->text, program->name, name);
    }
    return DSE_OK;
}

static enum dse_status check_command(const struct reading *reading) {
    const struct dse_console_program *program = reading->program;
    if (reading->line.command == program->n_commands)
        DSE_FAIL(reading->err, DSE_USAGE, "which command? %s --help lists them", program->name);
    const struct dse_console_command *command = &program->commands[reading->line.command];
    DSE_TRY(check_options_belong(reading));
    if (reading->line.n_operands < command->fewest)
        DSE_FAIL(reading->err, DSE_USAGE, "too few arguments; usage: %s %s %s", program->name,
                 command->name, command->operands);
    return DSE_OK;
}

enum dse_status dse_console_read(const struct dse_console_program *program, int argc, char **argv,
                                 struct dse_console_line *line, void *options,
                                 struct dse_err *err) {
    dse_assert(program->n_commands <= NAMES_MAX && program->n_options <= NAMES_MAX);
    struct reading reading = {program, {.command = program->n_commands}, options, err};
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (only_operands || is_operand(argv[i]))
            DSE_TRY(add_operand(&reading, argv[i]));
        else
            DSE_TRY(read_option(&reading, argc, argv, &i));
    }
    if (!reading.line.help && !reading.line.version)
        DSE_TRY(check_command(&reading));
    *line = reading.line;
    return DSE_OK;
}

/* ---- help ---- */

enum { HELP_COLUMN = 27 };

/* A name that is too wide for its column stands on a line of its own. */
static void help_row(const char *name, const char *value, const char *help, struct dse_buf *out) {
    size_t start = out->size;
    dse_buf_printf(out, "  %s%s%s", name, value[0] != '\0' ? " " : "", value);
    int used = (int)(out->size - start);
    if (used >= HELP_COLUMN) {
        dse_buf_puts(out, "\n");
        used = 0;
    }
    for (const char *line = help;; used = 0) {
        int length = (int)strcspn(line, "\n");
        dse_buf_printf(out, "%*s%.*s\n", HELP_COLUMN - used, "", length, line);
        if (line[length] == '\0')
            return;
        line += length + 1;
    }
}

/* Options of every command, or of those of the mask. */
static void help_options(const struct dse_console_program *program, uint64_t mask,
                         struct dse_buf *out) {
    for (int i = 0; i < program->n_options; i++) {
        const struct dse_console_option *option = &program->options[i];
        if (mask == 0 ? option->commands == 0 : (option->commands & mask) != 0)
            help_row(option->text, option->value, option->help, out);
    }
}

/* Statuses that share a number share a line. */
static void help_exit_statuses(const char *failed, struct dse_buf *out) {
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
            dse_buf_puts(out, failed);
        last = statuses[i].number;
    }
    dse_buf_puts(out, "\n");
}

static bool any_option_of_some(const struct dse_console_program *program) {
    bool any = false;
    for (int i = 0; i < program->n_options; i++)
        any = any || program->options[i].commands != 0;
    return any;
}

static void help_program(const struct dse_console_program *program, struct dse_buf *out) {
    dse_buf_printf(out, "%s\nUsage: %s COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n",
                   program->intro, program->name);
    for (int i = 0; i < program->n_commands; i++)
        help_row(program->commands[i].name, program->commands[i].operands,
                 program->commands[i].summary, out);
    dse_buf_printf(out, "%s\nOptions of every command:\n", program->notes);
    help_options(program, 0, out);
    if (any_option_of_some(program))
        dse_buf_puts(out, "\nOptions of some commands:\n");
    help_options(program, ~(uint64_t)0, out);
    dse_buf_printf(out, "%s\nExit status:\n", program->outro);
    help_exit_statuses(program->failed, out);
    dse_buf_puts(out, program->end);
}

void dse_console_help(const struct dse_console_program *program, int command, struct dse_buf *out) {
    if (command == program->n_commands) {
        help_program(program, out);
        return;
    }
    const struct dse_console_command *info = &program->commands[command];
    dse_buf_printf(out, "%s %s: %s\n\nUsage: %s %s [OPTION]...%s%s\n", program->name, info->name,
                   info->summary, program->name, info->name, info->operands[0] != '\0' ? " " : "",
                   info->operands);
    if (info->more[0] != '\0')
        dse_buf_printf(out, "\n%s", info->more);
    if (program->operand != NULL && strstr(info->operands, program->operand) != NULL)
        dse_buf_puts(out, program->operand_help);
    dse_buf_puts(out, "\nOptions:\n");
    help_options(program, (uint64_t)1 << command, out);
    help_options(program, 0, out);
}
