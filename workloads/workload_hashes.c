/* What a workload is, for the store: content hash and context hash.
 *
 * Each is the SHA-256 of a text: a line with a version, then a line "section.key: value" for every
 * key that counts, in the order of the schema, the value as dse_workload_print writes it, a path
 * replaced by the SHA-256 of the file's content. An empty list of calibration files is replaced by
 * the files of the dataset, which it means. When the meaning of a key changes, the version grows;
 * hashes in existing databases then no longer match, and their results are computed anew. */
#include "workloads/workloads_internal.h"

#include <string.h>

static const char content_version[] = "paretod workload content 11\n";
static const char context_version[] = "paretod workload context 8\n";

/* What a key decides. */
enum scope {
    SCOPE_UNDECIDED, /* a key that this table forgot */
    SCOPE_NOTHING,   /* no number of the sweep: a name, how work is cut */
    SCOPE_SWEEP,     /* which candidates are tried: content only */
    SCOPE_CANDIDATE, /* the partials of one candidate: content and context */
};

static const enum scope scopes[KEY_COUNT] = {
    [KEY_name] = SCOPE_NOTHING,
    [KEY_seed] = SCOPE_SWEEP,
    [KEY_model_file] = SCOPE_CANDIDATE,
    [KEY_model_output] = SCOPE_CANDIDATE,
    [KEY_model_exits] = SCOPE_CANDIDATE,
    [KEY_dataset_format] = SCOPE_CANDIDATE,
    [KEY_dataset_files] = SCOPE_CANDIDATE,
    [KEY_dataset_labels] = SCOPE_CANDIDATE,
    [KEY_dataset_resize] = SCOPE_CANDIDATE,
    [KEY_dataset_crop] = SCOPE_CANDIDATE,
    [KEY_dataset_mean] = SCOPE_CANDIDATE,
    [KEY_dataset_std] = SCOPE_CANDIDATE,
    [KEY_dataset_first] = SCOPE_CANDIDATE,
    [KEY_dataset_images] = SCOPE_CANDIDATE,
    [KEY_dataset_subset] = SCOPE_CANDIDATE,
    [KEY_dataset_subset_seed] = SCOPE_CANDIDATE,
    [KEY_calibration_files] = SCOPE_CANDIDATE,
    [KEY_calibration_first] = SCOPE_CANDIDATE,
    [KEY_calibration_images] = SCOPE_CANDIDATE,
    [KEY_calibration_method] = SCOPE_CANDIDATE,
    [KEY_calibration_percentile] = SCOPE_CANDIDATE,
    [KEY_calibration_file] = SCOPE_CANDIDATE,
    [KEY_corruptions_clean] = SCOPE_CANDIDATE,
    [KEY_corruptions_names] = SCOPE_CANDIDATE,
    [KEY_corruptions_severities] = SCOPE_CANDIDATE,
    [KEY_corruptions_seed] = SCOPE_CANDIDATE,
    [KEY_corruptions_frost_files] = SCOPE_CANDIDATE,
    [KEY_corruptions_folder] = SCOPE_CANDIDATE,
    [KEY_problem_type] = SCOPE_CANDIDATE, /* says what the genes mean */
    [KEY_problem_bits_min] = SCOPE_SWEEP,
    [KEY_problem_bits_max] = SCOPE_SWEEP,
    [KEY_problem_input_bits] = SCOPE_SWEEP,
    [KEY_problem_weight_bits] = SCOPE_SWEEP,
    [KEY_problem_shared_bits] = SCOPE_SWEEP,
    [KEY_problem_float_choice] = SCOPE_SWEEP,
    [KEY_problem_fixed] = SCOPE_SWEEP,
    [KEY_problem_groups] = SCOPE_SWEEP,
    [KEY_problem_allowable_accuracy_drop] = SCOPE_SWEEP,
    [KEY_problem_bits] = SCOPE_SWEEP,
    [KEY_problem_dropout_max] = SCOPE_SWEEP,
    [KEY_problem_dropout_sites] = SCOPE_CANDIDATE, /* says what a gene means */
    [KEY_problem_passes_min] = SCOPE_SWEEP,
    [KEY_problem_passes_max] = SCOPE_SWEEP,
    [KEY_problem_mask_seed] = SCOPE_CANDIDATE,
    [KEY_problem_thresholds] = SCOPE_SWEEP,
    [KEY_problem_threshold_grid] = SCOPE_SWEEP,
    [KEY_problem_shared_threshold] = SCOPE_SWEEP,
    [KEY_problem_exit_policy] = SCOPE_SWEEP,
    [KEY_problem_exit_batch] = SCOPE_SWEEP,
    [KEY_problem_weight_scales] = SCOPE_CANDIDATE,
    [KEY_problem_objectives] = SCOPE_SWEEP,
    [KEY_problem_constraints] = SCOPE_SWEEP,
    [KEY_external_command] = SCOPE_CANDIDATE,
    [KEY_external_protocol] = SCOPE_CANDIDATE,
    [KEY_external_genes] = SCOPE_CANDIDATE,
    [KEY_external_files] = SCOPE_CANDIDATE,
    [KEY_external_timeout_s] = SCOPE_CANDIDATE, /* more time, and some fail no longer */
    [KEY_exploration_baseline] = SCOPE_SWEEP,
    [KEY_exploration_initial] = SCOPE_NOTHING,       /* the genomes count, which the daemon adds */
    [KEY_exploration_initial_sweep] = SCOPE_NOTHING, /* likewise */
    [KEY_exploration_population] = SCOPE_SWEEP,
    [KEY_exploration_offspring] = SCOPE_SWEEP,
    [KEY_exploration_generations] = SCOPE_SWEEP,
    [KEY_exploration_individuals] = SCOPE_SWEEP,
    [KEY_exploration_time_s] = SCOPE_SWEEP,
    [KEY_exploration_standstill] = SCOPE_SWEEP,
    [KEY_exploration_crossover] = SCOPE_SWEEP,
    [KEY_exploration_crossover_prob] = SCOPE_SWEEP,
    [KEY_exploration_crossover_eta] = SCOPE_SWEEP,
    [KEY_exploration_crossover_gene_prob] = SCOPE_SWEEP,
    [KEY_exploration_mutation] = SCOPE_SWEEP,
    [KEY_exploration_mutation_prob] = SCOPE_SWEEP,
    [KEY_exploration_mutation_eta] = SCOPE_SWEEP,
    [KEY_execution_shard_images] = SCOPE_CANDIDATE, /* a partial is one shard's */
    [KEY_execution_group] = SCOPE_NOTHING,
    [KEY_execution_retry] = SCOPE_NOTHING,
    [KEY_execution_on_failure] = SCOPE_SWEEP,
    [KEY_execution_task_seconds] = SCOPE_NOTHING,
    [KEY_execution_memory_mib] = SCOPE_NOTHING,
    [KEY_execution_batch] = SCOPE_CANDIDATE, /* float32 layers may sum in another order */
};

