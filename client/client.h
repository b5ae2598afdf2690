/* client: the program pareto. This header is for the files of the room and for its tests; no other
 * room uses it. One struct client lives in main and goes to everything. */
#ifndef DSE_CLIENT_H
#define DSE_CLIENT_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/base.h"
#include "console/console.h"
#include "protocol/protocol.h"

struct client;

/* ---- commands and options as tables (options.c) ------------------------------------------- */

/* Every command: X(name, operands as shown, fewest, most, summary, more for its own help). */
#define CLIENT_COMMAND_TABLE(X)                                                                    \
    X(run, "FILE", 1, 1, "explore a workload to its end and print the front",                      \
      "Uses the daemon that answers, or starts a private one until the sweep is done.\n"           \
      "Ctrl-C loses nothing: the same command continues. A sweep that is finished is\n"            \
      "not run again. FILE \"-\" is standard input.\n")                                            \
    X(plan, "FILE", 1, 1, "check a workload and say what its sweep would do",                      \
      "Nothing is stored. FILE \"-\" is standard input.\n")                                        \
    X(submit, "FILE", 1, 1, "give a workload to the daemon as a sweep",                            \
      "Prints the id of the sweep when the sweep is safely on disk. FILE \"-\" is\n"               \
      "standard input.\n")                                                                         \
    X(import, "FILE", 1, 1, "make a workload of one of the replaced explorer",                     \
      "FILE has the root key \"workload\". The new workload goes to standard output or to\n"       \
      "--output, what is ignored, changed or missing in it to standard error.\n")                  \
    X(watch, "[SWEEP]", 0, 1, "follow a sweep to its end",                                         \
      "Ctrl-C stops watching; the sweep goes on. Exit status 1 when the sweep failed\n"            \
      "or was cancelled.\n")                                                                       \
    X(front, "[SWEEP]", 0, 1, "print the Pareto front as it is now",                               \
      "One row an individual: its id (generation.slot), its objectives, the mean\n"                \
      "bits of weights and inputs over the layers (float32 counts 32), and where\n"                \
      "there are any the entropies below which images leave at early exits, dropout\n"             \
      "rate and passes. The first row is the float32 network. --objectives asks the\n"             \
      "stored evaluations again, for the front of other metrics, without computing an\n"           \
      "image.\n")                                                                                  \
    X(show, "[SWEEP] INDIVIDUAL", 1, 2, "print one individual with its cells and bits",            \
      "INDIVIDUAL is generation.slot as the front prints it, or \"baseline\".\n")                  \
    X(export, "[SWEEP]", 0, 1, "write individuals as CSV or JSON, or one as ONNX",                 \
      "One line an individual, the float32 network first: its state, objectives, genome\n"         \
      "and bits; the file appears under its name when it is whole. With --onnx one\n"              \
      "individual (generation.slot) becomes a network in QDQ form that ONNX Runtime\n"             \
      "runs, with its bits, beside a .json with its figures and all it was made of.\n")            \
    X(retrained, "[SWEEP] [FILE]...", 0, DSE_CONSOLE_OPERANDS_MAX,                                 \
      "print what retraining individuals brought",                                                 \
      "FILEs, as pareto model retrain --json prints them, are kept beside their\n"                 \
      "individuals first; one of the same settings replaces the one before.\n")                    \
    X(reevaluate, "[SWEEP]", 0, 1, "evaluate the front again, on more images or others",           \
      "The figures found stand beside those of the search, with their intervals: pareto\n"         \
      "front --reevaluated and pareto show print them. It is a sweep of its own; after\n"          \
      "Ctrl-C or a kill the same command goes on.\n")                                              \
    X(plot, "[SWEEP] [PLOT]...", 0, 8, "draw pictures of a sweep",                                 \
      "PLOT is front, hypervolume, bits, severity, corruptions, reliability, exits,\n"             \
      "parallel or violation;\n"                                                                   \
      "without one, all that have something to show. bits, severity, reliability and\n"            \
      "exits show the chosen individuals, corruptions the first of them. Prints the\n"             \
      "names of the files.\n")                                                                     \
    X(report, "[SWEEP]", 0, 1, "write an HTML page about a sweep",                                 \
      "Summary, front, pictures and workload in one file that needs no network.\n")                \
    X(diff, "SWEEP SWEEP", 2, 2, "compare two sweeps: workloads, fronts, figures",                 \
      "Hypervolumes are shares of one box: from a tenth of the range behind the worst\n"           \
      "values of both fronts to the best. A sweep covers what its front dominates or\n"            \
      "equals of the other's front. Genomes are looked for in all individuals.\n")                 \
    X(list, "", 0, 0, "print all sweeps", "")                                                      \
    X(status, "[SWEEP]", 0, 1, "print the state of a sweep", "")                                   \
    X(pause, "[SWEEP]", 0, 1, "give a sweep no more work for now", "What is under way is kept.\n") \
    X(resume, "[SWEEP]", 0, 1, "go on with a paused or failed sweep", "")                          \
    X(cancel, "[SWEEP]", 0, 1, "stop a sweep; what it found stays", "")                            \
    X(delete, "SWEEP", 1, 1, "forget a sweep and what it found",                                   \
      "Evaluations that other sweeps use stay. A sweep that is not done, failed or\n"              \
      "cancelled is deleted with --force only.\n")                                                 \
    X(priority, "[SWEEP] NUMBER", 1, 2, "change which sweeps come first",                          \
      "A sweep with a greater number, from -1000 to 1000, gets workers first; a new\n"             \
      "sweep has 0. Equal ones share the workers by time.\n")                                      \
    X(workers, "", 0, 0, "print the worker processes and what they do", "")                        \
    X(dump, "[SWEEP]", 0, 1, "print everything known of a sweep, canonical",                       \
      "No times and no process ids are in it: equal sweeps have equal dumps.\n")                   \
    X(completion, "SHELL", 1, 1, "print the completion script of a shell",                         \
      "SHELL is bash, zsh or fish. Installed programs have theirs installed.\n")                   \
    X(ping, "", 0, 0, "say which daemon answers", "")                                              \
    X(logs, "", 0, 0, "print what the daemon wrote down",                                          \
      "Reads the log files of the state directory: also those of a daemon that is gone.\n"         \
      "Times are UTC.\n")                                                                          \
    X(db, "COMMAND ...", 0, DSE_CONSOLE_OPERANDS_MAX,                                              \
      "check, copy or shrink the database (pareto-db)",                                            \
      "Everything behind the word \"db\" goes to pareto-db: pareto db --help.\n")                  \
    X(model, "COMMAND ...", 0, DSE_CONSOLE_OPERANDS_MAX,                                           \
      "look at, change and convert networks (pareto-model)",                                       \
      "Everything behind the word \"model\" goes to pareto-model: pareto model --help.\n")

