/* A scatter plot in characters. */
#include "client/client.h"

#include <math.h>
#include <string.h>

enum { WIDTH_MAX = 200, HEIGHT_MAX = 40, LABEL_MAX = 16 };

/* Where values of an axis land: position = (t(value) - low) / (high - low), t = log or identity. */
struct scale {
    double low, high;   /* after t */
    double first, last; /* smallest and largest value */
    bool is_log;
};

static double place_on(const struct scale *scale, double value) {
    double t = scale->is_log ? log(value) : value;
    return (t - scale->low) / (scale->high - scale->low);
}

static bool is_drawn(const struct client__point *point) {
    return isfinite(point->x) && isfinite(point->y);
}

static struct scale scale_of(const struct client__plot *plot, bool use_x) {
    static const double LOG_FROM_RATIO = 20;
    struct scale scale = {.first = INFINITY, .last = -INFINITY};
    for (int i = 0; i < plot->n_points; i++) {
        double value = use_x ? plot->points[i].x : plot->points[i].y;
        if (!is_drawn(&plot->points[i]))
            continue;
        scale.first = fmin(scale.first, value);
        scale.last = fmax(scale.last, value);
    }
    scale.is_log = scale.first > 0 && scale.last / scale.first > LOG_FROM_RATIO;
    scale.low = scale.is_log ? log(scale.first) : scale.first;
    scale.high = scale.is_log ? log(scale.last) : scale.last;
    if (!(scale.high > scale.low)) { /* one value: in the middle */
        scale.low -= 0.5;
        scale.high += 0.5;
    }
    return scale;
}

/* The part that points are drawn on, with the labels of the axis beside it. */
struct canvas {
    int width, height, margin;
    char top[LABEL_MAX], bottom[LABEL_MAX];
    char rows[WIDTH_MAX * HEIGHT_MAX];
};

static int clamp(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

static void draw_points(const struct client__plot *plot, const struct scale *across,
                        const struct scale *up, struct canvas *canvas) {
    memset(canvas->rows, ' ', sizeof canvas->rows);
    for (int i = 0; i < plot->n_points; i++) {
        const struct client__point *point = &plot->points[i];
        if (!is_drawn(point))
            continue;
        int column = (int)lround(place_on(across, point->x) * (canvas->width - 1));
        int row = (int)lround((1 - place_on(up, point->y)) * (canvas->height - 1));
        canvas->rows[row * canvas->width + column] = point->mark;
    }
}

static void print_canvas(const struct canvas *canvas, struct dse_buf *out) {
    for (int row = 0; row < canvas->height; row++) {
        const char *line = canvas->rows + row * canvas->width;
        int length = canvas->width;
        while (length > 0 && line[length - 1] == ' ')
            length--;
        const char *label = row == 0                    ? canvas->top
                            : row == canvas->height - 1 ? canvas->bottom
                                                        : "";
        dse_buf_printf(out, "%*s |%.*s\n", canvas->margin, label, length, line);
    }
    dse_buf_printf(out, "%*s +", canvas->margin, "");
    for (int i = 0; i < canvas->width; i++)
        dse_buf_puts(out, "-");
    dse_buf_puts(out, "\n");
}

void client__plot_print(const struct client__plot *plot, struct dse_buf *out) {
    struct scale across = scale_of(plot, true), up = scale_of(plot, false);
    char left[LABEL_MAX], right[LABEL_MAX];
    struct canvas canvas;
    if (across.first > across.last)
        return;
    (void)snprintf(canvas.top, LABEL_MAX, "%.*f", plot->y.decimals, up.last);
    (void)snprintf(canvas.bottom, LABEL_MAX, "%.*f", plot->y.decimals, up.first);
    (void)snprintf(left, sizeof left, "%.*f", plot->x.decimals, across.first);
    (void)snprintf(right, sizeof right, "%.*f", plot->x.decimals, across.last);
    size_t top = strlen(canvas.top), bottom = strlen(canvas.bottom);
    canvas.margin = (int)(top > bottom ? top : bottom);
    canvas.width = clamp(plot->width - canvas.margin - 2, 10, WIDTH_MAX);
    canvas.height = clamp(plot->height, 3, HEIGHT_MAX);
    draw_points(plot, &across, &up, &canvas);
    int indent = canvas.margin + 2;
    int blanks = canvas.width - (int)(strlen(left) + strlen(right));
    dse_buf_printf(out, "%*s%s%s\n", indent, "", plot->y.label, up.is_log ? " (logarithmic)" : "");
    print_canvas(&canvas, out);
    dse_buf_printf(out, "%*s%s%*s%s\n", indent, "", left, blanks > 1 ? blanks : 1, "", right);
    dse_buf_printf(out, "%*s%s%s\n", indent, "", plot->x.label,
                   across.is_log ? " (logarithmic)" : "");
}
