/* Workload files of the explorer that paretod replaces (root key `workload`), as one of ours with a
 * list of what does not stand in it as it was. import_keys.def says what becomes of each key. */
#include "workloads/workloads_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum treatment { COPIED, READ, IGNORED };

#define X(id, path, treatment, to, why) OLD_##id,
enum old_key {
#include "workloads/import_keys.def"
    OLD_COUNT
};
#undef X

static const struct {
    const char *path;
    enum treatment treatment;
    enum workloads__key to;
    const char *why;
} old_keys[OLD_COUNT] = {
#define X(id, path, treatment, to, why) {path, treatment, KEY_##to, why},
#include "workloads/import_keys.def"
#undef X
};

enum { KEY_NONE = KEY_COUNT, PATH_SIZE = 256, NOTES_MAX = 400 };

/* One import. */
struct import {
    const char *file;
    struct dse_arena *arena;
    const struct tree_node *old[OLD_COUNT]; /* the values found */
    struct dse_mark marks[OLD_COUNT];       /* of their keys */
    const char *values[KEY_COUNT];          /* of the new workload, as YAML; NULL: the default */
    struct dse_import_note *notes;          /* [NOTES_MAX] */
    int n_notes;
    bool no_memory;
};

static const char *keep(struct import *import, const char *text) {
    const char *copy = dse_arena_strdup(import->arena, text);
    import->no_memory = import->no_memory || copy == NULL;
    return copy;
}

static void note(struct import *import, struct dse_mark mark, const char *key, const char *what,
                 const char *why) {
    if (import->n_notes == NOTES_MAX)
        return;
    import->notes[import->n_notes++] =
        (struct dse_import_note){.mark = mark, .key = keep(import, key), .what = what, .why = why};
}

static void note_old(struct import *import, enum old_key key, const char *what, const char *why) {
    note(import, import->marks[key], old_keys[key].path, what, why);
}

/* The value that a new key gets, made from printf's arguments. */
static DSE_PRINTF(3, 4) void give(struct import *import, enum workloads__key key, const char *fmt,
                                  ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    import->values[key] = keep(import, text);
}

/* ---- what the old file says ---- */

static const char *text_of(const struct import *import, enum old_key key) {
    const struct tree_node *node = import->old[key];
    bool is_text = node != NULL && node->kind == TREE_SCALAR && !workloads__tree_is_null(node);
    return is_text ? node->text : NULL;
}

/* A number as we write it; NULL: it is none, which is noted where something else stands there. */
static const char *number_of(struct import *import, enum old_key key,
                             char out[WORKLOADS_NUMBER_SIZE]) {
    const char *text = text_of(import, key);
    double value;
    if (text != NULL && workloads__read_real(text, &value))
        return workloads__number_text(value, out);
    if (text != NULL)
        note_old(import, key, "ignored", "it is no number");
    return NULL;
}

static bool is_text_of(const struct import *import, enum old_key key, const char *wanted) {
    const char *text = text_of(import, key);
    return text != NULL && strcmp(text, wanted) == 0;
}

/* The entry that a path stands for; OLD_COUNT: none. */
static enum old_key find_old(const char *path) {
    for (int i = 0; i < OLD_COUNT; i++) {
        size_t length = strlen(old_keys[i].path);
        bool any = old_keys[i].path[length - 1] == '*';
        if (any ? strncmp(old_keys[i].path, path, length - 1) == 0
                : strcmp(old_keys[i].path, path) == 0)
            return (enum old_key)i;
    }
    return OLD_COUNT;
}

static void take_value(struct import *import, const char *path, const struct tree_node *key,
                       const struct tree_node *value) {
    char number[WORKLOADS_NUMBER_SIZE];
    enum old_key old = find_old(path);
    if (old == OLD_COUNT) {
        note(import, key->mark, path, "ignored", "it is no key that the explorer knew");
        return;
    }
    if (old_keys[old].treatment == IGNORED) {
        note(import, key->mark, path, "ignored", old_keys[old].why);
        return;
    }
    import->old[old] = value;
    import->marks[old] = key->mark;
    if (old_keys[old].treatment == COPIED && number_of(import, old, number) != NULL) {
        give(import, old_keys[old].to, "%s", number);
        if (old_keys[old].why[0] != '\0')
            note(import, key->mark, path, "changed", old_keys[old].why);
    }
}

