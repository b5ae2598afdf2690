/* Early exits of one individual: where images left, how sure they were, what the surest are worth.
 */
#include "client/client.h"

static const char *percent_of(struct dse_arena *arena, int64_t part, int64_t whole) {
    return whole > 0 ? dse_console_printf(arena, "%.2f", 100.0 * (double)part / (double)whole)
                     : "-";
}

/* The entropy below which images leave; the last exit takes the rest. */
static const char *threshold_of(struct dse_arena *arena, const struct dse_msg_individual *one,
                                int exit) {
    return exit < one->thresholds_n ? dse_console_printf(arena, "%.4f", one->thresholds[exit]) : "";
}

static enum dse_status print_table(struct client *c, const struct dse_msg_individual *individual,
                                   struct dse_buf *out, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "exit"},
        {.header = "entropy\nbelow"},
        {.header = "left\n%"},
        {.header = "accuracy\nof them, %"},
        {.header = "accuracy\nof all, %"},
        {.header = "images", .drop_order = 1},
    };
    const struct dse_msg_exits *exits = individual->exits;
    struct dse_arena *arena = &c->arena;
    struct dse_console_table table;
    int64_t all = 0;
    for (int i = 0; i < exits->exits_n; i++)
        all += exits->exits[i].left;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   exits->exits_n, arena, err));
    for (int i = 0; i < exits->exits_n; i++) {
        const struct dse_msg_exit_result *exit = &exits->exits[i];
        dse_console_table_set(&table, i, 0, dse_console_printf(arena, "%d", i));
        dse_console_table_set(&table, i, 1, threshold_of(arena, individual, i));
        dse_console_table_set(&table, i, 2, percent_of(arena, exit->left, all));
        dse_console_table_set(&table, i, 3, percent_of(arena, exit->left_correct, exit->left));
        dse_console_table_set(&table, i, 4, percent_of(arena, exit->correct, all));
        dse_console_table_set(&table, i, 5, dse_console_count_text(arena, exit->left));
    }
    dse_buf_puts(out, "\n");
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

enum dse_status client__print_exits(struct client *c, const struct dse_msg_individual *individual,
                                    struct dse_buf *out, struct dse_err *err) {
    const struct dse_msg_exits *exits = individual->exits;
    DSE_TRY(print_table(c, individual, out, err));
    dse_buf_puts(out, "\nentropy where images left (minimum, quartiles, maximum):");
    for (int i = 0; i < exits->entropies_n; i++)
        dse_buf_printf(out, " %.4f", exits->entropies[i]);
    dse_buf_puts(out, "\n");
    for (int i = 0; i < exits->risks_n && i < exits->coverages_n; i++)
        dse_buf_printf(out, "of the surest %3.0f %% of the images %.2f %% are wrong\n",
                       exits->coverages[i] * 100, exits->risks[i] * 100);
    return DSE_OK;
}
