/* The manual page pareto-workload(5): the head below, then every key of the schema. */
#include "workloads/workloads_internal.h"

#include <string.h>

static const char page_head[] =
    ".\\\" Made from workloads/schema.def by dse_workload_manual; a test compares the two.\n"
    ".Dd November 22, 2026\n"
    ".Dt PARETO-WORKLOAD 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm pareto-workload\n"
    ".Nd what paretod is to explore\n"
    ".Sh DESCRIPTION\n"
    "A workload is one YAML document in UTF-8, at most 256 KiB, that\n"
    ".Xr pareto 1\n"
    "gives to\n"
    ".Xr paretod 8 .\n"
    "Anchors, aliases and tags are refused; a list has at most 64 items.\n"
    "Numbers are decimal and stand without quotes; truth is\n"
    ".Cm true\n"
    "or\n"
    ".Cm false .\n"
    ".Pp\n"
    "A relative path starts at the folder of the workload file.\n"
    "In a path\n"
    ".Ql ${NAME}\n"
    "stands for an environment variable of the daemon, and\n"
    ".Ql $${\n"
    "for the characters\n"
    ".Ql ${ .\n"
    "A tilde has no meaning.\n"
    "Every file that is named must be there and readable.\n"
    ".Pp\n"
    "All errors of a file are reported together, each with line and column.\n"
    "A file with every key, annotated, is\n"
    ".Pa workloads/template.yaml .\n"
    ".Sh KEYS\n"
    "A key without a default is required.\n";

static const char page_tail[] = ".Sh SEE ALSO\n"
                                ".Xr pareto 1 ,\n"
                                ".Xr paretod 8\n";

/* Text that troff prints as it is. A line must not begin with a control character. */
static void print_troff(const char *text, struct dse_buf *out) {
    if (text[0] == '.' || text[0] == '\'')
        dse_buf_puts(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            dse_buf_puts(out, "\\e");
        else if (*text == '"') /* begins an argument of a macro */
            dse_buf_puts(out, "\\(dq");
        else
            dse_buf_append(out, text, 1);
    }
}

static void print_key(enum workloads__key key, struct dse_buf *out) {
    struct dse_buf value = {0};
    dse_buf_printf(out, ".It Cm %s\n", workloads__info(key)->key);
    print_troff(workloads__info(key)->help, out);
    dse_buf_puts(out, ".\n.br\n");
    workloads__describe_value(key, &value);
    out->failed = out->failed || value.failed;
    print_troff(dse_buf_text(&value), out);
    dse_buf_puts(out, ".\n");
    dse_buf_fini(&value);
}

enum dse_status dse_workload_manual(struct dse_buf *out, struct dse_err *err) {
    const char *section = NULL;
    dse_buf_puts(out, page_head);
    for (int i = 0; i < KEY_COUNT; i++) {
        const struct dse_schema_info *info = workloads__info((enum workloads__key)i);
        if (section == NULL || strcmp(section, info->section) != 0) {
            if (section != NULL)
                dse_buf_puts(out, ".El\n");
            if (info->section[0] == '\0')
                dse_buf_puts(out, ".Ss Outside sections\n");
            else
                dse_buf_printf(out, ".Ss Section %s\n", info->section);
            dse_buf_puts(out, ".Bl -tag -width Ds\n");
        }
        section = info->section;
        print_key((enum workloads__key)i, out);
    }
    dse_buf_puts(out, ".El\n");
    dse_buf_puts(out, page_tail);
    return dse_buf_status(out, err);
}
