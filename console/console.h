/* console: what every program for people shares. The command line as tables, text and tables that
 * fit a terminal, progress, JSON text.
 *
 * Nothing here knows of networks, sweeps or daemons. Functions keep no state but what is in their
 * arguments; those that print write to the file they are given. */
#ifndef DSE_CONSOLE_H
#define DSE_CONSOLE_H

#include <stdio.h>

#include "base/base.h"

/* ---- commands and options as tables (command_line.c) -------------------------------------- */

struct dse_console_command {
    const char *name, *operands;
    int fewest, most; /* operands; most <= DSE_CONSOLE_OPERANDS_MAX */
    const char *summary, *more;
};

/* HELP and VERSION have no member; TEXT a const char *, FLAG a bool, COUNT an int64_t, REAL a
 * double. */
enum dse_console_kind {
    DSE_CONSOLE_FLAG,
    DSE_CONSOLE_TEXT,
    DSE_CONSOLE_COUNT,
    DSE_CONSOLE_REAL,
    DSE_CONSOLE_HELP,
    DSE_CONSOLE_VERSION,
};
struct dse_console_option {
    const char *text;
    enum dse_console_kind kind;
    const char *value; /* as shown in help */
    uint64_t commands; /* bit i: command i has it; 0: every command */
    double low, high;  /* bounds of COUNT and REAL, both included */
    const char *help;  /* lines separated by \n */
    size_t offset;     /* of the member in the options of the program */
};

/* Words that may stand for an operand or the value of an option: for completion alone. */
struct dse_console_choices {
    const char *of;    /* "--format", or a word of a command's operands */
    const char *words; /* separated by blanks */
};

/* A program as tables, with the texts around them. */
struct dse_console_program {
    const char *name;                   /* "pareto" */
    const char *intro;                  /* what it is, before the usage; ends with a newline */
    const char *notes;                  /* after the commands, or "" */
    const char *outro;                  /* after the options, before the exit statuses, or "" */
    const char *failed;                 /* what exit status 1 means beyond "failed", or "" */
    const char *end;                    /* last lines, or "" */
    const char *operand, *operand_help; /* a kind of operand and what is said of it; NULL: none */
    const struct dse_console_command *commands;
    int n_commands;
    const struct dse_console_option *options; /* at most 64 */
    int n_options;
    const struct dse_console_choices *choices;
    int n_choices;
};

enum { DSE_CONSOLE_OPERANDS_MAX = 128 };

/* The words of a command line. Strings are borrowed from argv. */
struct dse_console_line {
    int command; /* n_commands: none was given */
    bool help, version;
    uint64_t given; /* bit i: option i */
    const char *operands[DSE_CONSOLE_OPERANDS_MAX];
    int n_operands;
};

/* Reads argv into line and into the members of `options`, which the caller has set to what holds
 * where nothing is given. Options may stand before the command. USAGE with what is wrong, what
 * might be meant and how to get help; options are then half read. */
DSE_MUST_USE enum dse_status dse_console_read(const struct dse_console_program *program, int argc,
                                              char **argv, struct dse_console_line *line,
                                              void *options, struct dse_err *err);
/* A whole number of low..high, all of the text; name is that of its option. USAGE. */
DSE_MUST_USE enum dse_status dse_console_read_count(const char *name, const char *text, int64_t low,
                                                    int64_t high, int64_t *count,
                                                    struct dse_err *err);
/* Help of a command, or of the program for n_commands; appended. */
void dse_console_help(const struct dse_console_program *program, int command, struct dse_buf *out);

/* The completion script of a program for bash, zsh or fish; appended (completion.c). USAGE for any
 * other shell. */
DSE_MUST_USE enum dse_status dse_console_completion(const struct dse_console_program *program,
                                                    const char *shell, struct dse_buf *out,
                                                    struct dse_err *err);

/* Prints it to standard output. */
DSE_MUST_USE enum dse_status dse_console_put_completion(const struct dse_console_program *program,
                                                        const char *shell, struct dse_err *err);

/* ---- text (text_format.c) ----------------------------------------------------------------- */

