/* paretod: options, then the daemon. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "daemon/daemon.h"

static const char usage[] =
    "usage: paretod [options]\n"
    "\n"
    "Explores compressed neural networks: takes workloads from the pareto client, evaluates\n"
    "candidates in worker processes and keeps every one in a database. After a crash or kill the\n"
    "next start goes on where it was.\n"
    "\n"
    "  --state DIR         directory of database and socket, created when missing; default\n"
    "                      $PARETO_STATE, $XDG_STATE_HOME/paretod or ~/.local/state/paretod\n"
    "  --socket PATH       socket for clients; default DIR/socket\n"
    "  --workers N         worker processes; default as many as cores\n"
    "  --kernels NAME      arithmetic of the workers: auto (default), c, openblas, onednn, vector\n"
    "  --silence S         end a worker at work that gives no sign for S seconds; default 60\n"
    "  --max-db-bytes N    let sweeps wait when the database would grow larger; default no limit\n"
    "  --worker PATH       the worker program; default pareto-worker beside this program\n"
    "  --until-idle        stop when the last client has gone\n"
    "  --ready-fd N        write \"ready\" to this file descriptor when clients are served\n"
    "  --log-level LEVEL   error, warn, info (default) or debug\n"
    "  --help, --version\n"
    "\n"
    "Runs in the foreground; logs to standard error and, as JSON, to log.jsonl in DIR (pareto logs).\n"
    "SIGTERM or Ctrl-C stops it after the tasks\n"
    "in work; a second one at once. Exit status: 0 stopped, 2 usage, 4 another paretod serves DIR,\n"
    "6 input or output failed, 7 no space left at the start, 10 workers cannot be started.\n";

enum option_id {
    STATE = 256,
    SOCKET,
    WORKERS,
    UNTIL_IDLE,
    SILENCE,
    KERNELS,
    MAX_DB,
    WORKER,
    READY,
    LOG,
    HELP,
    VERSION
};

static const struct option long_options[] = {
    {"state", required_argument, NULL, STATE},
    {"socket", required_argument, NULL, SOCKET},
    {"workers", required_argument, NULL, WORKERS},
    {"silence", required_argument, NULL, SILENCE},
    {"until-idle", no_argument, NULL, UNTIL_IDLE},
    {"kernels", required_argument, NULL, KERNELS},
    {"max-db-bytes", required_argument, NULL, MAX_DB},
    {"worker", required_argument, NULL, WORKER},
    {"ready-fd", required_argument, NULL, READY},
    {"log-level", required_argument, NULL, LOG},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {0},
};

static enum dse_status read_number(const char *option, const char *text, int64_t min, int64_t max,
                                   int64_t *value, struct dse_err *err) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
        DSE_FAIL(err, DSE_USAGE, "--%s: '%s' is not a number from %lld to %lld", option, text,
                 (long long)min, (long long)max);
    *value = number;
    return DSE_OK;
}

static enum dse_status read_log_level(const char *text, struct dse_err *err) {
    enum dse_log_level level = DSE_LOG_DEBUG4;
    if (strcmp(text, "debug") != 0 && (!dse_log_level_named(text, &level) || level > DSE_LOG_INFO))
        DSE_FAIL(err, DSE_USAGE, "--log-level: '%s' is not one of: error warn info debug", text);
    dse_log_setup(level, 2);
    return DSE_OK;
}

static enum dse_status read_kernels(const char *text, struct dse_err *err) {
    static const char *const names[] = {"auto", "c", "openblas", "onednn", "vector"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], text) == 0)
            return DSE_OK;
    DSE_FAIL(err, DSE_USAGE, "--kernels: '%s' is not one of: auto c openblas onednn vector", text);
}

static enum dse_status read_option(int id, const char *value, struct dse_daemon_options *options,
                                   struct dse_err *err) {
    enum { SILENCE_MAX_S = 1000000, WORKERS_MAX = 1024, FD_MAX = 1 << 20 };
    int64_t number = 0;
    switch (id) {
    case STATE:
        options->state_dir = value;
        return DSE_OK;
    case SOCKET:
        options->socket_path = value;
        return DSE_OK;
    case WORKER:
        options->worker_program = value;
        return DSE_OK;
    case KERNELS:
        options->kernels = value;
        return read_kernels(value, err);
    case WORKERS:
        DSE_TRY(read_number("workers", value, 1, WORKERS_MAX, &number, err));
        options->workers = (int)number;
        return DSE_OK;
    case SILENCE:
        DSE_TRY(read_number("silence", value, 1, SILENCE_MAX_S, &number, err));
        options->silence_s = (int)number;
        return DSE_OK;
    case UNTIL_IDLE:
        options->until_idle = true;
        return DSE_OK;
    case MAX_DB:
        return read_number("max-db-bytes", value, 0, INT64_MAX, &options->max_db_bytes, err);
    case READY:
        DSE_TRY(read_number("ready-fd", value, 0, FD_MAX, &number, err));
        options->ready_fd = (int)number;
        return DSE_OK;
    case LOG:
        return read_log_level(value, err);
    default:
        DSE_FAIL(err, DSE_USAGE, "see paretod --help");
    }
}

static int complain(const struct dse_err *err) {
    (void)fprintf(stderr, "paretod: %s\n", err->text);
    return dse_status_exit(err->code);
}

int main(int argc, char **argv) {
    char state_dir[4096];
    struct dse_err err = {0};
    struct dse_daemon_options options = {.ready_fd = -1};
    for (int id; (id = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (id == HELP)
            return fputs(usage, stdout) < 0;
        if (id == VERSION)
            return puts("paretod " DSE_VERSION) < 0;
        if (read_option(id, optarg, &options, &err) != DSE_OK)
            return complain(&err);
    }
    if (optind < argc) {
        (void)dse_err_set(&err, DSE_USAGE, "'%s' is not an option; see paretod --help",
                          argv[optind]);
        return complain(&err);
    }
    dse_default_state_dir(state_dir, sizeof state_dir);
    if (options.state_dir == NULL)
        options.state_dir = state_dir;
    if (dse_daemon_run(&options, &err) != DSE_OK)
        return complain(&err);
    return 0;
}
