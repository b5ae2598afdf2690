/* pareto export --onnx: an individual as a network that programs run. pareto-model makes it from
 * the trained network and from the file of figures that stands beside it afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/album.h"

extern char **environ;

struct onnx_export {
    struct client *c;
    int64_t sweep;
    const struct dse_msg_recipe *recipe;
    const char *recipe_json;
    const char *onnx, *figures; /* paths */
};

/* ---- where the files go ---- */

/* "FILE.onnx" is "FILE.json"; of another name ".json" is added. */
static const char *figures_beside(struct client *c, const char *onnx) {
    static const char end[] = ".onnx";
    size_t length = strlen(onnx);
    if (length > strlen(end) && strcmp(onnx + length - strlen(end), end) == 0)
        length -= strlen(end);
    return dse_console_printf(&c->arena, "%.*s.json", (int)length, onnx);
}

/* --output names the network; else it is results/NAME-SWEEP/INDIVIDUAL.onnx. */
static enum dse_status choose_paths(struct onnx_export *export, struct dse_err *err) {
    struct client *c = export->c;
    struct client__album album = {.c = c};
    struct dse_msg_sweep_id id = {.sweep = export->sweep};
    struct dse_rpc_reply reply;
    export->onnx = c->options.output;
    if (export->onnx == NULL) {
        DSE_TRY(client__call(c, DSE_METHOD_status, &id, &reply, err));
        album.sweep = reply.result;
        DSE_TRY(client__album_directory(&album, NULL, err));
        export->onnx =
            dse_console_printf(&c->arena, "%s/%s.onnx", album.directory, c->options.onnx);
    }
    export->figures = figures_beside(c, export->onnx);
    return DSE_OK;
}

/* ---- pareto-model ---- */

/* Its complaints go where ours go; its report, to nowhere. */
static enum dse_status start_model(struct client *c, char *const *argv, pid_t *pid,
                                   struct dse_err *err) {
    char dir[4096];
    posix_spawn_file_actions_t actions;
    dse_program_dir(dir, sizeof dir);
    const char *beside = dse_console_printf(&c->arena, "%s/pareto-model", dir);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawn(pid, beside, &actions, NULL, argv, environ);
    if (failed == ENOENT)
        failed = posix_spawnp(pid, "pareto-model", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        DSE_FAIL(err, DSE_NOT_FOUND, "the program pareto-model is neither in %s nor in PATH: %s",
                 dir, strerror(failed));
    return DSE_OK;
}

static char *copy_of(struct client *c, const char *text) {
    return dse_arena_strdup(&c->arena, text);
}

static enum dse_status convert(const struct onnx_export *export, struct dse_err *err) {
    struct client *c = export->c;
    char *argv[] = {copy_of(c, "pareto-model"), copy_of(c, "convert"),
                    copy_of(c, "--individual"), copy_of(c, export->figures),
                    copy_of(c, "--"),           copy_of(c, export->recipe->model->path),
                    copy_of(c, export->onnx),   NULL};
    pid_t pid = 0;
    int wait_status = 0;
    for (size_t i = 0; i + 1 < sizeof argv / sizeof argv[0]; i++)
        if (argv[i] == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a command");
    DSE_TRY(start_model(c, argv, &pid, err));
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        DSE_FAIL(err, DSE_FAILED, "pareto-model could not convert %s", export->recipe->model->path);
    return DSE_OK;
}

/* ---- what is said ---- */

/* The network in the file draws nothing at random: what the figures have besides is said. */
static void say_what_is_beside(const struct onnx_export *export) {
    const struct dse_msg_individual *one = export->recipe->individual;
    for (int i = 0; i < one->dropout_n && i < one->layers_n; i++)
        if (one->dropout[i] > 0) {
            (void)fprintf(stderr,
                          "pareto: its dropout (rate %.2f %% from %s on, %" PRId64
                          " passes) is not in the file; pareto model mcdo puts dropouts into one\n",
                          client__dropout_percent(one->dropout[i]),
                          dse_console_clean(&export->c->arena, one->layers[i].name), one->passes);
            break;
        }
    if (one->thresholds_n > 0)
        (void)fprintf(stderr,
                      "pareto: an image leaves at the first output whose entropy is below its "
                      "threshold; \"thresholds\" of the .json has them\n");
}

static enum dse_status say_files(const struct onnx_export *export, struct dse_err *err) {
    struct client *c = export->c;
    struct dse_buf out = {0};
    if (c->options.json) {
        dse_buf_puts(&out, "{\"files\":[");
        dse_console_json_string(&out, export->onnx);
        dse_buf_puts(&out, ",");
        dse_console_json_string(&out, export->figures);
        dse_buf_puts(&out, "]}\n");
    } else {
        dse_buf_printf(&out, "%s\n", dse_console_clean(&c->arena, export->onnx));
        dse_buf_printf(&out, "%s\n", dse_console_clean(&c->arena, export->figures));
    }
    return dse_console_put(&out, err);
}

enum dse_status client__export_onnx(struct client *c, struct dse_err *err) {
    struct onnx_export export = {.c = c};
    struct dse_msg_individual_id id;
    struct dse_rpc_reply reply;
    struct dse_buf text = {0};
    DSE_TRY(client__individual_of(c->options.onnx, &id.generation, &id.slot, err));
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &id.sweep, err));
    DSE_TRY(client__call(c, DSE_METHOD_recipe, &id, &reply, err));
    export.sweep = id.sweep;
    export.recipe = reply.result;
    DSE_TRY(choose_paths(&export, err));
    dse_buf_printf(&text, "%s\n", reply.result_json);
    enum dse_status status = dse_buf_status(&text, err);
    if (status == DSE_OK)
        status = dse_file_replace(export.figures, text.data, text.size, err);
    dse_buf_fini(&text);
    DSE_TRY(status);
    DSE_TRY(convert(&export, err));
    say_what_is_beside(&export);
    return say_files(&export, err);
}
