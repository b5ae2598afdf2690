/* Tables of text that fit a width: cut what may be cut, then leave out what matters least. */
#include "console/console.h"

#include <string.h>

enum { GAP = 2, SHRUNK_MIN = 8 };

enum dse_status dse_console_table_init(struct dse_console_table *table,
                                       const struct dse_console_column *columns, int n_columns,
                                       int n_rows, struct dse_arena *arena, struct dse_err *err) {
    dse_assert(n_columns <= DSE_CONSOLE_COLUMNS_MAX);
    size_t n_cells = (size_t)n_columns * (size_t)n_rows;
    const char **cells = dse_arena_alloc(arena, n_cells, sizeof *cells);
    if (cells == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a table of %d rows", n_rows);
    memcpy(table->columns, columns, (size_t)n_columns * sizeof *columns);
    table->n_columns = n_columns;
    table->cells = cells;
    table->n_rows = n_rows;
    return DSE_OK;
}

void dse_console_table_set(struct dse_console_table *table, int row, int column, const char *text) {
    dse_assert(row >= 0 && row < table->n_rows && column >= 0 && column < table->n_columns);
    table->cells[row * table->n_columns + column] = text;
}

static const char *cell_of(const struct dse_console_table *table, int row, int column) {
    const char *text = table->cells[row * table->n_columns + column];
    return text == NULL ? "" : text;
}

/* Line `index` of a text: its start, and its length in bytes. Empty beyond the last one. */
static const char *line_of(const char *text, int index, size_t *length) {
    for (; index > 0; index--) {
        const char *newline = strchr(text, '\n');
        text = newline != NULL ? newline + 1 : text + strlen(text);
    }
    *length = strcspn(text, "\n");
    return text;
}

static int line_count(const char *text) {
    int n = 1;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* ---- widths ---- */

static int header_width(const char *header) {
    int widest = 0;
    for (int i = 0; i < line_count(header); i++) {
        char line[128];
        size_t length;
        const char *start = line_of(header, i, &length);
        (void)snprintf(line, sizeof line, "%.*s", (int)length, start);
        int width = dse_console_text_width(line);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static int natural_width(const struct dse_console_table *table, int column) {
    int widest = header_width(table->columns[column].header);
    for (int row = 0; row < table->n_rows; row++) {
        int width = dse_console_text_width(cell_of(table, row, column));
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Width 0 means the column is left out. */
static int total_width(const int *widths, int n) {
    int total = 0;
    for (int i = 0; i < n; i++)
        total += widths[i] > 0 ? widths[i] + (total > 0 ? GAP : 0) : 0;
    return total;
}

static int next_to_drop(const struct dse_console_table *table, const int *widths) {
    int worst = -1;
    for (int i = 0; i < table->n_columns; i++)
        if (widths[i] > 0 && table->columns[i].drop_order > 0 &&
            (worst < 0 || table->columns[i].drop_order > table->columns[worst].drop_order))
            worst = i;
    return worst;
}

static void fit_widths(const struct dse_console_table *table, int width, int *widths) {
    int n = table->n_columns;
    for (int i = 0; i < n; i++)
        widths[i] = natural_width(table, i);
    for (int i = 0; i < n; i++) {
        int excess = total_width(widths, n) - width;
        if (excess > 0 && table->columns[i].may_shrink && widths[i] > SHRUNK_MIN)
            widths[i] = widths[i] - excess > SHRUNK_MIN ? widths[i] - excess : SHRUNK_MIN;
    }
    while (total_width(widths, n) > width) {
        int column = next_to_drop(table, widths);
        if (column < 0)
            break;
        widths[column] = 0;
    }
    /* What a dropped column leaves goes to the cut ones. */
    for (int i = 0; i < n; i++) {
        int spare = width - total_width(widths, n);
        int wish = table->columns[i].may_shrink ? natural_width(table, i) - widths[i] : 0;
        if (spare > 0 && wish > 0 && widths[i] > 0)
            widths[i] += wish < spare ? wish : spare;
    }
}

/* ---- printing ---- */

/* Text of `length` bytes in a column; blanks at the end of a line are left out by trim_line. */
static void print_cell(const char *text, size_t length, const struct dse_console_column *column,
                       int width, struct dse_buf *out) {
    char line[512];
    (void)snprintf(line, sizeof line, "%.*s", (int)length, text);
    bool too_long = dse_console_text_width(line) > width;
    if (too_long)
        line[dse_console_text_fit(line, width - 1)] = '\0';
    int blanks = width - dse_console_text_width(line) - too_long;
    dse_buf_printf(out, "%*s%s%s%*s", column->is_left ? 0 : blanks, "", line, too_long ? "~" : "",
                   column->is_left ? blanks : 0, "");
}

static void end_line(size_t start, struct dse_buf *out) {
    while (!out->failed && out->size > start && out->data[out->size - 1] == ' ')
        out->data[--out->size] = '\0';
    dse_buf_puts(out, "\n");
}

static void print_header(const struct dse_console_table *table, const int *widths,
                         const struct dse_console_style *style, struct dse_buf *out) {
    int n_lines = 0;
    for (int i = 0; i < table->n_columns; i++)
        if (widths[i] > 0 && line_count(table->columns[i].header) > n_lines)
            n_lines = line_count(table->columns[i].header);
    for (int line = 0; line < n_lines; line++) {
        dse_buf_puts(out, style->bold);
        size_t start = out->size;
        for (int i = 0; i < table->n_columns; i++) {
            if (widths[i] == 0)
                continue;
            const struct dse_console_column *column = &table->columns[i];
            int own = line - (n_lines - line_count(column->header)); /* aligned at the bottom */
            size_t length = 0;
            const char *text = own < 0 ? "" : line_of(column->header, own, &length);
            dse_buf_printf(out, "%*s", out->size > start ? GAP : 0, "");
            print_cell(text, length, column, widths[i], out);
        }
        end_line(start, out);
        dse_buf_puts(out, style->reset);
    }
}

static void print_row(const struct dse_console_table *table, int row, const int *widths,
                      struct dse_buf *out) {
    size_t start = out->size;
    for (int i = 0; i < table->n_columns; i++) {
        const char *text = cell_of(table, row, i);
        if (widths[i] == 0)
            continue;
        dse_buf_printf(out, "%*s", out->size > start ? GAP : 0, "");
        print_cell(text, strlen(text), &table->columns[i], widths[i], out);
    }
    end_line(start, out);
}

/* A header in one line; a word that was split by "-\n" is whole again. */
static void print_name(const char *header, struct dse_buf *out) {
    for (const char *p = header; *p != '\0'; p++) {
        if (p[0] == '-' && p[1] == '\n')
            p++;
        else
            dse_buf_append(out, *p == '\n' ? " " : p, 1);
    }
}

static void print_left_out(const struct dse_console_table *table, const int *widths,
                           struct dse_buf *out) {
    int n = 0;
    for (int i = 0; i < table->n_columns; i++) {
        if (widths[i] > 0)
            continue;
        dse_buf_puts(out, n++ == 0 ? "(left out for lack of width: " : ", ");
        print_name(table->columns[i].header, out);
    }
    if (n > 0)
        dse_buf_puts(out, ")\n");
}

void dse_console_table_print(const struct dse_console_table *table, int width,
                             const struct dse_console_style *style, struct dse_buf *out) {
    int widths[DSE_CONSOLE_COLUMNS_MAX];
    fit_widths(table, width, widths);
    print_header(table, widths, style, out);
    for (int row = 0; row < table->n_rows; row++)
        print_row(table, row, widths, out);
    print_left_out(table, widths, out);
}
