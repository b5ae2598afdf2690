/* Completion scripts for shells, made from a program's tables. */
#include "console/console.h"

#include <string.h>

/* What may stand for a value or an operand. */
enum meaning { NOTHING, FILES, FOLDERS, WORDS };

static const char *words_of(const struct dse_console_program *program, const char *name) {
    for (int i = 0; i < program->n_choices; i++)
        if (strstr(name, program->choices[i].of) != NULL)
            return program->choices[i].words;
    return NULL;
}

static bool names_one_of(const char *text, const char *const *words, int n_words) {
    for (int i = 0; i < n_words; i++)
        if (strstr(text, words[i]) != NULL)
            return true;
    return false;
}

/* By the words that help shows: FILE and its like are paths. */
static enum meaning meaning_of(const struct dse_console_program *program, const char *name,
                               const char *shown) {
    static const char *const files[] = {"FILE", "PATH", "MODEL", "OUT", "DATA", "NETWORK"};
    static const char *const folders[] = {"DIR"};
    if (words_of(program, name) != NULL)
        return WORDS;
    if (names_one_of(shown, folders, 1))
        return FOLDERS;
    return names_one_of(shown, files, (int)(sizeof files / sizeof files[0])) ? FILES : NOTHING;
}

static enum meaning meaning_of_value(const struct dse_console_program *program,
                                     const struct dse_console_option *option) {
    return meaning_of(program, option->text, option->value);
}

static enum meaning meaning_of_operands(const struct dse_console_program *program, int command) {
    const char *operands = program->commands[command].operands;
    return meaning_of(program, operands, operands);
}

static bool has_value(const struct dse_console_option *option) {
    return option->kind == DSE_CONSOLE_TEXT || option->kind == DSE_CONSOLE_COUNT ||
           option->kind == DSE_CONSOLE_REAL;
}

static bool is_of_all(const struct dse_console_option *option) {
    return option->commands == 0;
}

static bool is_of(const struct dse_console_option *option, int command) {
    return (option->commands >> command & 1u) != 0;
}

/* The one option that has a short name with a value. */
static bool is_output(const struct dse_console_option *option) {
    return strcmp(option->text, "--output") == 0;
}

/* The name as that of a function of a shell. */
static void put_function(const char *name, struct dse_buf *out) {
    dse_buf_puts(out, "_");
    for (; *name != '\0'; name++)
        dse_buf_append(out, *name == '-' ? "_" : name, 1);
}

static void put_head(const struct dse_console_program *program, const char *shell,
                     struct dse_buf *out) {
    dse_buf_printf(out, "# %s completion of %s, made from its tables by: %s completion %s\n", shell,
                   program->name, program->name, shell);
}

/* ---- bash ---- */

/* The options with that meaning as a pattern of a case; false: there is none. */
static bool put_bash_pattern(const struct dse_console_program *program, int meaning,
                             const char *words, struct dse_buf *out) {
    bool any = false;
    for (int i = 0; i < program->n_options; i++) {
        const struct dse_console_option *option = &program->options[i];
        const char *own = words_of(program, option->text);
        bool same_words = words == NULL || (own != NULL && strcmp(own, words) == 0);
        if (!has_value(option) || !same_words ||
            (meaning >= 0 && (int)meaning_of_value(program, option) != meaning))
            continue;
        dse_buf_printf(out, "%s%s%s", any ? " | " : "    ", option->text,
                       is_output(option) ? " | -o" : "");
        any = true;
    }
    if (any)
        dse_buf_puts(out, ") ");
    return any;
}

/* What compgen is asked for. */
static void put_bash_reply(enum meaning meaning, const char *words, struct dse_buf *out) {
    if (words != NULL)
        dse_buf_printf(out, "mapfile -t COMPREPLY < <(compgen -W \"%s\" -- \"$word\")", words);
    else if (meaning != NOTHING)
        dse_buf_printf(out, "mapfile -t COMPREPLY < <(compgen -%s -- \"$word\")",
                       meaning == FILES ? "f" : "d");
}

static void put_bash_values(const struct dse_console_program *program, struct dse_buf *out) {
    static const enum meaning plain[] = {FILES, FOLDERS, NOTHING};
    dse_buf_puts(out, "    case ${COMP_WORDS[COMP_CWORD - 1]} in\n");
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (put_bash_pattern(program, (int)plain[i], NULL, out)) {
            put_bash_reply(plain[i], NULL, out);
            dse_buf_puts(out, plain[i] == NOTHING ? "return ;;\n" : " && return ;;\n");
        }
    for (int i = 0; i < program->n_choices; i++)
        if (put_bash_pattern(program, WORDS, program->choices[i].words, out)) {
            put_bash_reply(WORDS, program->choices[i].words, out);
            dse_buf_puts(out, " && return ;;\n");
        }
    dse_buf_puts(out, "    esac\n");
}

