/* Checkpoints of a training: one file, replaced as a whole after every epoch.
 *
 * A head of eight words, the SHA-256 of what follows, the fingerprint's SHA-256, then parameters,
 * running numbers, optimiser, best parameters and best running numbers, as this machine has them.
 * To change it: raise VERSION; older files are then refused in words. */
#include <string.h>

#include "evaluator/train/trainer_internal.h"

enum { VERSION = 1, MAX_BYTES_LOG2 = 33 }; /* 8 GiB */
static const char MAGIC[8] = "DSETRAIN";

struct head {
    char magic[8];
    uint64_t version, n_parameters, n_running, optimizer_bytes;
    int64_t epochs, best_epoch;
    double best_loss;
    char content[DSE_SHA256_HEX + 7]; /* of all bytes behind the head */
    char fingerprint[DSE_SHA256_HEX + 7];
};

static struct head head_of(const struct dse_trainer *t) {
    struct head head = {
        .version = VERSION,
        .n_parameters = t->parameters.n,
        .n_running = t->n_running,
        .optimizer_bytes = dse_optimizer_state_size(t->optimizer),
        .epochs = t->epochs,
        .best_epoch = t->best_epoch,
        .best_loss = t->best_loss,
    };
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    return head;
}

static size_t floats_of(const struct head *head) {
    return 2 * ((size_t)head->n_parameters + (size_t)head->n_running);
}

enum dse_status dse_trainer_save(const struct dse_trainer *t, const char *fingerprint,
                                 const char *path, struct dse_err *err) {
    struct head head = head_of(t);
    struct dse_buf bytes = {0};
    enum dse_status status;
    dse_buf_append(&bytes, &head, sizeof head);
    dse_buf_append(&bytes, t->parameters.values, t->parameters.n * sizeof(float));
    dse_buf_append(&bytes, t->running, t->n_running * sizeof(float));
    dse_optimizer_save(t->optimizer, &bytes);
    dse_buf_append(&bytes, t->best_values, t->parameters.n * sizeof(float));
    dse_buf_append(&bytes, t->best_running, t->n_running * sizeof(float));
    DSE_TRY_GOTO(status, dse_buf_status(&bytes, err), done);
    DSE_TRY_GOTO(
        status,
        dse_sha256_bytes(bytes.data + sizeof head, bytes.size - sizeof head, head.content, err),
        done);
    DSE_TRY_GOTO(status, dse_sha256_bytes(fingerprint, strlen(fingerprint), head.fingerprint, err),
                 done);
    memcpy(bytes.data, &head, sizeof head);
    status = dse_file_replace(path, bytes.data, bytes.size, err);
done:
    dse_buf_fini(&bytes);
    return status;
}

static enum dse_status check_head(const struct dse_trainer *t, const struct dse_buf *bytes,
                                  const char *fingerprint, struct head *head, struct dse_err *err) {
    char expected[DSE_SHA256_HEX];
    struct head own = head_of(t);
    if (bytes->size < sizeof *head)
        DSE_FAIL(err, DSE_INVALID, "not a checkpoint: too short");
    memcpy(head, bytes->data, sizeof *head);
    if (memcmp(head->magic, MAGIC, sizeof MAGIC) != 0)
        DSE_FAIL(err, DSE_INVALID, "not a checkpoint");
    if (head->version != VERSION)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a checkpoint of version %llu; this program reads %d",
                 (unsigned long long)head->version, VERSION);
    DSE_TRY(dse_sha256_bytes(fingerprint, strlen(fingerprint), expected, err));
    if (strncmp(head->fingerprint, expected, sizeof expected) != 0)
        DSE_FAIL(err, DSE_CONFLICT,
                 "the checkpoint is of another model, other data or other options; give those it "
                 "was made with, or remove it to begin again");
    size_t size = sizeof *head + floats_of(&own) * sizeof(float) + (size_t)own.optimizer_bytes;
    if (head->n_parameters != own.n_parameters || head->n_running != own.n_running ||
        head->optimizer_bytes != own.optimizer_bytes || bytes->size != size)
        DSE_FAIL(err, DSE_INVALID, "the checkpoint is damaged: its size does not fit");
    DSE_TRY(
        dse_sha256_bytes(bytes->data + sizeof *head, bytes->size - sizeof *head, expected, err));
    if (strncmp(head->content, expected, sizeof expected) != 0)
        DSE_FAIL(err, DSE_INVALID, "the checkpoint is damaged");
    return DSE_OK;
}

/* Copies n floats and returns the place behind them. */
static const char *take(const char *from, float *to, size_t n) {
    memcpy(to, from, n * sizeof *to);
    return from + n * sizeof *to;
}

enum dse_status dse_trainer_restore(struct dse_trainer *t, const char *fingerprint,
                                    const char *path, struct dse_err *err) {
    struct dse_buf bytes = {0};
    struct head head;
    enum dse_status status = dse_file_read(path, (size_t)1 << MAX_BYTES_LOG2, &bytes, err);
    if (status == DSE_OK && (status = check_head(t, &bytes, fingerprint, &head, err)) != DSE_OK)
        (void)dse_err_prefix(err, "%s", path);
    if (status == DSE_OK) {
        const char *at = bytes.data + sizeof head;
        at = take(at, t->parameters.values, t->parameters.n);
        at = take(at, t->running, t->n_running);
        dse_optimizer_restore(t->optimizer, at);
        at += dse_optimizer_state_size(t->optimizer);
        at = take(at, t->best_values, t->parameters.n);
        (void)take(at, t->best_running, t->n_running);
        t->epochs = (int)head.epochs;
        t->best_epoch = (int)head.best_epoch;
        t->best_loss = head.best_loss;
    }
    dse_buf_fini(&bytes);
    return status;
}