enum client__command_id {
#define X(name, operands, fewest, most, summary, more) CLIENT_COMMAND_##name,
    CLIENT_COMMAND_TABLE(X)
#undef X
        CLIENT_COMMAND_COUNT
};

#define CLIENT_ON(name) (1u << CLIENT_COMMAND_##name)
#define CLIENT_ANY      0u

/* Every option: X(member, kind, text, value as shown, commands, help). Kinds: those of
 * console.h. */
#define CLIENT_OPTION_TABLE(X)                                                                                                                        \
    X(socket, TEXT, "--socket", "PATH", CLIENT_ANY, "socket of the daemon (STATE/socket)")                                                            \
    X(state, TEXT, "--state", "DIR", CLIENT_ANY, "state directory of the daemon")                                                                     \
    X(json, FLAG, "--json", "", CLIENT_ANY, "print the daemon's result as one line of JSON")                                                          \
    X(no_color, FLAG, "--no-color", "", CLIENT_ANY, "no colours")                                                                                     \
    X(help, HELP, "--help", "", CLIENT_ANY, "print help and exit")                                                                                    \
    X(version, VERSION, "--version", "", CLIENT_ANY, "print the version and exit")                                                                    \
    X(workers, COUNT, "--workers", "N", CLIENT_ON(run) | CLIENT_ON(plan),                                                                             \
      "worker processes of a private daemon")                                                                                                         \
    X(reuse, FLAG, "--reuse", "", CLIENT_ON(submit),                                                                                                  \
      "take an existing, not failed sweep of equal content")                                                                                          \
    X(plot, FLAG, "--plot", "", CLIENT_ON(front) | CLIENT_ON(run),                                                                                    \
      "draw the plot where output is not a terminal, too")                                                                                            \
    X(objectives, TEXT, "--objectives", "LIST", CLIENT_ON(front),                                                                                     \
      "metrics instead of the sweep's own, as in\naccuracy(fog),bit_operations")                                                                      \
    X(all, FLAG, "--all", "", CLIENT_ON(front) | CLIENT_ON(run),                                                                                      \
      "every row of a front of more than 40")                                                                                                         \
    X(reevaluated, FLAG, "--reevaluated", "", CLIENT_ON(front),                                                                                       \
      "beside what was found when evaluated again")                                                                                                   \
    X(images, TEXT, "--images", "N", CLIENT_ON(reevaluate), "images of a cell; all (default)")                                                        \
    X(data, TEXT, "--data", "FILE,...", CLIENT_ON(reevaluate), "other data, of the same format")                                                      \
    X(best, TEXT, "--best", "N", CLIENT_ON(reevaluate),                                                                                               \
      "the N best, of all feasible, not the front")                                                                                                   \
    X(by, TEXT, "--by", "OBJECTIVE", CLIENT_ON(reevaluate), "that --best means (the first one)")                                                      \
    X(sha256, FLAG, "--sha256", "", CLIENT_ON(dump), "print the SHA-256 of the dump instead")                                                         \
    X(front, FLAG, "--front", "", CLIENT_ON(export), "only the front")                                                                                \
    X(cells, FLAG, "--cells", "", CLIENT_ON(export),                                                                                                  \
      "with the images seen and right of each cell")                                                                                                  \
    X(onnx, TEXT, "--onnx", "INDIVIDUAL", CLIENT_ON(export), "write this one as a network")                                                           \
    X(force, FLAG, "--force", "", CLIENT_ON(delete), "cancel the sweep first, if needed")                                                             \
    X(format, TEXT, "--format", "NAME", CLIENT_ON(export) | CLIENT_ON(plot),                                                                          \
      "export: csv (default) or json; plot: svg (default),\npng, pdf, tikz or csv")                                                                   \
    X(output, TEXT, "--output", "FILE",                                                                                                               \
      CLIENT_ON(export) | CLIENT_ON(import) | CLIENT_ON(plot) | CLIENT_ON(report),                                                                    \
      "write there instead of to standard output; -o FILE;\nplot: a directory (results/NAME-SWEEP); report: a\nfile (report.html in that directory)") \
    X(individuals, TEXT, "--individuals", "LIST", CLIENT_ON(plot) | CLIENT_ON(report),                                                                \
      "chosen ones, as 12.3,baseline (some of the front)")                                                                                            \
    X(follow, FLAG, "--follow", "", CLIENT_ON(logs), "go on with what is written from now on")                                                        \
    X(since, TEXT, "--since", "WHEN", CLIENT_ON(logs),                                                                                                \
      "from then on: 90s, 10m, 2h or 1d ago, or an instant\nof UTC, as 2026-11-22 or 2026-11-22T04:00")                                               \
    X(sweep, TEXT, "--sweep", "SWEEP", CLIENT_ON(logs), "only what is about this sweep")                                                              \
    X(level, TEXT, "--level", "LEVEL", CLIENT_ON(logs),                                                                                               \
      "only error, warn, info (default) or debug and graver")

