/* A paretod of the build under test, in a temporary directory, and what tests do to it. Nothing
 * here sleeps: everything waits for the event it needs. A failure ends the test program. */
#ifndef DSE_TESTS_DAEMON_FIXTURE_H
#define DSE_TESTS_DAEMON_FIXTURE_H

#include <sys/types.h>

#include "base/base.h"
#include "protocol/protocol.h"
#include "tests/lib/sample.h"

struct daemon_fixture {
    char dir[256]; /* temporary; the state directory is dir/state */
    char state_dir[300];
    char socket[320];
    pid_t pid;           /* 0: not running */
    const char *program; /* in the place of paretod; NULL: it */
    int64_t measured;    /* as the last watch was told */
};

/* Makes the directory. */
void fixture_init(struct daemon_fixture *fixture);
/* Ends the daemon if it runs and removes the directory. */
void fixture_fini(struct daemon_fixture *fixture);

/* Starts paretod with extra arguments (NULL-terminated, may be NULL) and waits until it serves. */
void fixture_start(struct daemon_fixture *fixture, const char *const *extra);
/* Starts it where it is expected to end by itself; returns its exit status. */
int fixture_run_to_end(struct daemon_fixture *fixture, const char *const *extra);
/* Sends a signal and waits for the end; returns the wait status. */
int fixture_stop(struct daemon_fixture *fixture, int signal_number);
/* Waits until the daemon ends by itself; returns the wait status. */
int fixture_wait(struct daemon_fixture *fixture);
/* Kills one of its workers (-9), the k-th modulo their number; false when it has none. */
bool fixture_kill_worker(struct daemon_fixture *fixture, int k);
int fixture_count_workers(const struct daemon_fixture *fixture);

/* Runs a program of the build (or a path) to its end. Output is appended to out and errors to
 * errors (either may be NULL: thrown away). Returns the exit status, or 128 + signal. */
int run_program(const char *const *argv, struct dse_buf *out, struct dse_buf *errors);
/* Runs `pareto --socket ... args`. */
int fixture_pareto(const struct daemon_fixture *fixture, const char *const *args,
                   struct dse_buf *out, struct dse_buf *errors);

/* Submits a workload file and returns the sweep id. */
int64_t fixture_submit(const struct daemon_fixture *fixture, const char *path);
/* Waits until the sweep has `measured` results or is final. Returns false where the daemon ended
 * first. state gets the sweep's state. */
bool fixture_watch(struct daemon_fixture *fixture, int64_t sweep, int64_t measured, char *state,
                   size_t state_size);
/* From nothing to an ended sweep: fixture_init, the sample workload (sample.h) in its directory, a
 * daemon with these arguments, a submit, and its end. workload[400] gets the file's path. Returns
 * the sweep, 0 where the daemon ended first. */
int64_t fixture_run_sample(struct daemon_fixture *fixture, const struct sample_options *options,
                           const char *const *extra, char workload[400]);
/* Ends the daemon by SIGTERM, if it runs, and removes the directory; returns the wait status. */
int fixture_end(struct daemon_fixture *fixture);
/* Waits until the sweep is in that state; false where it ends otherwise. */
bool fixture_watch_state(struct daemon_fixture *fixture, int64_t sweep, const char *wanted);
/* Individuals of the sweep, as `pareto status` gives them. */
int64_t fixture_count_individuals(const struct daemon_fixture *fixture, int64_t sweep);
/* SHA-256 of the sweep's dump. */
void fixture_dump_hash(const struct daemon_fixture *fixture, int64_t sweep,
                       char out[DSE_SHA256_HEX]);

#endif
