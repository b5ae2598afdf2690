/* All families of function problems as one table. */
#include <string.h>

#include "problems/functions/functions.h"

static const struct dse_function_def *const families[] = {
#define X(family) problems__##family,
    PROBLEMS_FUNCTION_FAMILIES(X)
#undef X
};
enum { FAMILIES = sizeof families / sizeof families[0] };

const struct dse_function_def *dse_function_at(int index) {
    for (int k = 0; k < FAMILIES; k++)
        for (const struct dse_function_def *def = families[k]; def->name != NULL; def++)
            if (index-- == 0)
                return def;
    return NULL;
}

const struct dse_function_def *dse_function_find(const char *name) {
    const struct dse_function_def *def;
    for (int i = 0; (def = dse_function_at(i)) != NULL; i++)
        if (strcmp(def->name, name) == 0)
            return def;
    return NULL;
}
