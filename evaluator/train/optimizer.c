/* Rules by which gradients move parameters. */
#include <math.h>
#include <string.h>

#include "evaluator/train/train.h"

struct dse_optimizer {
    struct dse_optimizer_options options;
    size_t n;
    float *first, *second; /* running means: of gradients; of their squares (Adam) */
    uint64_t steps;
    double first_left, second_left; /* beta1^steps, beta2^steps */
};

static const struct {
    const char *name;
    enum dse_optimizer_rule rule;
} rules[] = {
    [DSE_SGD] = {"sgd", DSE_SGD},
    [DSE_NESTEROV] = {"nesterov", DSE_NESTEROV},
    [DSE_ADAM] = {"adam", DSE_ADAM},
    [DSE_ADAMW] = {"adamw", DSE_ADAMW},
};

bool dse_optimizer_find(const char *name, enum dse_optimizer_rule *rule) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i].name, name) == 0) {
            *rule = rules[i].rule;
            return true;
        }
    return false;
}

const char *dse_optimizer_name(enum dse_optimizer_rule rule) {
    return rules[rule].name;
}

enum dse_status dse_optimizer_new(const struct dse_optimizer_options *options, size_t n,
                                  struct dse_optimizer **optimizer, struct dse_err *err) {
    struct dse_optimizer *o = dse_alloc(1, sizeof *o);
    if (o == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an optimiser");
    o->options = *options;
    o->n = n;
    o->first_left = o->second_left = 1.0;
    o->first = dse_alloc_aligned(n, sizeof *o->first);
    o->second = dse_alloc_aligned(n, sizeof *o->second);
    if (o->first == NULL || o->second == NULL) {
        dse_optimizer_free(o);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the state of %zu parameters", n);
    }
    *optimizer = o;
    return DSE_OK;
}

void dse_optimizer_free(struct dse_optimizer *optimizer) {
    if (optimizer == NULL)
        return;
    dse_free(optimizer->first);
    dse_free(optimizer->second);
    dse_free(optimizer);
}

/* PyTorch's form: v = momentum v + g; p -= rate v, or rate (g + momentum v) with Nesterov. */
static void sgd(struct dse_optimizer *o, const struct dse_net_parameters *p, float rate) {
    const float momentum = (float)o->options.momentum, decay = (float)o->options.weight_decay;
    bool nesterov = o->options.rule == DSE_NESTEROV;
    for (size_t i = 0; i < p->n; i++) {
        float g = p->gradients[i] + (p->decays[i] ? decay * p->values[i] : 0.0f);
        o->first[i] = momentum * o->first[i] + g;
        p->values[i] -= rate * (nesterov ? g + momentum * o->first[i] : o->first[i]);
    }
}

static void adam(struct dse_optimizer *o, const struct dse_net_parameters *p, float rate) {
    const float beta1 = (float)o->options.beta1, beta2 = (float)o->options.beta2;
    const float decay = (float)o->options.weight_decay, epsilon = (float)o->options.epsilon;
    bool apart = o->options.rule == DSE_ADAMW;
    o->first_left *= o->options.beta1;
    o->second_left *= o->options.beta2;
    const float step = (float)((double)rate / (1.0 - o->first_left));
    const float scale = (float)(1.0 / sqrt(1.0 - o->second_left));
    for (size_t i = 0; i < p->n; i++) {
        float pull = p->decays[i] ? decay * p->values[i] : 0.0f;
        float g = p->gradients[i] + (apart ? 0.0f : pull);
        o->first[i] = beta1 * o->first[i] + (1.0f - beta1) * g;
        o->second[i] = beta2 * o->second[i] + (1.0f - beta2) * g * g;
        p->values[i] -= apart ? rate * pull : 0.0f;
        p->values[i] -= step * o->first[i] / (sqrtf(o->second[i]) * scale + epsilon);
    }
}

void dse_optimizer_step(struct dse_optimizer *optimizer,
                        const struct dse_net_parameters *parameters, double learning_rate) {
    dse_assert(parameters->n == optimizer->n);
    optimizer->steps++;
    if (optimizer->options.rule == DSE_SGD || optimizer->options.rule == DSE_NESTEROV)
        sgd(optimizer, parameters, (float)learning_rate);
    else
        adam(optimizer, parameters, (float)learning_rate);
}

/* ---- state ---- */

/* As it stands in a checkpoint, before the two arrays. */
struct state_head {
    uint64_t steps;
    double first_left, second_left;
};

void dse_optimizer_save(const struct dse_optimizer *o, struct dse_buf *out) {
    struct state_head head = {o->steps, o->first_left, o->second_left};
    dse_buf_append(out, &head, sizeof head);
    dse_buf_append(out, o->first, o->n * sizeof *o->first);
    dse_buf_append(out, o->second, o->n * sizeof *o->second);
}

size_t dse_optimizer_state_size(const struct dse_optimizer *o) {
    return sizeof(struct state_head) + o->n * (sizeof *o->first + sizeof *o->second);
}

void dse_optimizer_restore(struct dse_optimizer *o, const void *state) {
    const char *at = state;
    struct state_head head;
    memcpy(&head, at, sizeof head);
    o->steps = head.steps;
    o->first_left = head.first_left;
    o->second_left = head.second_left;
    memcpy(o->first, at + sizeof head, o->n * sizeof *o->first);
    memcpy(o->second, at + sizeof head + o->n * sizeof *o->first, o->n * sizeof *o->second);
}