#define CLIENT_OPTION_TYPE_FLAG    bool
#define CLIENT_OPTION_TYPE_TEXT    const char *
#define CLIENT_OPTION_TYPE_COUNT   int64_t
#define CLIENT_OPTION_TYPE_HELP    bool
#define CLIENT_OPTION_TYPE_VERSION bool

/* The command line, read. Strings are borrowed from argv. */
struct client__options {
    enum client__command_id command; /* COUNT: none was given */
    const char *operands[DSE_CONSOLE_OPERANDS_MAX];
    int n_operands;
#define X(member, kind, text, value, commands, help) CLIENT_OPTION_TYPE_##kind member;
    CLIENT_OPTION_TABLE(X)
#undef X
};
/* The tables as the console takes them. */
extern const struct dse_console_program client__program;
/* USAGE with what is wrong and how to get help. */
DSE_MUST_USE enum dse_status
client__options_read(int argc, char **argv, struct client__options *options, struct dse_err *err);
/* Help of a command, or of the program for CLIENT_COMMAND_COUNT; appended. */
void client__help(enum client__command_id command, struct dse_buf *out);
const char *client__command_name(enum client__command_id command);

/* ---- plots (text_plot.c) ------------------------------------------------------------------- */

struct client__axis {
    const char *label;
    int decimals;
};
struct client__point {
    double x, y;
    char mark; /* later points hide earlier ones */
};
struct client__plot {
    const struct client__point *points;
    int n_points;
    struct client__axis x, y;
    int width, height; /* in characters; height is that of the canvas */
};
/* A scatter plot. An axis whose values span more than a factor of 20 is drawn logarithmically.
 * Points that are not finite are left out; prints nothing without any. */
void client__plot_print(const struct client__plot *plot, struct dse_buf *out);

/* ---- talking to the daemon (connection.c) ------------------------------------------------- */

