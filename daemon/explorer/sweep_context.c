/* Contexts: what a worker must open for a workload. */
#include "daemon/explorer/explorer.h"

#include <string.h>

/* Hashes of the files met so far, so that each is read once. */
struct known_files {
    struct dse_arena *arena;
    const atomic_bool *stop;
    struct dse_msg_file_ref files[5 * DSE_WORKLOAD_LIST_MAX + 2];
    int n;
};

static enum dse_status hash_once(struct known_files *known, const char *path, const char **sha256,
                                 struct dse_err *err) {
    for (int i = 0; i < known->n; i++) {
        if (strcmp(known->files[i].path, path) == 0) {
            *sha256 = known->files[i].sha256;
            return DSE_OK;
        }
    }
    char hex[DSE_SHA256_HEX];
    DSE_TRY(dse_sha256_path(path, known->stop, hex, err));
    char *copy = dse_arena_strdup(known->arena, hex);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a file's hash");
    dse_assert(known->n < (int)(sizeof known->files / sizeof known->files[0]));
    known->files[known->n++] = (struct dse_msg_file_ref){.path = path, .sha256 = copy};
    *sha256 = copy;
    return DSE_OK;
}

static enum dse_status hash_for_workload(void *context, const char *path, char out[DSE_SHA256_HEX],
                                         struct dse_err *err) {
    const char *sha256;
    DSE_TRY(hash_once(context, path, &sha256, err));
    memcpy(out, sha256, DSE_SHA256_HEX);
    return DSE_OK;
}

