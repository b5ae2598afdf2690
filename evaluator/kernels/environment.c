/* What libraries read from the environment when they are loaded, mended by starting the program
 * again. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evaluator/kernels/kernels_internal.h"

#define RESTARTED "PARETO_KERNELS_RESTARTED" /* set in the second life only */

static bool set_to_one(const char *name) {
    const char *value = getenv(name);
    if (value != NULL && strcmp(value, "1") == 0)
        return false;
    return setenv(name, "1", 1) == 0;
}

/* A core type that the user has set stays. */
static bool set_better_core(void) {
#ifdef DSE_HAVE_OPENBLAS
    const char *core = kernels__openblas_better_core();
    return core != NULL && setenv("OPENBLAS_CORETYPE", core, 0) == 0;
#else
    return false;
#endif
}

static bool mend_environment(void) {
    bool changed = set_to_one("OMP_NUM_THREADS");
    changed = set_to_one("OPENBLAS_NUM_THREADS") || changed;
    if (getenv("OPENBLAS_CORETYPE") == NULL)
        changed = set_better_core() || changed;
    return changed;
}

void dse_kernels_fix_environment(char **argv) {
    if (getenv(RESTARTED) != NULL) {
        /* Programs that this one starts shall look for themselves. */
        (void)unsetenv(RESTARTED);
        return;
    }
    if (!mend_environment() || setenv(RESTARTED, "1", 1) != 0)
        return;
    (void)execv("/proc/self/exe", argv);
    (void)unsetenv(RESTARTED); /* no /proc: go on as we are */
}
