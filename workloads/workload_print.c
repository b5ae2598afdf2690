/* A workload as YAML, and the annotated template. */
#include "workloads/workloads_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- values ---- */

static bool is_plain_word(const char *text) {
    static const char *const taken[] = {"null", "true", "false"}; /* mean something else in YAML */
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(text, taken[i]) == 0)
            return false;
    return text[0] >= 'a' && text[0] <= 'z' &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

static bool may_stand_in_quotes(uint32_t code) {
    bool breaks_line = code < 0x20 || code == 0x85 || code == 0x2028 || code == 0x2029;
    return !breaks_line && workloads__yaml_printable(code) && code != '"' && code != '\\';
}

static void print_quoted(const char *text, struct dse_buf *out) {
    uint32_t code = 0;
    dse_buf_puts(out, "\"");
    for (size_t length = strlen(text); length > 0;) {
        size_t n = dse_utf8_next(text, length, &code);
        dse_assert(n > 0); /* parse lets nothing else in */
        if (may_stand_in_quotes(code))
            dse_buf_append(out, text, n);
        else if (code == '"' || code == '\\')
            dse_buf_printf(out, "\\%c", (int)code);
        else
            dse_buf_printf(out, code > 0xffff ? "\\U%08" PRIX32 : "\\u%04" PRIX32, code);
        text += n;
        length -= n;
    }
    dse_buf_puts(out, "\"");
}

void workloads__print_text(const char *text, struct dse_buf *out) {
    if (is_plain_word(text))
        dse_buf_puts(out, text);
    else
        print_quoted(text, out);
}

/* Always quoted; "${" is written so that it is not taken for a variable. */
void workloads__print_path(const char *path, struct dse_buf *out) {
    struct dse_buf written = {0};
    for (; *path != '\0'; path++) {
        if (path[0] == '$' && path[1] == '{')
            dse_buf_puts(&written, "$");
        dse_buf_append(&written, path, 1);
    }
    if (written.failed)
        out->failed = true;
    else
        print_quoted(dse_buf_text(&written), out);
    dse_buf_fini(&written);
}

static void print_text_list(const struct dse_text_list *list,
                            void (*print)(const char *, struct dse_buf *), struct dse_buf *out) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < list->n; i++) {
        dse_buf_puts(out, i == 0 ? "" : ", ");
        print(list->items[i], out);
    }
    dse_buf_puts(out, "]");
}

static void print_number_list(const struct dse_number_list *list, struct dse_buf *out) {
    char number[WORKLOADS_NUMBER_SIZE];
    dse_buf_puts(out, "[");
    for (int i = 0; i < list->n; i++)
        dse_buf_printf(out, "%s%s", i == 0 ? "" : ", ",
                       workloads__number_text(list->items[i], number));
    dse_buf_puts(out, "]");
}

void workloads__print_value(const struct dse_workload *workload, enum workloads__key key,
                            struct dse_buf *out) {
    const void *member = workloads__member_const(workload, key);
    char number[WORKLOADS_NUMBER_SIZE];
    switch (workloads__kind_of(key)) {
    case KIND_TEXT:
        print_quoted(*(const char *const *)member, out);
        break;
    case KIND_CHOICE:
        workloads__print_text(*(const char *const *)member, out);
        break;
    case KIND_PATH:
        workloads__print_path(*(const char *const *)member, out);
        break;
    case KIND_INT:
        dse_buf_printf(out, "%" PRId64, *(const int64_t *)member);
        break;
    case KIND_REAL:
        dse_buf_puts(out, workloads__number_text(*(const double *)member, number));
        break;
    case KIND_BOOL:
        dse_buf_puts(out, *(const bool *)member ? "true" : "false");
        break;
    case KIND_TEXTS:
        print_text_list(member, workloads__print_text, out);
        break;
    case KIND_PATHS:
        print_text_list(member, workloads__print_path, out);
        break;
    case KIND_REALS:
    case KIND_INTS:
        print_number_list(member, out);
        break;
    }
}

/* ---- whole files ---- */

static bool begins_section(enum workloads__key key) {
    return key > 0 && strcmp(workloads__info(key)->section,
                             workloads__info((enum workloads__key)(key - 1))->section) != 0;
}

static const char *indent_of(enum workloads__key key) {
    return workloads__info(key)->section[0] == '\0' ? "" : "  ";
}