/* Maps are walked down to their values; one that has an entry of its own counts as a value. */
static void walk(struct import *import, const char *above, const struct tree_node *map) {
    char path[PATH_SIZE];
    for (const struct tree_node *key = map->first; key != NULL && key->next != NULL;
         key = key->next->next) {
        if (key->kind != TREE_SCALAR)
            continue;
        (void)snprintf(path, sizeof path, "%s%s%s", above, above[0] == '\0' ? "" : ".", key->text);
        if (key->next->kind == TREE_MAP && find_old(path) == OLD_COUNT)
            walk(import, path, key->next);
        else
            take_value(import, path, key, key->next);
    }
}

/* ---- data sets ---- */

/* What we know of the explorer's data sets: how it prepared them, and how many images they have. */
static const struct data_set {
    const char *type, *format, *images, *labels; /* files below the path; labels NULL: the same */
    int n_images;                                /* 0: not known */
    const char *mean, *std, *missing;
} data_sets[] = {
    {"cifar10", "cifar10", "test_batch.bin", NULL, 10000, "[0.4914, 0.4822, 0.4465]",
     "[0.2023, 0.1994, 0.2010]", "download the binary version; files for Python are not read"},
    {"mnist", "idx", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 10000, NULL, NULL,
     "images are not resized to 32 x 32: the network must take 28 x 28, or write .npy files; mean and"
     " std are those of the training"},
    {"imagenet", "npy", "images.npy", "labels.npy", 50000, "[0.485, 0.456, 0.406]",
     "[0.229, 0.224, 0.225]",
     "write the images, resized to 256 and cropped to 224, and their labels as .npy files"},
    {"imagenet_c", "npy", "images.npy", "labels.npy", 50000, "[0.485, 0.456, 0.406]",
     "[0.229, 0.224, 0.225]",
     "write the clean images, cropped to 224, and their labels as .npy files: they are corrupted here"},
};
static const struct data_set other_data_set = {
    "",
    "npy",
    "images.npy",
    "labels.npy",
    0,
    NULL,
    NULL,
    "write the images and one label an image as .npy files; annotations of regions are not read"};

static const struct data_set *find_data_set(const char *type) {
    for (size_t i = 0; type != NULL && i < sizeof data_sets / sizeof data_sets[0]; i++)
        if (strcmp(data_sets[i].type, type) == 0)
            return &data_sets[i];
    return &other_data_set;
}

static void give_files(struct import *import, enum workloads__key key, const struct data_set *set,
                       const char *folder) {
    struct dse_buf list = {0}, path = {0};
    const char *const names[] = {set->images, set->labels};
    dse_buf_puts(&list, "[");
    for (int i = 0; i < 2 && names[i] != NULL; i++) {
        dse_buf_reset(&path);
        dse_buf_printf(&path, "%s/%s", folder, names[i]);
        dse_buf_puts(&list, i > 0 ? ", " : "");
        workloads__print_path(dse_buf_text(&path), &list);
    }
    dse_buf_puts(&list, "]");
    import->no_memory = import->no_memory || list.failed || path.failed;
    import->values[key] = keep(import, dse_buf_text(&list));
    dse_buf_fini(&list);
    dse_buf_fini(&path);
}

static void make_images(struct import *import, const struct data_set *set) {
    char number[WORKLOADS_NUMBER_SIZE];
    const char *limit = number_of(import, OLD_limit, number);
    if (limit != NULL)
        give(import, KEY_dataset_images, "%s", limit);
    else if (set->n_images > 0)
        give(import, KEY_dataset_images, "%d", set->n_images);
    else
        note(import, (struct dse_mark){0}, "dataset.images", "missing",
             "say how many images there are; 1000 otherwise");
    if (is_text_of(import, OLD_randomize, "true") || is_text_of(import, OLD_randomize, "True")) {
        give(import, KEY_dataset_subset, "stratified");
        note_old(
            import, OLD_randomize, "changed",
            "other images at each evaluation made results noise; a fixed share of every class");
    }
}

