/* A scatter plot in characters. */
#include "client/client.h"

#include <math.h>
#include <string.h>

enum { WIDTH_MAX = 200, LABEL_MAX = 16 };

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

static struct scale scale_of(const struct client__point *points, int n, bool use_x) {
    static const double LOG_FROM_RATIO = 20;
    struct scale scale = {.first = INFINITY, .last = -INFINITY};
    for (int i = 0; i < n; i++) {
        double value = use_x ? points[i].x : points[i].y;
        if (!isfinite(points[i].x) || !isfinite(points[i].y))
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

static void print_canvas(const char *canvas, int width, int height, const char *top,
                         const char *bottom, int margin, struct dse_buf *out) {
    for (int row = 0; row < height; row++) {
        const char *line = canvas + row * width;
        int length = width;
        while (length > 0 && line[length - 1] == ' ')
            length--;
        dse_buf_printf(out, "%*s |%.*s\n", margin,
                       row == 0            ? top
                       : row == height - 1 ? bottom
                                           : "",
                       length, line);
    }
    dse_buf_printf(out, "%*s +", margin, "");
    for (int i = 0; i < width; i++)
        dse_buf_puts(out, "-");
    dse_buf_puts(out, "\n");
}

void client__plot_print(const struct client__point *points, int n, const struct client__axis *x,
                        const struct client__axis *y, int width, int height, struct dse_buf *out) {
    struct scale across = scale_of(points, n, true), up = scale_of(points, n, false);
    char top[LABEL_MAX], bottom[LABEL_MAX], left[LABEL_MAX], right[LABEL_MAX];
    char canvas[WIDTH_MAX * 40];
    if (across.first > across.last)
        return;
    (void)snprintf(top, sizeof top, "%.*f", y->decimals, up.last);
    (void)snprintf(bottom, sizeof bottom, "%.*f", y->decimals, up.first);
    (void)snprintf(left, sizeof left, "%.*f", x->decimals, across.first);
    (void)snprintf(right, sizeof right, "%.*f", x->decimals, across.last);
    int margin = (int)(strlen(top) > strlen(bottom) ? strlen(top) : strlen(bottom));
    width -= margin + 2;
    width = width < 10 ? 10 : width > WIDTH_MAX ? WIDTH_MAX : width;
    height = height < 3 ? 3 : height > 40 ? 40 : height;
    memset(canvas, ' ', (size_t)(width * height));
    for (int i = 0; i < n; i++) {
        if (!isfinite(points[i].x) || !isfinite(points[i].y))
            continue;
        int column = (int)lround(place_on(&across, points[i].x) * (width - 1));
        int row = (int)lround((1 - place_on(&up, points[i].y)) * (height - 1));
        canvas[row * width + column] = points[i].mark;
    }
    dse_buf_printf(out, "%*s  %s%s\n", margin, "", y->label, up.is_log ? " (logarithmic)" : "");
    print_canvas(canvas, width, height, top, bottom, margin, out);
    int blanks = width - (int)(strlen(left) + strlen(right));
    dse_buf_printf(out, "%*s  %s%*s%s\n", margin, "", left, blanks > 1 ? blanks : 1, "", right);
    dse_buf_printf(out, "%*s  %s%s\n", margin, "", x->label, across.is_log ? " (logarithmic)" : "");
}