struct client__connection {
    int fd; /* -1: not connected */
    struct dse_buf in;
    size_t scanned; /* bytes of `in` without a newline */
    int64_t next_id;
};

/* A paretod that this process started; see private_daemon.c. */
struct client__daemon {
    pid_t pid; /* 0: none */
    char log_path[4200];
    long log_start;         /* size of the log before this daemon */
    char temporary_dir[64]; /* its state directory, removed at the end; "": a lasting one */
};

struct client {
    struct client__options options;
    char state_dir[4096];
    char socket_path[4096 + sizeof "/socket"];
    struct dse_arena arena; /* for the whole command */
    struct client__connection connection;
    struct client__daemon daemon;
    int signal_fd; /* -1: signals have their default effect */
    sigset_t signals_before;
    const char *const *errors; /* of a refused workload, in the arena */
    int errors_n;
    struct dse_console_style style; /* of standard output */
};

/* NO_DAEMON when nothing listens; err says how to start one. */
DSE_MUST_USE enum dse_status client__connect(struct client *c, struct dse_err *err);
void client__disconnect(struct client *c);
/* Sends a request and waits for its reply. An error reply becomes the status and err; events on
 * the way are passed over. The reply lies in c->arena. INTERRUPTED on a signal. */
DSE_MUST_USE enum dse_status client__call(struct client *c, enum dse_method method,
                                          const void *params, struct dse_rpc_reply *reply,
                                          struct dse_err *err);
/* The same, AGAIN where no message comes for timeout_ms. */
DSE_MUST_USE enum dse_status client__call_within(struct client *c, int timeout_ms,
                                                 enum dse_method method, const void *params,
                                                 struct dse_rpc_reply *reply, struct dse_err *err);
/* The next message. timeout_ms < 0 waits for ever; AGAIN when the time is over. */
DSE_MUST_USE enum dse_status client__receive(struct client *c, enum dse_method expected,
                                             int timeout_ms, struct dse_arena *arena,
                                             struct dse_rpc_reply *reply, struct dse_err *err);

/* ---- a private daemon (private_daemon.c) -------------------------------------------------- */

/* From here on SIGINT, SIGTERM and SIGHUP are read by the waits above instead of ending us. */
DSE_MUST_USE enum dse_status client__catch_signals(struct client *c, struct dse_err *err);
void client__release_signals(struct client *c);
/* True when one of these signals has come; reads it. */
bool client__take_interrupt(struct client *c);
/* Starts paretod on c->state_dir and c->socket_path, waits until it serves, connects. Needs
 * client__catch_signals. On failure nothing is left running. */
DSE_MUST_USE enum dse_status client__start_daemon(struct client *c, struct dse_err *err);
/* Uses a temporary state directory from here on. */
DSE_MUST_USE enum dse_status client__use_temporary_state(struct client *c, struct dse_err *err);
/* Ends a private daemon and waits for it; a further signal kills it. Fine without one. */
void client__stop_daemon(struct client *c);
/* How the private daemon ended, and the last lines of its log; true when it has ended. */
bool client__describe_daemon_end(struct client *c, struct dse_err *err);

/* ---- the commands ------------------------------------------------------------------------- */

#define X(name, operands, fewest, most, summary, more) \
    DSE_MUST_USE enum dse_status client__command_##name(struct client *c, struct dse_err *err);
CLIENT_COMMAND_TABLE(X)
#undef X

/* The workload file that the user named, in c->arena (workload_file.c). */
DSE_MUST_USE enum dse_status client__workload_read(struct client *c, const char *path,
                                                   struct dse_msg_workload_text *out,
                                                   struct dse_err *err);
/* The sweep of an operand; NULL: the newest. Needs a connection. */
DSE_MUST_USE enum dse_status client__sweep_of(struct client *c, const char *operand, int64_t *sweep,
                                              struct dse_err *err);
/* "12.3" or "baseline". */
DSE_MUST_USE enum dse_status client__individual_of(const char *operand, int64_t *generation,
                                                   int64_t *slot, struct dse_err *err);
/* The other way: "float32", as tables call the baseline, or "12.3"; text of the arena. */
const char *client__individual_name(struct dse_arena *arena, int64_t generation, int64_t slot);
/* The id of a sweep as a number from 1. */
DSE_MUST_USE enum dse_status client__parse_id(const char *text, int64_t *out, struct dse_err *err);
/* Connects, finds the sweep of the first operand and asks a question about it. */
DSE_MUST_USE enum dse_status client__ask_about_sweep(struct client *c, enum dse_method method,
                                                     struct dse_rpc_reply *reply,
                                                     struct dse_err *err);