static void put_bash_options(const struct dse_console_program *program, struct dse_buf *out) {
    dse_buf_puts(out, "    case $command in\n");
    for (int c = 0; c < program->n_commands; c++) {
        dse_buf_printf(out, "    %s) options+=\"", program->commands[c].name);
        for (int i = 0; i < program->n_options; i++)
            if (is_of(&program->options[i], c))
                dse_buf_printf(out, " %s", program->options[i].text);
        dse_buf_puts(out, "\" ;;\n");
    }
    dse_buf_puts(out, "    esac\n");
}

static void put_bash_operands(const struct dse_console_program *program, struct dse_buf *out) {
    dse_buf_puts(out, "    if [[ $word == -* ]]; then\n"
                      "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
                      "    elif [[ -z $command ]]; then\n"
                      "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
                      "    else\n"
                      "        case $command in\n");
    for (int c = 0; c < program->n_commands; c++) {
        enum meaning meaning = meaning_of_operands(program, c);
        if (meaning == NOTHING)
            continue;
        dse_buf_printf(out, "        %s) ", program->commands[c].name);
        put_bash_reply(meaning, words_of(program, program->commands[c].operands), out);
        dse_buf_puts(out, " ;;\n");
    }
    dse_buf_puts(out, "        esac\n    fi\n}\n");
}

static void put_bash(const struct dse_console_program *program, struct dse_buf *out) {
    put_function(program->name, out);
    dse_buf_puts(out, "() {\n    local commands=\"");
    for (int c = 0; c < program->n_commands; c++)
        dse_buf_printf(out, " %s", program->commands[c].name);
    dse_buf_puts(out, " \"\n    local options=\"");
    for (int i = 0; i < program->n_options; i++)
        if (is_of_all(&program->options[i]))
            dse_buf_printf(out, " %s", program->options[i].text);
    dse_buf_puts(out, "\"\n    local word=${COMP_WORDS[COMP_CWORD]} command=\"\" i\n"
                      "    COMPREPLY=()\n"
                      "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                      "    case ${COMP_WORDS[i]} in\n");
    if (put_bash_pattern(program, -1, NULL, out))
        dse_buf_puts(out, "((i++)) ;;\n");
    dse_buf_puts(out, "    -*) ;;\n"
                      "    *) command=${COMP_WORDS[i]} && break ;;\n"
                      "    esac\n"
                      "    done\n");
    put_bash_values(program, out);
    put_bash_options(program, out);
    put_bash_operands(program, out);
    dse_buf_puts(out, "complete -o filenames -F ");
    put_function(program->name, out);
    dse_buf_printf(out, " %s\n", program->name);
}

/* ---- zsh ---- */

/* Help on one line, inside single quotes and brackets. */
static void put_zsh_text(const char *text, struct dse_buf *out) {
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            dse_buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            dse_buf_printf(out, "\\%c", *text);
        else
            dse_buf_append(out, *text == '\n' ? " " : text, 1);
    }
}

static void put_zsh_action(enum meaning meaning, const char *words, struct dse_buf *out) {
    if (words != NULL)
        dse_buf_printf(out, "(%s)", words);
    else
        dse_buf_puts(out, meaning == FILES ? "_files" : meaning == FOLDERS ? "_files -/" : " ");
}

static void put_zsh_option(const struct dse_console_program *program,
                           const struct dse_console_option *option, const char *name,
                           struct dse_buf *out) {
    dse_buf_printf(out, " \\\n            '%s[", name);
    put_zsh_text(option->help, out);
    dse_buf_puts(out, "]");
    if (has_value(option)) {
        dse_buf_puts(out, ":");
        put_zsh_text(option->value, out);
        dse_buf_puts(out, ":");
        put_zsh_action(meaning_of_value(program, option), words_of(program, option->text), out);
    }
    dse_buf_puts(out, "'");
}

static void put_zsh_command(const struct dse_console_program *program, int command,
                            struct dse_buf *out) {
    const char *operands = program->commands[command].operands;
    dse_buf_printf(out, "        %s) _arguments", program->commands[command].name);
    for (int i = 0; i < program->n_options; i++) {
        const struct dse_console_option *option = &program->options[i];
        if (!is_of_all(option) && !is_of(option, command))
            continue;
        put_zsh_option(program, option, option->text, out);
        if (is_output(option))
            put_zsh_option(program, option, "-o", out);
    }
    if (operands[0] != '\0') {
        dse_buf_puts(out, " \\\n            '*:");
        put_zsh_text(operands, out);
        dse_buf_puts(out, ":");
        put_zsh_action(meaning_of_operands(program, command), words_of(program, operands), out);
        dse_buf_puts(out, "'");
    }
    dse_buf_puts(out, " ;;\n");
}