static void make_corruptions(struct import *import, bool is_corrupted) {
    char number[WORKLOADS_NUMBER_SIZE];
    if (!is_corrupted) {
        give(import, KEY_corruptions_names, "[]");
        return;
    }
    const char *condition = text_of(import, OLD_condition);
    const char *severity = number_of(import, OLD_severity, number);
    give(import, KEY_corruptions_clean, "false");
    struct dse_buf names = {0};
    dse_buf_puts(&names, "[");
    workloads__print_text(condition != NULL ? condition : "fog", &names);
    dse_buf_puts(&names, "]");
    import->no_memory = import->no_memory || names.failed;
    import->values[KEY_corruptions_names] = keep(import, dse_buf_text(&names));
    dse_buf_fini(&names);
    give(import, KEY_corruptions_severities, "[%s]", severity != NULL ? severity : "1");
}

static void make_data(struct import *import, bool is_corrupted) {
    const char *type = text_of(import, OLD_type), *folder = text_of(import, OLD_path);
    const struct data_set *set = find_data_set(type);
    give(import, KEY_dataset_format, "%s", set->format);
    give_files(import, KEY_dataset_files, set, folder != NULL ? folder : ".");
    if (set->mean != NULL) {
        give(import, KEY_dataset_mean, "%s", set->mean);
        give(import, KEY_dataset_std, "%s", set->std);
    }
    note_old(import, OLD_type, "missing", set->missing);
    make_images(import, set);
    make_corruptions(import, is_corrupted);
}

/* The first images of the same files, unless the old ones are of the same kind elsewhere. */
static void make_calibration(struct import *import) {
    char number[WORKLOADS_NUMBER_SIZE];
    const char *type = text_of(import, OLD_calibrate_type), *from = text_of(import, OLD_type);
    const char *folder = text_of(import, OLD_calibrate_path), *path = text_of(import, OLD_path);
    const char *limit = number_of(import, OLD_calibrate_limit, number);
    if (limit != NULL)
        give(import, KEY_calibration_images, "%s", limit);
    if (type == NULL || from == NULL || folder == NULL)
        return;
    if (strcmp(find_data_set(type)->format, find_data_set(from)->format) != 0)
        note_old(import, OLD_calibrate_type, "ignored",
                 "it has another format than the images to evaluate; calibration uses those");
    else if (path == NULL || strcmp(folder, path) != 0)
        give_files(import, KEY_calibration_files, find_data_set(type), folder);
}

/* ---- problem and model ---- */

static const char *bits_objective(const struct import *import) {
    return is_text_of(import, OLD_weighting, "bits_weighted_linear") ? "sum_bits" : "weighted_bits";
}

static void make_constraint(struct import *import, const char *accuracy) {
    char number[WORKLOADS_NUMBER_SIZE];
    const struct tree_node *minimum = import->old[OLD_minimum];
    const char *drop = number_of(import, OLD_drop, number);
    if (drop != NULL) {
        give(import, KEY_problem_allowable_accuracy_drop, "%s", drop);
        note_old(import, OLD_drop, "changed",
                 "it was a share of the baseline's accuracy; here it is subtracted from it");
    }
    if (minimum == NULL)
        return;
    const char *least =
        minimum->kind == TREE_SCALAR ? number_of(import, OLD_minimum, number) : NULL;
    if (drop != NULL)
        note_old(import, OLD_minimum, "ignored", "allowable_accuracy_drop took precedence");
    else if (minimum->kind == TREE_LIST)
        note_old(import, OLD_minimum, "ignored",
                 "an accuracy for each task of a network; here a network has one task");
    else if (least != NULL && strpbrk(minimum->text, ".eE") == NULL)
        note_old(import, OLD_minimum, "ignored",
                 "the explorer set no constraint for a whole number; write it as 0.75");
    else if (least != NULL)
        give(import, KEY_problem_constraints, "[\"%s >= %s\"]", accuracy, least);
}

