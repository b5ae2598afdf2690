/* Batch norm over the whole batch of all threads (Ioffe and Szegedy, "Batch normalization", 2015,
 * section 3), with the sum and the Relu behind it.
 *
 * Forward: sums of x - k and (x - k)^2 with k the running mean, so that little is lost where the
 * mean is large; all threads meet and add all threads' sums in the same order. Then
 * y = Relu(x * scale + shift + add). Backward, with u = (x - mean) / deviation:
 * dgamma = sum(dz u), dbeta = sum(dz), dx = gamma / deviation (dz - mean(dz) - u mean(dz u)), which
 * is of the form x * a + dz * b + c with a number of each for every channel. */
#include <math.h>
#include <string.h>

#include "evaluator/train/net_internal.h"

/* Numbers of a norm on its way forward; arrays of c. */
struct moments {
    double mean, variance;
};

static int channels_of(const struct train__job *job) {
    return train__shape(job->net, job->unit->output).c;
}

static size_t pixels_of(const struct train__job *job, int images) {
    struct dse_shape shape = train__shape(job->net, job->unit->output);
    return (size_t)images * (size_t)shape.h * (size_t)shape.w;
}

/* Over the threads, in their order. */
static double total(const struct dse_net *net, size_t place) {
    double sum = 0.0;
    for (int t = 0; t < net->setup.threads; t++)
        sum += net->seats[t].sums[place];
    return sum;
}

static double values_of_channel(const struct dse_net *net, const struct train__unit *unit) {
    struct dse_shape shape = train__shape(net, unit->output);
    return (double)net->batch->n * shape.h * shape.w;
}

/* Of one channel, over the batch; the running ones for an inference. */
static struct moments moments_of(const struct dse_net *net, const struct train__unit *unit, int c) {
    int channels = train__shape(net, unit->output).c;
    const float *running = net->running + unit->running;
    if (!net->learns)
        return (struct moments){running[c], running[channels + c]};
    double n = values_of_channel(net, unit);
    double shifted = total(net, unit->sums + (size_t)c) / n;
    double square = total(net, unit->sums + (size_t)(channels + c)) / n;
    double variance = square - shifted * shifted;
    return (struct moments){(double)running[c] + shifted, variance > 0.0 ? variance : 0.0};
}

static double deviation_of(const struct train__unit *unit, struct moments moments) {
    return sqrt(moments.variance + (double)unit->node->norm.epsilon);
}

static void sum_input(const struct train__job *job) {
    const struct dse_net *net = job->net;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    double *sums = job->seat->sums + unit->sums;
    dse_train_moments(job->seat->values[unit->input], pixels_of(job, job->seat->n), c,
                      net->running + unit->running, sums, sums + c);
}

void train__norm_forward(const struct train__job *job) {
    struct dse_net *net = job->net;
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    float *scale = seat->coefficients + unit->coefficients, *shift = scale + c;
    if (net->learns) {
        if (unit->partner < 0)
            sum_input(job);
        train__team_meet(net->team);
    }
    const float *gamma = net->values + unit->parameters, *beta = gamma + c;
    for (int i = 0; i < c; i++) {
        struct moments moments = moments_of(net, unit, i);
        double factor = (double)gamma[i] / deviation_of(unit, moments);
        scale[i] = (float)factor;
        shift[i] = (float)((double)beta[i] - moments.mean * factor);
    }
    if (!unit->inlined)
        dse_train_affine(seat->values[unit->input], pixels_of(job, seat->n), c, scale, shift,
                         unit->add >= 0 ? seat->values[unit->add] : NULL, unit->relu,
                         seat->values[unit->output]);
}

void train__norm_make(const struct train__job *norm, int first, int count, float *y) {
    const struct train__unit *unit = norm->unit;
    int c = channels_of(norm);
    size_t at = (size_t)first * train__size(norm->net, unit->output);
    const float *scale = norm->seat->coefficients + unit->coefficients;
    dse_train_affine(norm->seat->values[unit->input] + at, pixels_of(norm, count), c, scale,
                     scale + c, NULL, unit->relu, y);
}

/* ---- backward ---- */

/* Relu's gate and the sums of dz and dz (x - mean). */
static void gate_and_sum(const struct train__job *job) {
    struct dse_net *net = job->net;
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    float *mean = seat->coefficients;
    double *sums = seat->sums + unit->sums + 2 * (size_t)c;
    for (int i = 0; i < c; i++)
        mean[i] = (float)moments_of(net, unit, i).mean;
    const float *scale = seat->coefficients + unit->coefficients;
    struct dse_train_gate gate = {0};
    if (unit->relu && unit->inlined)
        gate = (struct dse_train_gate){.scale = scale, .shift = scale + c};
    else if (unit->relu)
        gate.y = seat->values[unit->output];
    dse_train_norm_sums(seat->values[unit->input], gate, seat->grads[unit->output],
                        pixels_of(job, seat->n), c, mean, sums, sums + c);
}