static void put_zsh(const struct dse_console_program *program, struct dse_buf *out) {
    put_function(program->name, out);
    dse_buf_puts(out, "() {\n"
                      "    local curcontext=\"$curcontext\" state line\n"
                      "    local -a commands\n"
                      "    commands=(\n");
    for (int c = 0; c < program->n_commands; c++) {
        dse_buf_printf(out, "        '%s:", program->commands[c].name);
        put_zsh_text(program->commands[c].summary, out);
        dse_buf_puts(out, "'\n");
    }
    dse_buf_puts(out, "    )\n    _arguments -C");
    for (int i = 0; i < program->n_options; i++)
        if (is_of_all(&program->options[i]))
            put_zsh_option(program, &program->options[i], program->options[i].text, out);
    dse_buf_puts(out, " \\\n            '1:command:->command' '*::argument:->argument'\n"
                      "    case $state in\n"
                      "    command) _describe command commands ;;\n"
                      "    argument)\n"
                      "        case $words[1] in\n");
    for (int c = 0; c < program->n_commands; c++)
        put_zsh_command(program, c, out);
    dse_buf_puts(out, "        esac ;;\n    esac\n}\n");
    put_function(program->name, out);
    dse_buf_puts(out, " \"$@\"\n");
}

/* ---- fish ---- */

static void put_fish_text(const char *text, struct dse_buf *out) {
    dse_buf_puts(out, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            dse_buf_puts(out, "\\");
        dse_buf_append(out, *text == '\n' ? " " : text, 1);
    }
    dse_buf_puts(out, "'");
}

static void put_fish_option(const struct dse_console_program *program,
                            const struct dse_console_option *option, struct dse_buf *out) {
    enum meaning meaning = meaning_of_value(program, option);
    dse_buf_printf(out, "complete -c %s", program->name);
    if (!is_of_all(option)) {
        dse_buf_puts(out, " -n '__fish_seen_subcommand_from");
        for (int c = 0; c < program->n_commands; c++)
            if (is_of(option, c))
                dse_buf_printf(out, " %s", program->commands[c].name);
        dse_buf_puts(out, "'");
    }
    dse_buf_printf(out, " -l %s%s", option->text + strlen("--"), is_output(option) ? " -s o" : "");
    const char *words = words_of(program, option->text);
    if (has_value(option) && words != NULL)
        dse_buf_printf(out, " -x -a '%s'", words);
    else if (has_value(option))
        dse_buf_puts(out, meaning == FILES     ? " -r -F"
                          : meaning == FOLDERS ? " -x -a '(__fish_complete_directories)'"
                                               : " -x");
    dse_buf_puts(out, " -d ");
    put_fish_text(option->help, out);
    dse_buf_puts(out, "\n");
}

static void put_fish(const struct dse_console_program *program, struct dse_buf *out) {
    dse_buf_printf(out, "complete -c %s -f\n", program->name);
    for (int c = 0; c < program->n_commands; c++) {
        dse_buf_printf(out, "complete -c %s -n __fish_use_subcommand -a %s -d ", program->name,
                       program->commands[c].name);
        put_fish_text(program->commands[c].summary, out);
        dse_buf_puts(out, "\n");
    }
    for (int i = 0; i < program->n_options; i++)
        put_fish_option(program, &program->options[i], out);
    for (int c = 0; c < program->n_commands; c++) {
        enum meaning meaning = meaning_of_operands(program, c);
        const char *operands = program->commands[c].operands;
        if (meaning == NOTHING)
            continue;
        dse_buf_printf(out, "complete -c %s -n '__fish_seen_subcommand_from %s'", program->name,
                       program->commands[c].name);
        const char *words = words_of(program, operands);
        if (words != NULL)
            dse_buf_printf(out, " -a '%s'\n", words);
        else
            dse_buf_puts(out, meaning == FILES ? " -F\n" : " -a '(__fish_complete_directories)'\n");
    }
}

/* ---- all ---- */

static const struct {
    const char *name;
    void (*put)(const struct dse_console_program *program, struct dse_buf *out);
} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

enum dse_status dse_console_completion(const struct dse_console_program *program, const char *shell,
                                       struct dse_buf *out, struct dse_err *err) {
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].name, shell) != 0)
            continue;
        if (strcmp(shell, "zsh") == 0)
            dse_buf_printf(out, "#compdef %s\n", program->name);
        put_head(program, shell, out);
        shells[i].put(program, out);
        return dse_buf_status(out, err);
    }
    DSE_FAIL(err, DSE_USAGE, "there is no completion for \"%.40s\"; allowed: bash, zsh, fish",
             shell);
}

enum dse_status dse_console_put_completion(const struct dse_console_program *program,
                                           const char *shell, struct dse_err *err) {
    struct dse_buf out = {0};
    enum dse_status status = dse_console_completion(program, shell, &out, err);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}
