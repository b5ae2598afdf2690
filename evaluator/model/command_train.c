/* train: a network taught from images. */
#include <unistd.h>

#include "evaluator/model/lesson.h"

static enum dse_status print_result(const struct model__lesson *l, double loss,
                                    const double *accuracy, struct dse_err *err) {
    struct dse_buf out = {0};
    const char *path = l->m->line.operands[1];
    if (l->m->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, path);
        dse_buf_printf(&out,
                       ",\"epochs\":%d,\"best_epoch\":%d,\"validation_loss\":%.9g,"
                       "\"validation_accuracy\":[",
                       dse_trainer_epochs(l->trainer), dse_trainer_best_epoch(l->trainer), loss);
        for (int o = 0; o < l->graph->n_outputs; o++)
            dse_buf_printf(&out, "%s%.9g", o > 0 ? "," : "", accuracy[o]);
        dse_buf_puts(&out, "]}\n");
    } else {
        dse_buf_printf(&out, "wrote        %s: the state of epoch %d\n", path,
                       dse_trainer_best_epoch(l->trainer));
        for (int o = 0; o < l->graph->n_outputs; o++)
            dse_buf_printf(&out, "validation   %.2f %% at %s\n", 100.0 * accuracy[o],
                           l->graph->values[l->graph->outputs[o]].name);
    }
    return dse_console_put(&out, err);
}

/* The loss is no number any more: what was best before is written all the same. */
static void keep_best(struct model__lesson *l, struct dse_err *err) {
    double loss, accuracy[DSE_NET_MAX_OUTPUTS];
    struct dse_err why = {0};
    int epoch = dse_trainer_best_epoch(l->trainer);
    if (epoch > 0 && model__lesson_finish(l, &loss, accuracy, &why) == DSE_OK)
        (void)dse_err_prefix(err, "the state of epoch %d, the best, is in %s", epoch,
                             l->m->line.operands[1]);
}

enum dse_status model__command_train(struct model *m, struct dse_err *err) {
    struct model__lesson lesson = {.m = m, .epochs = MODEL__TRAINING_EPOCHS, .rate_factor = 1};
    double loss, accuracy[DSE_NET_MAX_OUTPUTS];
    enum dse_status status = model__lesson_load(&lesson, err);
    if (status == DSE_OK)
        status = model__lesson_prepare(&lesson, err);
    if (status == DSE_OK)
        status = model__lesson_run(&lesson, err);
    if (status == DSE_FAILED)
        keep_best(&lesson, err);
    if (status == DSE_OK)
        status = model__lesson_finish(&lesson, &loss, accuracy, err);
    if (status == DSE_OK) {
        (void)unlink(lesson.checkpoint);
        status = print_result(&lesson, loss, accuracy, err);
    }
    model__lesson_fini(&lesson);
    return status;
}
