/* A program of the user's, run once a candidate or kept running and fed lines. The process that
 * asks ignores SIGPIPE: programs need not read. */
#ifndef DSE_EVALUATOR_PROGRAM_H
#define DSE_EVALUATOR_PROGRAM_H

#include "base/base.h"

struct dse_program;

struct dse_program_options {
    const char *const *command; /* n_command words: the program, found in PATH, and its arguments */
    int n_command;
    const char *directory;          /* it runs there */
    bool kept_running;              /* one line in, one line out; else a process a candidate */
    double timeout_s;               /* for one candidate */
    void (*waiting)(void *context); /* called several times a second while the program computes */
    void *context;
};
/* Copies command and directory; starts nothing yet. */
DSE_MUST_USE enum dse_status dse_program_new(const struct dse_program_options *options,
                                             struct dse_program **program, struct dse_err *err);
/* Kills it and all that it started. NULL is fine. */
void dse_program_free(struct dse_program *program);
/* Gives the program a line (with its end) and appends its answer to answer: the first line that
 * begins with { where it is kept running, else the last. FAILED: it did not answer; the text says
 * how it ended and what it wrote last to standard error. */
DSE_MUST_USE enum dse_status dse_program_ask(struct dse_program *program,
                                             const struct dse_buf *line, struct dse_buf *answer,
                                             struct dse_err *err);

#endif
