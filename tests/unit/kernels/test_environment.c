/* The restart with a mended environment: this program starts itself as such a program. */
#include "tests/lib/testing.h"

#include <sys/wait.h>

#include "evaluator/kernels/kernels.h"

/* What a program would see after the call, one line. */
static int play_program(char **argv) {
    dse_kernels_fix_environment(argv);
    const char *omp = getenv("OMP_NUM_THREADS"), *blas = getenv("OPENBLAS_NUM_THREADS");
    const char *core = getenv("OPENBLAS_CORETYPE"), *mark = getenv("PARETO_KERNELS_RESTARTED");
    printf("%s %s %s %s %s\n", argv[2], omp ? omp : "-", blas ? blas : "-", core ? core : "-",
           mark ? mark : "-");
    return 0;
}

static void run_program(char *const *environment, char *line, size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *argv[] = {"test", "program", "argument", NULL};
        (void)dup2(ends[1], 1);
        (void)execve("/proc/self/exe", argv, environment);
        _exit(127);
    }
    (void)close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    assert_non_null(out);
    bool got = fgets(line, (int)size, out) != NULL;
    (void)fclose(out);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(got && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void threads_are_pinned_to_one(void **state) {
    (void)state;
    char line[256];
    char *environment[] = {"OMP_NUM_THREADS=8", "OPENBLAS_CORETYPE=Haswell", NULL};
    run_program(environment, line, sizeof line);
    /* Arguments survive, the user's core type stays, and the mark is not passed on. */
    assert_string_equal(line, "argument 1 1 Haswell -\n");
}

static void a_second_life_does_not_start_a_third(void **state) {
    (void)state;
    char line[256];
    char *environment[] = {"PARETO_KERNELS_RESTARTED=1", "OPENBLAS_CORETYPE=Haswell", NULL};
    run_program(environment, line, sizeof line);
    assert_string_equal(line, "argument - - Haswell -\n");
}

/* Whatever OpenBLAS chooses by itself, afterwards it is code for this processor. */
static void openblas_uses_what_the_processor_has(void **state) {
    (void)state;
#ifdef __x86_64__
    char line[256];
    char *environment[] = {"PATH=/usr/bin", NULL};
    run_program(environment, line, sizeof line);
    assert_null(strstr(line, "Prescott"));
    assert_memory_equal(line, "argument 1 1 ", strlen("argument 1 1 "));
#endif
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "program") == 0)
        return play_program(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_pinned_to_one),
        cmocka_unit_test(a_second_life_does_not_start_a_third),
        cmocka_unit_test(openblas_uses_what_the_processor_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