enum dse_status dse_workload_print(const struct dse_workload *workload, struct dse_buf *out,
                                   struct dse_err *err) {
    const char *section = NULL;
    for (int i = 0; i < KEY_COUNT; i++) {
        enum workloads__key key = (enum workloads__key)i;
        if (!workloads__applies(workload, key))
            continue;
        if (section == NULL || strcmp(section, workloads__info(key)->section) != 0) {
            section = workloads__info(key)->section;
            if (section[0] != '\0')
                dse_buf_printf(out, "%s:\n", section);
        }
        dse_buf_printf(out, "%s%s: ", indent_of(key), workloads__info(key)->key);
        workloads__print_value(workload, key, out);
        dse_buf_puts(out, "\n");
    }
    return dse_buf_status(out, err);
}

/* What the template says where the default would make no workload that runs. */
static const char *const template_values[KEY_COUNT] = {
    [KEY_name] = "\"my first sweep\"",
    [KEY_model_file] = "\"models/resnet8-3exits-fashion.onnx\"",
    [KEY_model_output] = "\"logits\"",
    [KEY_dataset_format] = "idx",
    [KEY_dataset_files] =
        "[\"/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz\",\n"
        "          \"/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz\"]",
    [KEY_dataset_mean] = "[0.2860]",
    [KEY_dataset_std] = "[0.3530]",
    [KEY_calibration_files] =
        "[\"/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz\",\n"
        "          \"/usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz\"]",
    [KEY_external_command] = "[python3, examples/explore_script.py]",
    [KEY_external_protocol] = "lines",
    [KEY_external_genes] = "[units int 8 256, rate float 0 0.5, act category relu tanh gelu]",
    [KEY_external_files] = "[examples/explore_script.py]",
    [KEY_corruptions_names] = "[gaussian_noise, defocus_blur, contrast, pixelate]",
};

static const char template_head[] =
    "# Every key of a workload file: what it means; its kind, bounds and default. Keys that have a\n"
    "# default can be left out. Relative paths start at the folder of the file, and ${NAME} in a\n"
    "# path stands for an environment variable of the daemon (for the characters ${ themselves\n"
    "# write $${). Keys of another problem than the one below stand behind a #.\n"
    "#\n"
    "# This file is made from workloads/schema.def; a test compares the two. It is a workload that\n"
    "# runs where the package dataset-fashion-mnist is installed.\n";

void workloads__describe_value(enum workloads__key key, struct dse_buf *out) {
    const struct dse_schema_info *info = workloads__info(key);
    struct workloads__words words;
    char joined[512];
    if (info->choices == NULL) {
        dse_buf_puts(out, workloads__kind_words(workloads__kind_of(key)));
    } else {
        workloads__split_choices(info->choices, &words);
        (void)dse_words_join(words.items, words.n, joined, sizeof joined);
        dse_buf_printf(out, "%s: %s",
                       workloads__kind_of(key) == KIND_CHOICE ? "one of" : "a list of some of",
                       joined);
    }
    if (info->min != NULL && info->max != NULL)
        dse_buf_printf(out, ", %s to %s", info->min, info->max);
    if (info->fallback == NULL)
        dse_buf_puts(out, "; required");
    else
        dse_buf_printf(out, "; default %s", info->fallback[0] == '\0' ? "\"\"" : info->fallback);
}

enum dse_status dse_workload_template(struct dse_buf *out, struct dse_err *err) {
    static const struct dse_workload template_workload; /* says nothing: about a network */
    dse_buf_puts(out, template_head);
    for (int i = 0; i < KEY_COUNT; i++) {
        enum workloads__key key = (enum workloads__key)i;
        const struct dse_schema_info *info = workloads__info(key);
        const char *value = template_values[key] != NULL ? template_values[key] : info->fallback;
        if (begins_section(key))
            dse_buf_printf(out, "\n%s:\n", info->section);
        else
            dse_buf_puts(out, "\n");
        dse_buf_printf(out, "%s# %s\n", indent_of(key), info->help);
        dse_buf_printf(out, "%s# ", indent_of(key));
        workloads__describe_value(key, out);
        dse_buf_puts(out, "\n");
        dse_assert(value != NULL);
        dse_buf_printf(out, "%s%s%s: %s\n", indent_of(key),
                       workloads__applies(&template_workload, key) ? "" : "# ", info->key,
                       value[0] == '\0' ? "\"\"" : value);
    }
    return dse_buf_status(out, err);
}
