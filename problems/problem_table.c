/* The table of problems, made from problems.def. */
#include "problems/problems_internal.h"

#include <string.h>

static const struct dse_problem_def problem_table[] = {
#define X(name, help)            \
    {#name,                      \
     help,                       \
     true,                       \
     problems__##name##_prepare, \
     problems__##name##_repair,  \
     problems__##name##_decode},
#include "problems/problems.def"
#undef X
    {"function", "a formula of the genes", false, problems__function_prepare, dse_genome_repair,
     problems__genes_decode},
    {"external", "a program of the user's measures", false, problems__external_prepare,
     dse_genome_repair, problems__genes_decode},
};

const struct dse_problem_def *dse_problem_table(int *n_problems) {
    *n_problems = (int)(sizeof problem_table / sizeof problem_table[0]);
    return problem_table;
}

const struct dse_problem_def *dse_problem_find(const char *name) {
    int n;
    const struct dse_problem_def *table = dse_problem_table(&n);
    if (dse_function_find(name) != NULL)
        name = "function";
    for (int i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}
