/* Columns of the front's table that say what a network is: bits, dropout, exits. */
#include "client/client.h"

/* ---- the text of each; "" where an individual has none ---- */

static const char *mean_bits(struct dse_arena *arena, const int64_t *bits, int n) {
    enum { FLOAT_BITS = 32 };
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += bits[i] == 0 ? FLOAT_BITS : (double)bits[i];
    return n == 0 ? "" : dse_console_printf(arena, "%.1f", sum / n);
}

static const char *weight_bits(struct dse_arena *arena, const struct dse_msg_individual *one) {
    return mean_bits(arena, one->weight_bits, one->weight_bits_n);
}

static const char *input_bits(struct dse_arena *arena, const struct dse_msg_individual *one) {
    return mean_bits(arena, one->input_bits, one->input_bits_n);
}

static const char *thresholds(struct dse_arena *arena, const struct dse_msg_individual *one) {
    const char *text = "";
    for (int i = 0; i < one->thresholds_n; i++)
        text = dse_console_printf(arena, "%s%s%.2f", text, i > 0 ? " " : "", one->thresholds[i]);
    return text;
}

double client__dropout_percent(int64_t steps) {
    enum { PERCENT = 100, STEPS = 1 << 16 }; /* of a rate */
    return (double)steps * PERCENT / STEPS;
}

/* Rate and passes. The greatest rate: layers before the first site have none. */
static const char *dropout(struct dse_arena *arena, const struct dse_msg_individual *one) {
    int64_t rate = 0;
    for (int i = 0; i < one->dropout_n; i++)
        rate = one->dropout[i] > rate ? one->dropout[i] : rate;
    if (rate == 0)
        return "";
    return dse_console_printf(arena, "%.1f x%lld", client__dropout_percent(rate),
                              (long long)(one->passes > 0 ? one->passes : 1));
}

/* In the order of the table; a narrow terminal loses the last one first. */
static const struct trait {
    const char *header;
    const char *(*text)(struct dse_arena *arena, const struct dse_msg_individual *one);
} traits[CLIENT__TRAITS] = {
    [CLIENT__WEIGHT_BITS] = {"weight\nbits\nmean", weight_bits},
    [CLIENT__INPUT_BITS] = {"input\nbits\nmean", input_bits},
    [CLIENT__THRESHOLDS] = {"exit at\nentropy\nbelow", thresholds},
    [CLIENT__DROPOUT] = {"dropout\n% x\npasses", dropout},
};

/* ---- which of them a front has ---- */

static bool is_had(struct dse_arena *arena, const struct dse_msg_front *front,
                   const struct trait *trait) {
    for (int i = 0; i < front->members_n; i++)
        if (trait->text(arena, &front->members[i])[0] != '\0')
            return true;
    return front->baseline != NULL && trait->text(arena, front->baseline)[0] != '\0';
}

int client__traits_of(struct client *c, const struct dse_msg_front *front, int drop_order,
                      struct dse_console_column *columns, int *which) {
    int n = 0;
    for (int i = 0; i < CLIENT__TRAITS; i++)
        if (is_had(&c->arena, front, &traits[i])) {
            columns[n] = (struct dse_console_column){.header = traits[i].header,
                                                     .drop_order = drop_order + i};
            which[n++] = i;
        }
    return n;
}

const char *client__trait_text(struct client *c, int which,
                               const struct dse_msg_individual *individual) {
    return traits[which].text(&c->arena, individual);
}
