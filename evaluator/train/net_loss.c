/* Cross-entropy of the soft-max, with smoothed labels (Szegedy et al., "Rethinking the Inception
 * architecture", 2016, section 7), summed over the outputs with their weights. */
#include <math.h>
#include <string.h>

#include "evaluator/train/loss.h"
#include "evaluator/train/net_internal.h"

double train__soft_max(const float *logits, int n, double largest, double *p) {
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        double part = dse_math_exp((double)logits[k] - largest);
        sum += part;
        if (p != NULL)
            p[k] = part;
    }
    for (int k = 0; p != NULL && k < n; k++)
        p[k] /= sum;
    return dse_math_log(sum);
}

int train__arg_max(const float *values, int n) {
    int best = 0;
    for (int k = 1; k < n; k++)
        if (values[k] > values[best])
            best = k;
    return best;
}

/* Loss of one image at one output; gradient of weight times the batch's mean loss into diff. */
static double image_loss(const struct dse_net *net, const float *logits, int label, double weight,
                         float *diff, double *p) {
    int n = net->classes;
    double smooth = net->setup.label_smoothing / n, sharp = 1.0 - net->setup.label_smoothing;
    double largest = (double)logits[train__arg_max(logits, n)], loss = 0.0;
    double log_sum = train__soft_max(logits, n, largest, p);
    for (int k = 0; k < n; k++) {
        double target = smooth + (k == label ? sharp : 0.0);
        loss -= target * ((double)logits[k] - largest - log_sum);
        diff[k] = (float)((p[k] - target) * weight / net->batch->n);
    }
    return loss;
}

static void output_loss(struct dse_net *net, struct train__seat *seat, int output, double *p) {
    int value = net->alias[net->graph->outputs[output]];
    double weight = net->setup.output_weights[output];
    size_t classes = (size_t)net->classes;
    float *diff = train__grad_to_add(net, seat, value);
    float *own = seat->chunk[0];
    for (int i = 0; i < seat->n; i++) {
        const float *logits = seat->values[value] + (size_t)i * classes;
        int label = net->batch->labels[seat->first + i];
        seat->loss += weight * image_loss(net, logits, label, weight, own, p);
        seat->correct[output] += train__arg_max(logits, net->classes) == label;
        dse_train_add_to(diff + (size_t)i * classes, own, classes);
    }
}

void train__loss(struct dse_net *net, struct train__seat *seat) {
    seat->loss = 0.0;
    memset(seat->correct, 0, sizeof seat->correct);
    for (int o = 0; o < net->graph->n_outputs; o++)
        output_loss(net, seat, o, seat->probabilities);
}