static enum dse_status refer_to_file(struct known_files *known, const char *path,
                                     const struct dse_msg_file_ref **out, struct dse_err *err) {
    struct dse_msg_file_ref *ref = dse_arena_alloc(known->arena, 1, sizeof *ref);
    if (ref == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    ref->path = path;
    DSE_TRY(hash_once(known, path, &ref->sha256, err));
    *out = ref;
    return DSE_OK;
}

static enum dse_status refer_to_files(struct known_files *known, const struct dse_text_list *files,
                                      struct dse_msg_file_ref **out, struct dse_err *err) {
    struct dse_msg_file_ref *refs = dse_arena_alloc(known->arena, (size_t)files->n, sizeof *refs);
    if (refs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    for (int i = 0; i < files->n; i++) {
        refs[i].path = files->items[i];
        DSE_TRY(hash_once(known, files->items[i], &refs[i].sha256, err));
    }
    *out = refs;
    return DSE_OK;
}

static enum dse_status describe_dataset(struct known_files *known,
                                        const struct dse_workload *workload,
                                        const struct dse_text_list *files, int64_t first,
                                        int64_t count, const struct dse_msg_dataset **out,
                                        struct dse_err *err) {
    struct dse_msg_dataset *dataset = dse_arena_alloc(known->arena, 1, sizeof *dataset);
    struct dse_msg_file_ref *refs;
    if (dataset == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    DSE_TRY(refer_to_files(known, files, &refs, err));
    *dataset = (struct dse_msg_dataset){
        .format = workload->dataset_format,
        .files = refs,
        .files_n = files->n,
        .first = first,
        .count = count,
        .stratified = strcmp(workload->dataset_subset, "stratified") == 0,
        .seed = workload->dataset_subset_seed,
        .coarse_labels = strcmp(workload->dataset_labels, "coarse") == 0,
        .resize = workload->dataset_resize,
        .crop = workload->dataset_crop,
        .mean = workload->dataset_mean.items,
        .mean_n = workload->dataset_mean.n,
        .std = workload->dataset_std.items,
        .std_n = workload->dataset_std.n,
    };
    *out = dataset;
    return DSE_OK;
}

static enum dse_status describe_corruptions(struct known_files *known,
                                            const struct dse_workload *workload,
                                            struct dse_msg_context *context, struct dse_err *err) {
    const struct dse_number_list *from = &workload->corruptions_severities;
    int64_t *severities = dse_arena_alloc(known->arena, (size_t)from->n, sizeof *severities);
    struct dse_msg_file_ref *frost, *corrupted;
    if (severities == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    for (int i = 0; i < from->n; i++)
        severities[i] = (int64_t)from->items[i];
    context->clean = workload->corruptions_clean;
    context->corruptions = workload->corruptions_names.items;
    context->corruptions_n = workload->corruptions_names.n;
    context->severities = severities;
    context->severities_n = from->n;
    context->data_seed = workload->corruptions_seed;
    DSE_TRY(refer_to_files(known, &workload->corruptions_frost_files, &frost, err));
    context->frost_files = frost;
    context->frost_files_n = workload->corruptions_frost_files.n;
    DSE_TRY(refer_to_files(known, &workload->corrupted_files, &corrupted, err));
    context->corrupted_files = corrupted;
    context->corrupted_files_n = workload->corrupted_files.n;
    return DSE_OK;
}

static enum dse_status name_hashes(struct known_files *known, const struct dse_workload *workload,
                                   const char *evaluator, struct dse_msg_context *context,
                                   const char **content_hash, struct dse_err *err) {
    char content[DSE_SHA256_HEX], context_hash[DSE_SHA256_HEX];
    DSE_TRY(dse_workload_hashes(workload, evaluator, hash_for_workload, known, content,
                                context_hash, err));
    context->hash = dse_arena_strdup(known->arena, context_hash);
    *content_hash = dse_arena_strdup(known->arena, content);
    if (context->hash == NULL || *content_hash == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    return DSE_OK;
}

static enum dse_status describe_program(struct known_files *known,
                                        const struct dse_workload *workload,
                                        struct dse_msg_context *context, struct dse_err *err) {
    const struct dse_text_list *files = &workload->external_files;
    struct dse_msg_external *external = dse_arena_alloc(known->arena, 1, sizeof *external);
    struct dse_msg_file_ref *refs;
    if (external == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    DSE_TRY(refer_to_files(known, files, &refs, err));
    *external = (struct dse_msg_external){
        .command = workload->external_command.items,
        .command_n = workload->external_command.n,
        .directory = workload->base_dir,
        .kept_running = strcmp(workload->external_protocol, "lines") == 0,
        .timeout_s = workload->external_timeout_s,
        .seed = workload->seed,
        .genes = workload->external_genes.items,
        .genes_n = workload->external_genes.n,
        .files = refs,
        .files_n = files->n,
    };
    context->external = external;
    return DSE_OK;
}

enum dse_status dse_context_build(const struct dse_workload *workload,
                                  const struct dse_context_terms *terms, struct dse_arena *arena,
                                  struct dse_msg_context *context, const char **content_hash,
                                  struct dse_err *err) {
    struct known_files known = {.arena = arena, .stop = terms->stop};
    struct dse_msg_context built = {
        .output = workload->model_output,
        .exits = workload->model_exits.items,
        .exits_n = workload->model_exits.n,
        .mask_seed = workload->problem_mask_seed,
        .keep_dropout = dse_workload_takes_dropouts(workload),
        .method = workload->calibration_method,
        .percentile = workload->calibration_percentile,
        .shard_images = workload->execution_shard_images,
        .batch = workload->execution_batch,
        .weight_scales = workload->problem_weight_scales,
    };
    if (!dse_workload_is_about_network(workload)) {
        built = (struct dse_msg_context){.problem = workload->problem_type};
        if (workload->external_command.n > 0)
            DSE_TRY(describe_program(&known, workload, &built, err));
        DSE_TRY(name_hashes(&known, workload, terms->evaluator, &built, content_hash, err));
        *context = built;
        return DSE_OK;
    }
    const struct dse_text_list *calibration_files =
        workload->calibration_files.n > 0 ? &workload->calibration_files : &workload->dataset_files;
    DSE_TRY(refer_to_file(&known, workload->model_file, &built.model, err));
    if (workload->calibration_file[0] != '\0')
        DSE_TRY(refer_to_file(&known, workload->calibration_file, &built.calibration_file, err));
    DSE_TRY(describe_dataset(&known, workload, &workload->dataset_files, workload->dataset_first,
                             workload->dataset_images, &built.dataset, err));
    DSE_TRY(describe_dataset(&known, workload, calibration_files, workload->calibration_first,
                             workload->calibration_images, &built.calibration, err));
    DSE_TRY(describe_corruptions(&known, workload, &built, err));
    DSE_TRY(name_hashes(&known, workload, terms->evaluator, &built, content_hash, err));
    *context = built;
    return DSE_OK;
}

enum dse_status dse_context_model_facts(const struct dse_workload *workload,
                                        const struct dse_msg_prepared *prepared,
                                        struct dse_arena *arena, struct dse_model_facts *facts,
                                        struct dse_err *err) {
    struct dse_layer_facts *layers =
        dse_arena_alloc(arena, (size_t)prepared->layers_n, sizeof *layers);
    struct dse_cell_facts *cells = dse_arena_alloc(arena, (size_t)prepared->cells_n, sizeof *cells);
    if (layers == NULL || cells == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", prepared->layers_n);
    for (int i = 0; i < prepared->cells_n; i++)
        if (!dse_cell_parse(prepared->cells[i], &cells[i]))
            DSE_FAIL(err, DSE_PROTOCOL, "cell \"%.60s\" is not known", prepared->cells[i]);
    for (int i = 0; i < prepared->layers_n; i++) {
        const struct dse_msg_layer *from = &prepared->layers[i];
        int *after = dse_arena_alloc(arena, (size_t)from->after_n, sizeof *after);
        if (after == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", prepared->layers_n);
        layers[i] = (struct dse_layer_facts){
            .name = from->name,
            .macs = from->macs,
            .weights = from->weights,
            .inputs = from->inputs,
            .outputs = from->outputs,
            .drops = from->drops,
            .exit = (int)from->exit,
            .after = after,
        };
        for (int k = 0; k < from->after_n; k++)
            if (from->after[k] >= 0 && from->after[k] < prepared->layers_n)
                after[layers[i].n_after++] = (int)from->after[k];
    }
    if (prepared->exits < 0 || prepared->exits > DSE_EXITS_MOST)
        DSE_FAIL(err, DSE_PROTOCOL, "a model of %lld exits", (long long)prepared->exits);
    *facts = (struct dse_model_facts){
        .layers = layers,
        .n_layers = prepared->layers_n,
        .cells = cells,
        .n_cells = prepared->cells_n,
        .has_baseline = workload->exploration_baseline && dse_workload_is_about_network(workload),
        .n_exits = (int)prepared->exits,
        .classes = (int)prepared->classes,
    };
    return DSE_OK;
}

enum dse_status dse_context_search_space(const struct dse_workload *workload,
                                         const struct dse_model_facts *facts,
                                         const struct dse_problem_def **problem,
                                         struct dse_space *space, struct dse_err *err) {
    struct dse_problem_settings settings = dse_workload_problem_settings(workload);
    const struct dse_problem_def *found = dse_problem_find(workload->problem_type);
    if (found == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "problem type '%s' is not known", workload->problem_type);
    DSE_TRY(found->prepare(&settings, facts, space, err));
    *problem = found;
    return DSE_OK;
}

struct dse_search_options dse_context_search_options(const struct dse_workload *workload) {
    struct dse_search_options options = dse_search_options_default();
#define X(name, type, fallback, min, max, help) options.name = (type)workload->exploration_##name;
    DSE_SEARCH_OPTIONS(X)
#undef X
    options.crossover = dse_search_crossover_named(workload->exploration_crossover);
    options.mutation = dse_search_mutation_named(workload->exploration_mutation);
    dse_assert(options.crossover < DSE_CROSSOVER_COUNT && options.mutation < DSE_MUTATION_COUNT);
    return options;
}