/* Two of their own, and the lists of data, calibration, programs, frost and corrupted images. */
enum { FILES_MAX = 2 + 5 * DSE_WORKLOAD_LIST_MAX };

/* Hashes asked for so far, so that no file is read twice. */
struct file_hashes {
    dse_workload_hash_file hash_file;
    void *context;
    int n;
    struct {
        const char *path;
        char hash[DSE_SHA256_HEX];
    } files[FILES_MAX];
};

static enum dse_status append_file(struct file_hashes *hashes, const char *path,
                                   struct dse_buf *out, struct dse_err *err) {
    int i = 0;
    if (path[0] == '\0') /* none is named */
        return DSE_OK;
    while (i < hashes->n && strcmp(hashes->files[i].path, path) != 0)
        i++;
    if (i == hashes->n) {
        dse_assert(i < FILES_MAX);
        DSE_TRY(hashes->hash_file(hashes->context, path, hashes->files[i].hash, err));
        hashes->files[i].path = path;
        hashes->n++;
    }
    dse_buf_puts(out, hashes->files[i].hash);
    return DSE_OK;
}

static enum dse_status append_files(struct file_hashes *hashes, const struct dse_text_list *files,
                                    struct dse_buf *out, struct dse_err *err) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < files->n; i++) {
        dse_buf_puts(out, i == 0 ? "" : ", ");
        DSE_TRY(append_file(hashes, files->items[i], out, err));
    }
    dse_buf_puts(out, "]");
    return DSE_OK;
}