/* These never return NULL: without memory they give "?". */
const char *dse_console_printf(struct dse_arena *arena, const char *fmt, ...) DSE_PRINTF(2, 3);
/* Text of strangers without control characters, so that it cannot steer a terminal. */
const char *dse_console_clean(struct dse_arena *arena, const char *text);
const char *dse_console_count_text(struct dse_arena *arena, int64_t count); /* 1,234,567 */
const char *dse_console_duration_text(struct dse_arena *arena, double seconds);
const char *dse_console_date_text(struct dse_arena *arena, int64_t wall_ms);
/* Columns of a terminal that UTF-8 text takes. */
int dse_console_text_width(const char *text);
/* Bytes of the longest beginning of text that takes at most `width` columns. */
size_t dse_console_text_fit(const char *text, int width);
/* A string of JSON with its quotes, appended; bytes that are no UTF-8 become "?". */
void dse_console_json_string(struct dse_buf *out, const char *text);

/* ---- terminal (terminal.c) ---------------------------------------------------------------- */

bool dse_console_is_terminal(int fd);
/* $COLUMNS, else what the terminal says, else 80. */
int dse_console_terminal_width(int fd);
/* Escape sequences, or "" where colour is not wanted. */
struct dse_console_style {
    const char *bold, *dim, *red, *reset;
};
struct dse_console_style dse_console_style_of(int fd, bool no_color);
/* Writes to standard output and empties the buffer. */
DSE_MUST_USE enum dse_status dse_console_put(struct dse_buf *text, struct dse_err *err);
/* To be called last: a full disk shows when the last bytes are written. */
DSE_MUST_USE enum dse_status dse_console_flush(struct dse_err *err);
/* "program: text" on standard error, cleaned; lines stay lines. */
void dse_console_print_error(const char *program, const struct dse_err *err, bool no_color);

/* One line that is drawn over itself (progress_line.c). {.to = stderr} before the first drawing. */
struct dse_console_line_drawn {
    FILE *to;
    int columns;      /* of the line now there */
    int64_t drawn_ms; /* when */
};
/* may_wrap: nothing will be drawn over it. */
void dse_console_draw(struct dse_console_line_drawn *line, const char *text, bool may_wrap);
/* Ends the line, if there is one, so that something else can be printed. */
void dse_console_draw_end(struct dse_console_line_drawn *line);

/* Progress of longer work, with an estimate, on standard error where that is a terminal: nothing
 * else is said elsewhere. {0} before the first step. */
struct dse_console_progress {
    struct dse_console_line_drawn line;
    int64_t begun_ms;
    char phase[64]; /* the estimate begins anew with each */
};
void dse_console_progress_step(struct dse_console_progress *progress, const char *phase,
                               int64_t done, int64_t total);
/* The same for work of which only the time spent is known. */
void dse_console_progress_wait(struct dse_console_progress *progress, const char *phase);
void dse_console_progress_end(struct dse_console_progress *progress);

/* ---- tables (text_table.c) ---------------------------------------------------------------- */

enum { DSE_CONSOLE_COLUMNS_MAX = 16 };

struct dse_console_column {
    const char *header; /* lines separated by \n */
    bool is_left;       /* aligned to the left */
    bool may_shrink;    /* cut it before dropping anything */
    int drop_order;     /* 0: stays; else columns with the greatest number are dropped first */
};
/* Cells are borrowed; a NULL cell is empty. */
struct dse_console_table {
    struct dse_console_column columns[DSE_CONSOLE_COLUMNS_MAX];
    int n_columns;
    const char **cells; /* [row][column] */
    int n_rows;
};
DSE_MUST_USE enum dse_status dse_console_table_init(struct dse_console_table *table,
                                                    const struct dse_console_column *columns,
                                                    int n_columns, int n_rows,
                                                    struct dse_arena *arena, struct dse_err *err);
void dse_console_table_set(struct dse_console_table *table, int row, int column, const char *text);
/* Lines of at most `width` columns where that is possible; names what it had to leave out. */
void dse_console_table_print(const struct dse_console_table *table, int width,
                             const struct dse_console_style *style, struct dse_buf *out);

#endif