static enum dse_status make_problem(struct import *import, bool is_corrupted, struct dse_err *err) {
    const char *function = text_of(import, OLD_function);
    const char *accuracy = is_corrupted ? "accuracy_corrupted" : "accuracy_clean";
    bool is_energy = is_text_of(import, OLD_function, "energy_aware_quant_problem");
    struct dse_mark mark = import->marks[OLD_function];
    if (function == NULL)
        return dse_err_set_at(err, DSE_INVALID, import->file, mark.line, mark.column,
                              "problem.problem_function is missing; the explorer had"
                              " quantization_problem and energy_aware_quant_problem");
    if (!is_energy && strcmp(function, "quantization_problem") != 0)
        return dse_err_set_at(
            err, DSE_UNSUPPORTED, import->file, mark.line, mark.column,
            "problem.problem_function: %.60s has no counterpart here;"
            " quantization_problem and energy_aware_quant_problem can be imported",
            function);
    give(import, KEY_problem_type, "quantization");
    give(import, KEY_problem_weight_scales, "tensor");
    give(import, KEY_problem_objectives, "[%s, %s]", accuracy,
         is_energy ? "bit_operations" : bits_objective(import));
    note_old(import, OLD_function, "changed",
             is_energy ? "bit_operations stands in for the energy of DRAM accesses, and accuracy is"
                         " an objective, too"
                       : "both accuracy and bits are objectives, as in the explorer's document; its"
                         " newest version had the bits alone");
    make_constraint(import, accuracy);
    return DSE_OK;
}

static void make_model(struct import *import) {
    static const char *const without_classes[] = {"deeplabv3", "unet", "yolop", "yolov5s"};
    const char *type = text_of(import, OLD_model);
    struct dse_buf text = {0};
    dse_buf_printf(&text, "%s.onnx", type != NULL ? type : "model");
    struct dse_buf path = {0};
    workloads__print_path(dse_buf_text(&text), &path);
    import->no_memory = import->no_memory || path.failed || text.failed;
    import->values[KEY_model_file] = keep(import, dse_buf_text(&path));
    dse_buf_reset(&text);
    dse_buf_reset(&path);
    dse_buf_printf(&text, "%s-%s", type != NULL ? type : "model",
                   is_text_of(import, OLD_function, "quantization_problem") ? "quantization"
                                                                            : "energy");
    workloads__print_text(dse_buf_text(&text), &path);
    import->values[KEY_name] = keep(import, dse_buf_text(&path));
    dse_buf_fini(&text);
    dse_buf_fini(&path);
    note_old(import, OLD_model, "missing",
             "export the trained network with torch.onnx.export and name the file in model.file");
    for (size_t i = 0; type != NULL && i < sizeof without_classes / sizeof without_classes[0]; i++)
        if (strcmp(type, without_classes[i]) == 0)
            note_old(
                import, OLD_model, "missing",
                "accuracy is that of a classifier; this network's own measure is not known here");
    give(import, KEY_seed, "1"); /* the explorer's only one */
    note(import, (struct dse_mark){0}, "problem.fixed", "missing",
         "linear layers stayed in float32; to keep them so, name them, as in [\"fc float\"]");
}

/* ---- the new file ---- */

static void print_new(const struct import *import, struct dse_buf *out) {
    const char *section = "";
    dse_buf_puts(
        out, "# Made by pareto import; its messages say what is missing or other than before.\n");
    for (int i = 0; i < KEY_COUNT; i++) {
        const struct dse_schema_info *info = workloads__info((enum workloads__key)i);
        if (import->values[i] == NULL)
            continue;
        if (strcmp(section, info->section) != 0)
            dse_buf_printf(out, "%s:\n", info->section);
        section = info->section;
        dse_buf_printf(out, "%s%s: %s\n", section[0] == '\0' ? "" : "  ", info->key,
                       import->values[i]);
    }
}

/* A number may be out of our bounds: that is found by reading what was made. */
static void check_new(struct import *import, const struct dse_buf *text) {
    struct dse_arena arena = {0};
    struct dse_workload workload;
    struct dse_err err = {0};
    if (dse_workload_parse_stored(dse_buf_text(text), text->size, "made", "/", &arena, &workload,
                                  &err) == DSE_INVALID)
        note(import, (struct dse_mark){0}, "the new workload", "missing", keep(import, err.text));
    dse_arena_fini(&arena);
}