static enum dse_status append_value(const struct dse_workload *workload, enum workloads__key key,
                                    struct file_hashes *hashes, struct dse_buf *out,
                                    struct dse_err *err) {
    const struct dse_text_list *files = workloads__member_const(workload, key);
    switch (workloads__kind_of(key)) {
    case KIND_PATH:
        if (key == KEY_corruptions_folder)
            return append_files(hashes, &workload->corrupted_files, out, err);
        return append_file(hashes, *(const char *const *)(const void *)files, out, err);
    case KIND_PATHS:
        if (key == KEY_calibration_files && files->n == 0)
            files = &workload->dataset_files;
        return append_files(hashes, files, out, err);
    default:
        workloads__print_value(workload, key, out);
        return DSE_OK;
    }
}

static enum dse_status append_keys(const struct dse_workload *workload, enum scope least,
                                   struct file_hashes *hashes, struct dse_buf *out,
                                   struct dse_err *err) {
    char name[WORKLOADS_NAME_SIZE];
    for (int i = 0; i < KEY_COUNT; i++) {
        enum workloads__key key = (enum workloads__key)i;
        dse_assert(scopes[key] != SCOPE_UNDECIDED);
        if (scopes[key] < least || !workloads__applies(workload, key))
            continue;
        dse_buf_printf(out, "%s: ", workloads__name(key, name));
        DSE_TRY(append_value(workload, key, hashes, out, err));
        dse_buf_puts(out, "\n");
    }
    return DSE_OK;
}

static enum dse_status hash_text(struct dse_buf *text, char out[DSE_SHA256_HEX],
                                 struct dse_err *err) {
    DSE_TRY(dse_buf_status(text, err));
    return dse_sha256_bytes(text->data, text->size, out, err);
}

enum dse_status dse_workload_hashes(const struct dse_workload *workload, const char *evaluator,
                                    dse_workload_hash_file hash_file, void *context,
                                    char content[DSE_SHA256_HEX], char context_hash[DSE_SHA256_HEX],
                                    struct dse_err *err) {
    char content_found[DSE_SHA256_HEX], context_found[DSE_SHA256_HEX];
    struct dse_buf text = {0};
    struct file_hashes *hashes = dse_alloc(1, sizeof *hashes);
    if (hashes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the hashes of a workload");
    hashes->hash_file = hash_file;
    hashes->context = context;
    enum dse_status status;
    dse_buf_puts(&text, content_version);
    DSE_TRY_GOTO(status, append_keys(workload, SCOPE_SWEEP, hashes, &text, err), fail_text);
    DSE_TRY_GOTO(status, hash_text(&text, content_found, err), fail_text);
    dse_buf_reset(&text);
    dse_buf_puts(&text, context_version);
    dse_buf_puts(&text, "evaluator: ");
    dse_buf_puts(&text, evaluator);
    dse_buf_puts(&text, "\n");
    DSE_TRY_GOTO(status, append_keys(workload, SCOPE_CANDIDATE, hashes, &text, err), fail_text);
    DSE_TRY_GOTO(status, hash_text(&text, context_found, err), fail_text);
    memcpy(content, content_found, DSE_SHA256_HEX);
    memcpy(context_hash, context_found, DSE_SHA256_HEX);
fail_text:
    dse_buf_fini(&text);
    dse_free(hashes);
    return status;
}
