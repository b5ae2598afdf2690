/* The program pareto as its users meet it: on pipes and on a pseudo terminal, with a stand-in for
 * paretod. Everything here fails the test that uses it when something is not as it must be. */
#ifndef DSE_TESTS_PARETO_UNDER_TEST_H
#define DSE_TESTS_PARETO_UNDER_TEST_H

#include "tests/lib/testing.h"

#include <sys/types.h>

/* A directory for one test, with copies of pareto and, as its paretod, of fake_paretod. */
struct place {
    char dir[200], pareto[300], state[300], workload[300];
};
/* cmocka's setup and teardown; *state becomes a struct place. */
int set_up(void **state);
int tear_down(void **state);
#define PARETO_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
void copy_program(const char *from, const char *to);

/* A running pareto. */
struct program {
    pid_t pid;
    int out_fd, err_fd; /* err_fd -1: a terminal shows both */
    struct dse_buf out, err;
};
/* Starts "pareto <line>" with input on its standard input. */
void start(const struct place *place, const char *line, const char *input, struct program *program);
/* The same on a terminal of `columns` columns. */
void start_on_terminal(const struct place *place, const char *line, int columns,
                       struct program *program);
/* Reads until `needle` stands in one of the outputs (NULL: until both have ended). */
void read_until(struct program *program, const char *needle);
/* Exit status; 1000 + signal when one ended it. */
int finish(struct program *program);
void forget(struct program *program);

/* Runs to the end; the exit status must be as expected. Texts of NULL are not compared. */
void expect(const struct place *place, const char *line, int exit_status, const char *out,
            const char *err);
/* Compares with expected/<name>; with DSE_UPDATE_EXPECTED set the file is rewritten. */
void expect_file(const char *name, const struct dse_buf *text);
/* Runs to a good end without errors, and compares the output with expected/<name>. */
void expect_output(const struct place *place, const char *line, const char *name);

/* A daemon as an operator starts it; it serves when this returns. */
pid_t start_daemon(const struct place *place);
void stop_daemon(pid_t pid);
/* The log of the private daemons of a place. */
void read_log(const struct place *place, struct dse_buf *log);
void expect_in_log(const struct place *place, const char *needle, bool is_there);

#endif
