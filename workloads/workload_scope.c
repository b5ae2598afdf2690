/* Which keys a problem has: those about networks and data mean nothing to a formula or a program.
 */
#include "workloads/workloads_internal.h"

#include <string.h>

enum scope { OF_ALL, OF_NETWORKS, OF_PROGRAMS };

/* Whole sections, or single keys of a section; the first line that fits counts. */
static const struct {
    const char *section, *key; /* NULL: every key */
    enum scope scope;
} scopes[] = {
    {"model", NULL, OF_NETWORKS},
    {"dataset", NULL, OF_NETWORKS},
    {"calibration", NULL, OF_NETWORKS},
    {"corruptions", NULL, OF_NETWORKS},
    {"problem", "type", OF_ALL},
    {"problem", "objectives", OF_ALL},
    {"problem", "constraints", OF_ALL},
    {"problem", NULL, OF_NETWORKS},
    {"execution", "shard_images", OF_NETWORKS},
    {"execution", "batch", OF_NETWORKS},
    {"external", NULL, OF_PROGRAMS},
};

static enum scope scope_of(enum workloads__key key) {
    const struct dse_schema_info *info = workloads__info(key);
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if (strcmp(scopes[i].section, info->section) == 0 &&
            (scopes[i].key == NULL || strcmp(scopes[i].key, info->key) == 0))
            return scopes[i].scope;
    return OF_ALL;
}

/* A type that was not given, or is not known, is taken for one about networks. */
static bool is_about_network(const struct dse_workload *workload) {
    const struct dse_problem_def *problem =
        workload->problem_type == NULL ? NULL : dse_problem_find(workload->problem_type);
    return problem == NULL || problem->about_network;
}

bool workloads__applies(const struct dse_workload *workload, enum workloads__key key) {
    switch (scope_of(key)) {
    case OF_NETWORKS:
        return is_about_network(workload);
    case OF_PROGRAMS:
        return workload->problem_type != NULL && strcmp(workload->problem_type, "external") == 0;
    default:
        return true;
    }
}

bool workloads__depends_on_problem(enum workloads__key key) {
    return scope_of(key) != OF_ALL;
}

bool dse_workload_is_about_network(const struct dse_workload *workload) {
    return is_about_network(workload);
}

const char *workloads__fallback(const struct workloads__reading *reading, enum workloads__key key,
                                char out[WORKLOADS_FALLBACK_SIZE]) {
    const char *type = reading->workload.problem_type;
    if (key != KEY_problem_objectives || is_about_network(&reading->workload))
        return workloads__info(key)->fallback;
    const struct dse_function_def *function = dse_function_find(type);
    if (function == NULL)
        return NULL;
    size_t length = 0;
    out[length++] = '[';
    for (size_t i = 0; function->senses[i] != '\0'; i++) {
        dse_assert(i < DSE_MAX_OBJECTIVES);
        if (i > 0)
            out[length++] = ',';
        out[length++] = 'f';
        out[length++] = (char)('1' + i);
    }
    out[length++] = ']';
    out[length] = '\0';
    return out;
}