bool client__sweep_has_ended(const struct dse_msg_sweep *sweep);
DSE_MUST_USE enum dse_status client__put_json(const struct dse_rpc_reply *reply,
                                              struct dse_err *err);

/* Gives every page of the answer to visit. It lives until visit returns, as does everything in
 * c->arena meanwhile: the memory of a sweep is that of a page (pages.c). */
typedef enum dse_status client__page_visitor(void *context,
                                             const struct dse_msg_individual_page *page,
                                             struct dse_err *err);
DSE_MUST_USE enum dse_status client__each_page(struct client *c,
                                               struct dse_msg_individual_query query,
                                               client__page_visitor *visit, void *context,
                                               struct dse_err *err);

/* The whole front, in c->arena (front_parts.c). The query names neither limit nor after. */
DSE_MUST_USE enum dse_status client__load_front(struct client *c, struct dse_msg_front_query query,
                                                const struct dse_msg_front **front,
                                                struct dse_err *err);
/* The same as one line of JSON, which takes the memory of a part. */
DSE_MUST_USE enum dse_status
client__put_front_json(struct client *c, struct dse_msg_front_query query, struct dse_err *err);

/* Watches on the open connection until the sweep ends, with progress on `to`; INTERRUPTED on a
 * signal, FAILED when it failed or was cancelled (watch.c). */
DSE_MUST_USE enum dse_status client__watch_to_end(struct client *c, int64_t sweep, FILE *to,
                                                  struct dse_err *err);
/* Connects, to a private daemon of its own where none answers; says so (run.c). */
DSE_MUST_USE enum dse_status client__find_daemon(struct client *c, struct dse_err *err);
/* INTERRUPTED, with what goes on and how to go on (run.c). */
DSE_MUST_USE enum dse_status client__explain_interrupt(struct client *c, struct dse_err *err);
/* Asks for the front and prints it (print_front.c). */
DSE_MUST_USE enum dse_status client__front_of(struct client *c, int64_t sweep, struct dse_err *err);

/* One line on how far a sweep is (progress.c). */
const char *client__progress_text(struct dse_arena *arena, const struct dse_msg_sweep *sweep);

/* How values of an objective are shown (print_front.c). */
struct client__measure {
    const char *header; /* lines for a table */
    const char *label;  /* one line for a plot */
    double factor;      /* shown value = value x factor */
    int decimals;
};
/* largest: the largest magnitude among the values; chooses k, M, G, T. */
struct client__measure client__measure_of(struct dse_arena *arena,
                                          const struct dse_msg_objective *objective,
                                          double largest);
const char *client__measure_text(struct dse_arena *arena, const struct client__measure *measure,
                                 double value);

/* ---- front_columns.c ---- */

/* What a network is besides its objectives: bits, exits, dropout. */
enum {
    CLIENT__WEIGHT_BITS,
    CLIENT__INPUT_BITS,
    CLIENT__THRESHOLDS,
    CLIENT__DROPOUT,
    CLIENT__TRAITS
};
/* Of a rate in steps of 2^-16. */
double client__dropout_percent(int64_t steps);
/* Columns for those that a front has, and which they are; how many. They are left out in a narrow
 * terminal from drop_order on, the last first. */
int client__traits_of(struct client *c, const struct dse_msg_front *front, int drop_order,
                      struct dse_console_column *columns, int *which);
/* "" where the individual has none. */
const char *client__trait_text(struct client *c, int which,
                               const struct dse_msg_individual *individual);

/* pareto export --onnx (export_onnx.c). */
DSE_MUST_USE enum dse_status client__export_onnx(struct client *c, struct dse_err *err);

/* ---- print_again.c ---- */

/* The members of a front that were evaluated again: what the search found, and what was found then.
 */
DSE_MUST_USE enum dse_status client__print_again(struct client *c,
                                                 const struct dse_msg_front *front,
                                                 const struct client__measure *measures, int n,
                                                 struct dse_buf *out, struct dse_err *err);
/* "70.60 (67.42 .. 73.47)"; "-" for NULL. */
const char *client__estimate_text(struct client *c, const struct client__measure *measure,
                                  const struct dse_msg_estimate *estimate);
/* The second looks at one individual, for `pareto show`. */
void client__print_looks(struct client *c, const struct dse_msg_individual *individual,
                         struct dse_buf *out);

/* ---- print_exits.c ---- */

/* What the early exits of an individual that has some did, for `pareto show`. */
DSE_MUST_USE enum dse_status client__print_exits(struct client *c,
                                                 const struct dse_msg_individual *individual,
                                                 struct dse_buf *out, struct dse_err *err);

#endif
