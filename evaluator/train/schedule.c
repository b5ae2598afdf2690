/* The learning rate over the time of a training, as a factor of the initial one. */
#include <string.h>

#include "evaluator/train/train.h"

/* 0 .. 1 over the training; base has the cosine. */
static double cosine_down(double from, double to, double share) {
    return to + (from - to) * 0.5 * (1.0 + dse_math_cos_pi(share));
}

static double constant(double share) {
    (void)share;
    return 1.0;
}

/* A tenth at half of the time, a hundredth at three quarters (He et al., "Deep residual learning",
 * 2016, section 4.2). */
static double steps(double share) {
    return share < 0.5 ? 1.0 : share < 0.75 ? 0.1 : 0.01;
}

/* Loshchilov and Hutter, "SGDR", 2017, equation 5, one period. */
static double cosine(double share) {
    return cosine_down(1.0, 0.0, share);
}

/* Smith and Topin, "Super-convergence", 2018, with PyTorch's constants: from 1/25 up to 1 in the
 * first 30 %, then down to 1/250,000, both along a cosine. */
static double one_cycle(double share) {
    const double up = 0.3, start = 1.0 / 25.0, end = start / 1e4;
    return share < up ? cosine_down(start, 1.0, share / up)
                      : cosine_down(1.0, end, (share - up) / (1.0 - up));
}

/* The factors of the replaced tool chain, by epoch of 200. */
static double late_steps(double share) {
    double epoch = share * 200.0;
    return epoch > 180 ? 0.0005 : epoch > 160 ? 0.001 : epoch > 120 ? 0.01 : epoch > 80 ? 0.1 : 1.0;
}

static const struct {
    const char *name;
    double (*factor)(double share);
} schedules[] = {
    {"constant", constant},     {"step", steps}, {"cosine", cosine}, {"one-cycle", one_cycle},
    {"late-steps", late_steps},
};

bool dse_schedule_find(const char *name, int *schedule) {
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++)
        if (strcmp(schedules[i].name, name) == 0) {
            *schedule = (int)i;
            return true;
        }
    return false;
}

double dse_schedule_factor(int schedule, double warm_up, double share) {
    dse_assert(schedule >= 0 && (size_t)schedule < sizeof schedules / sizeof schedules[0]);
    double factor = schedules[schedule].factor(share);
    return share < warm_up ? factor * share / warm_up : factor;
}