/* In order of place, those without one last. */
static void sort_notes(struct import *import) {
    for (int i = 1; i < import->n_notes; i++) {
        struct dse_import_note moved = import->notes[i];
        int k = i;
        for (; k > 0 && moved.mark.line > 0 &&
               (import->notes[k - 1].mark.line == 0 ||
                import->notes[k - 1].mark.line > moved.mark.line);
             k--)
            import->notes[k] = import->notes[k - 1];
        import->notes[k] = moved;
    }
}

static enum dse_status make_new(struct import *import, struct dse_imported *imported,
                                struct dse_err *err) {
    struct dse_buf text = {0};
    bool is_corrupted = is_text_of(import, OLD_type, "imagenet_c");
    DSE_TRY(make_problem(import, is_corrupted, err));
    make_model(import);
    make_data(import, is_corrupted);
    make_calibration(import);
    print_new(import, &text);
    check_new(import, &text);
    sort_notes(import);
    const char *yaml = keep(import, dse_buf_text(&text));
    enum dse_status status = dse_buf_status(&text, err);
    dse_buf_fini(&text);
    if (status == DSE_OK && import->no_memory)
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for workload %s", import->file);
    if (status == DSE_OK)
        *imported =
            (struct dse_imported){.yaml = yaml, .notes = import->notes, .n_notes = import->n_notes};
    return status;
}

/* The map below the root key. */
static enum dse_status find_root(const struct import *import, const struct tree_node *root,
                                 const struct tree_node **map, struct dse_err *err) {
    const struct tree_node *key = root != NULL && root->kind == TREE_MAP ? root->first : NULL;
    for (; key != NULL && key->next != NULL; key = key->next->next)
        if (key->kind == TREE_SCALAR && strcmp(key->text, "workload") == 0 &&
            key->next->kind == TREE_MAP) {
            *map = key->next;
            return DSE_OK;
        }
    return dse_err_set_at(err, DSE_INVALID, import->file, 1, 1,
                          "there is no key \"workload\" with keys below it: this is no workload of"
                          " the replaced explorer (pareto plan checks one of paretod)");
}

static enum dse_status import_text(struct import *import, const char *text, size_t length,
                                   struct dse_arena *scratch, struct dse_imported *imported,
                                   struct dse_workload_errors *errors, struct dse_err *err) {
    struct tree_node *root = NULL;
    const struct tree_node *map = NULL;
    bool whole = false;
    if (length > DSE_WORKLOAD_TEXT_MAX)
        DSE_FAIL(err, DSE_INVALID, "%s has %zu bytes; a workload has at most %d", import->file,
                 length, DSE_WORKLOAD_TEXT_MAX);
    DSE_TRY(workloads__tree_read(text, length, import->file, scratch, &root, &whole, errors, err));
    if (errors->n > 0) {
        if (err != NULL)
            *err = errors->items[0];
        return DSE_INVALID;
    }
    DSE_TRY(find_root(import, root, &map, err));
    walk(import, "", map);
    return make_new(import, imported, err);
}

enum dse_status dse_workload_import(const char *text, size_t length, const char *file,
                                    struct dse_arena *arena, struct dse_imported *imported,
                                    struct dse_err *err) {
    struct dse_arena scratch = {0};
    struct import *import = dse_arena_alloc(&scratch, 1, sizeof *import);
    struct dse_workload_errors *errors = dse_arena_alloc(&scratch, 1, sizeof *errors);
    struct dse_import_note *notes = dse_arena_alloc(arena, NOTES_MAX, sizeof *notes);
    enum dse_status status;
    if (import == NULL || errors == NULL || notes == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for workload %s", file);
    } else {
        *import = (struct import){.file = file, .arena = arena, .notes = notes};
        status = import_text(import, text, length, &scratch, imported, errors, err);
    }
    dse_arena_fini(&scratch);
    return status;
}