/* The sum behind the norm hands its gradient to the other side too. */
static void give_added(const struct train__job *job) {
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    if (unit->add < 0)
        return;
    size_t n = (size_t)seat->n * train__size(job->net, unit->output);
    if (seat->has_grad[unit->add]) {
        dse_train_add_to(seat->grads[unit->add], seat->grads[unit->output], n);
    } else {
        size_t room = (size_t)job->net->slots * train__size(job->net, unit->output);
        memcpy(seat->grads[unit->add], seat->grads[unit->output], room * sizeof(float));
        seat->has_grad[unit->add] = true;
    }
}

/* dx = x * a + dz * b + shift */
static void input_coefficients(const struct train__job *job, float *a, float *b, float *shift) {
    const struct dse_net *net = job->net;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    double n = values_of_channel(net, unit);
    const float *gamma = net->values + unit->parameters;
    for (int i = 0; i < c; i++) {
        struct moments moments = moments_of(net, unit, i);
        double deviation = deviation_of(unit, moments);
        double mean_dz = total(net, unit->sums + (size_t)(2 * c + i)) / n;
        double mean_dzu = total(net, unit->sums + (size_t)(3 * c + i)) / n / deviation;
        double factor = (double)gamma[i] / deviation;
        b[i] = (float)factor;
        a[i] = (float)(-factor * mean_dzu / deviation);
        shift[i] = (float)(factor * (mean_dzu * moments.mean / deviation - mean_dz));
    }
}

void train__norm_input(const struct train__job *job, int first, int count, float *dx) {
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    size_t at = (size_t)first * train__size(job->net, unit->output);
    const float *a = seat->coefficients + unit->coefficients + 2 * c;
    dse_train_norm_input(seat->values[unit->input] + at, seat->grads[unit->output] + at,
                         pixels_of(job, count), c, a, a + c, a + 2 * c, dx);
}

static void take_gradients(const struct train__job *job) {
    const struct dse_net *net = job->net;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    float *gamma = job->seat->gradients + unit->parameters, *beta = gamma + c;
    bool mine = job->seat == &net->seats[0]; /* the sums are those of all threads */
    for (int i = 0; i < c; i++) {
        double deviation = deviation_of(unit, moments_of(net, unit, i));
        double products = total(net, unit->sums + (size_t)(3 * c + i));
        gamma[i] = mine ? (float)(products / deviation) : 0.0f;
        beta[i] = mine ? (float)total(net, unit->sums + (size_t)(2 * c + i)) : 0.0f;
    }
}

void train__norm_backward(const struct train__job *job) {
    struct dse_net *net = job->net;
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    int c = channels_of(job);
    gate_and_sum(job);
    give_added(job);
    train__team_meet(net->team);
    float *a = seat->coefficients + unit->coefficients + 2 * c;
    input_coefficients(job, a, a + c, a + 2 * c);
    take_gradients(job);
    if (unit->partner >= 0 || !unit->wants_input)
        return;
    size_t n = (size_t)seat->n * train__size(net, unit->input);
    if (seat->has_grad[unit->input]) {
        /* In place: nobody reads the gradient of the result after this. */
        train__norm_input(job, 0, seat->n, seat->grads[unit->output]);
        dse_train_add_to(seat->grads[unit->input], seat->grads[unit->output], n);
    } else {
        size_t room = (size_t)(net->slots - seat->n) * train__size(net, unit->input);
        train__norm_input(job, 0, seat->n, seat->grads[unit->input]);
        memset(seat->grads[unit->input] + n, 0, room * sizeof(float));
        seat->has_grad[unit->input] = true;
    }
}

void train__norm_move(struct dse_net *net, const struct train__unit *unit) {
    int c = train__shape(net, unit->output).c;
    float *running = net->running + unit->running;
    double n = values_of_channel(net, unit), stays = (double)unit->node->norm.momentum;
    for (int i = 0; i < c; i++) {
        struct moments moments = moments_of(net, unit, i);
        double unbiased = n > 1.0 ? moments.variance * n / (n - 1.0) : moments.variance;
        running[i] = (float)(stays * (double)running[i] + (1.0 - stays) * moments.mean);
        running[c + i] = (float)(stays * (double)running[c + i] + (1.0 - stays) * unbiased);
    }
}
