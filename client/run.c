/* pareto run: a workload from file to front, with a daemon of its own where none answers. */
#include "client/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What happens, for people; the result goes to standard output. */
static void say(const char *text) {
    (void)fprintf(stderr, "pareto: %s\n", text);
}

enum dse_status client__find_daemon(struct client *c, struct dse_err *err) {
    struct dse_err why = {0};
    enum dse_status status = client__connect(c, &why);
    if (status == DSE_OK && c->options.workers > 0)
        say("a daemon answers already; its number of workers stays as it is");
    if (status == DSE_OK)
        return DSE_OK;
    if (status != DSE_NO_DAEMON) {
        *err = why;
        return status;
    }
    DSE_TRY(client__start_daemon(c, err));
    say(dse_console_printf(&c->arena,
                           "started a private paretod (state in %s, log in paretod.log there)",
                           c->state_dir));
    return DSE_OK;
}

static void say_what_begins(struct client *c, const struct dse_msg_sweep *sweep) {
    const char *name = dse_console_clean(&c->arena, sweep->name);
    long long id = sweep->sweep;
    if (strcmp(sweep->state, "done") == 0)
        say(dse_console_printf(&c->arena, "sweep %lld (%s) was finished already", id, name));
    else if (sweep->reused)
        say(dse_console_printf(&c->arena, "sweep %lld (%s) continues: %s of it is done", id, name,
                               dse_console_printf(&c->arena, "%.0f %%", sweep->progress * 100)));
    else
        say(dse_console_printf(&c->arena, "sweep %lld (%s) begins", id, name));
}

static bool is_in_path(const char *dir) {
    size_t length = strlen(dir);
    for (const char *path = getenv("PATH"); path != NULL && *path != '\0';) {
        size_t entry = strcspn(path, ":");
        if (entry == length && strncmp(path, dir, length) == 0)
            return true;
        path += entry + (path[entry] == ':');
    }
    return false;
}

/* What to type before the name of one of our programs: "" where they are in PATH, else their
 * directory, from here if it is below. */
static const char *program_prefix(struct client *c) {
    char dir[4096], here[4096];
    dse_program_dir(dir, sizeof dir);
    if (dir[0] == '\0' || is_in_path(dir))
        return "";
    const char *shown = dir;
    if (getcwd(here, sizeof here) != NULL && strncmp(dir, here, strlen(here)) == 0 &&
        dir[strlen(here)] == '/')
        shown = dir + strlen(here) + 1;
    return dse_console_printf(&c->arena, "%s/", shown);
}

/* How to ask more when our daemon is gone. */
static void say_where_results_are(struct client *c, int64_t sweep) {
    bool is_private = c->daemon.pid != 0;
    char usual[sizeof c->state_dir];
    dse_default_state_dir(usual, sizeof usual);
    bool is_usual = strcmp(usual, c->state_dir) == 0;
    const char *state = is_usual ? "" : dse_console_printf(&c->arena, " --state %s", c->state_dir);
    const char *prefix = program_prefix(c);
    say(dse_console_printf(&c->arena, "every individual is kept in %s", c->state_dir));
    if (is_private)
        say(dse_console_printf(&c->arena,
                               "to ask more, start the daemon (%sparetod%s &), then for example: "
                               "%spareto show%s %lld GENERATION.SLOT",
                               prefix, state, prefix, state, (long long)sweep));
    else
        say(dse_console_printf(&c->arena,
                               "to ask more, for example: %spareto show%s %lld GENERATION.SLOT",
                               prefix, state, (long long)sweep));
}

static enum dse_status explore(struct client *c, const struct dse_msg_workload_text *workload,
                               struct dse_err *err) {
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(c, DSE_METHOD_submit, workload, &reply, err));
    const struct dse_msg_sweep *sweep = reply.result;
    if (strcmp(sweep->state, "paused") == 0) {
        struct dse_msg_sweep_id id = {.sweep = sweep->sweep};
        DSE_TRY(client__call(c, DSE_METHOD_resume, &id, &reply, err));
        sweep = reply.result;
        say("the sweep was paused and is resumed");
    }
    say_what_begins(c, sweep);
    if (strcmp(sweep->state, "done") != 0)
        DSE_TRY(client__watch_to_end(c, sweep->sweep, stderr, err));
    DSE_TRY(client__front_of(c, sweep->sweep, err));
    (void)fflush(stdout);
    say_where_results_are(c, sweep->sweep);
    return DSE_OK;
}

enum dse_status client__explain_interrupt(struct client *c, struct dse_err *err) {
    *err = (struct dse_err){0};
    if (c->daemon.pid == 0)
        DSE_FAIL(
            err, DSE_INTERRUPTED,
            "stopped watching; the sweep goes on (pareto watch follows it, pareto cancel stops "
            "it)");
    say("stopping paretod (Ctrl-C again kills it)");
    DSE_FAIL(err, DSE_INTERRUPTED, "stopped; nothing is lost: the same command continues");
}

enum dse_status client__command_run(struct client *c, struct dse_err *err) {
    struct dse_msg_workload_text workload;
    DSE_TRY(client__workload_read(c, c->options.operands[0], &workload, err));
    workload.reuse = true;
    DSE_TRY(client__catch_signals(c, err));
    enum dse_status status = client__find_daemon(c, err);
    if (status == DSE_OK)
        status = explore(c, &workload, err);
    if (status == DSE_INTERRUPTED)
        status = client__explain_interrupt(c, err);
    client__stop_daemon(c);
    return status;
}
