/* A stand-in for paretod with the same command line: answers every request with canned records.
 * $FAKE_PARETOD chooses a misfortune; see `misfortune` below. Tells on standard error, which is its
 * log, how it was called and how it ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/protocol.h"

enum { SWEEP = 3, GENERATIONS = 4 };

static const char *misfortune = "none";

static bool is(const char *name) {
    return strcmp(misfortune, name) == 0;
}

/* ---- canned records ---- */

static const struct dse_msg_layer layers[] = {
    {.name = "stem", .op = "Conv", .macs = 110592, .weights = 144},
    {.name = "/layer1/0/conv1/Conv", .op = "Conv", .macs = 12345678, .weights = 2304},
    {.name = "head", .op = "Gemm", .macs = 640, .weights = 640},
};
static const struct dse_msg_objective objectives[] = {
    {.metric = "accuracy_clean", .sense = "maximize", .unit = "share"},
    {.metric = "accuracy(corrupted)", .sense = "maximize", .unit = "share"},
    {.metric = "bit_operations", .sense = "minimize", .unit = "bit operations per image"},
};
static const char *const cells[] = {"clean", "gaussian_noise:3", "contrast:5"};

static struct dse_msg_sweep sweep_at(int64_t generation, const char *state) {
    return (struct dse_msg_sweep){
        .sweep = SWEEP,
        .name = "resnet8",
        .state = state,
        .reason = strcmp(state, "failed") == 0 ? "stem: cannot be calibrated" : "",
        .content_hash = "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090",
        .seed = 1,
        .generation = generation,
        .generations = GENERATIONS,
        .population = 1000,
        .individuals = (generation + 1) * 1000,
        .measured = (generation + 1) * 1000,
        .evaluations = (generation + 1) * 850,
        .cache_hits = (generation + 1) * 150,
        .front_size = generation + 1,
        .progress = (double)(generation + 1) / GENERATIONS,
        .evaluations_per_s = 85.25,
        .hypervolume = 1.3125,
        .remaining_s = generation < 0 ? -1 : 200,
        .submitted_at_ms = 1718100000000,
        .finished_at_ms = strcmp(state, "done") == 0 ? 1718103600000 : 0,
    };
}

static const double values[][3] = {
    {0.9123, 0.80125, 812345678}, {0.9012, 0.79, 402345678},     {0.88, 0.75, 201000000},
    {0.61, 0.4, 50123456},        {0.9204, 0.8111, 12757000000},
};
static const int64_t bits[][3] = {{8, 8, 8}, {8, 5, 8}, {6, 4, 8}, {2, 2, 3}, {0, 0, 0}};
static const int64_t rates[] = {0, 16007, 16007}; /* from the second layer on */
static const double thresholds[] = {0.25, 1.5};
enum { WITH_DROPOUT = 2, WITH_EXITS = 3, PASSES = 5 };
static const struct dse_msg_exit_result exit_results[] = {
    {.left = 500, .left_correct = 450, .correct = 801},
    {.left = 0, .left_correct = 0, .correct = 850},
    {.left = 1500, .left_correct = 1263, .correct = 1713},
};
static const double entropies[] = {0, 0.0625, 0.25, 0.75, 2.25}, coverages[] = {0.5, 1},
                    risks[] = {0.0625, 0.125};
static const struct dse_msg_exits exits = {.exits = exit_results,
                                           .exits_n = 3,
                                           .entropies = entropies,
                                           .entropies_n = 5,
                                           .coverages = coverages,
                                           .coverages_n = 2,
                                           .risks = risks,
                                           .risks_n = 2};
static const struct dse_msg_cell_result cell_results[] = {
    {.cell = "clean",
     .seen = 1000,
     .correct = 912,
     .accuracy = 0.9123,
     .low = 0.893,
     .high = 0.928},
    {.cell = "gaussian_noise:3",
     .seen = 1000,
     .correct = 801,
     .accuracy = 0.801,
     .low = 0.775,
     .high = 0.8246},
};

static struct dse_msg_individual individual_at(int i, bool is_baseline) {
    return (struct dse_msg_individual){
        .generation = is_baseline ? -1 : i,
        .slot = is_baseline ? 0 : 10 * i,
        .state = "done",
        .reason = "",
        .genome = is_baseline ? "" : "[8,8,8,5,8,8]",
        .objectives = values[i],
        .objectives_n = 3,
        .in_front = !is_baseline,
        .input_bits = bits[i],
        .input_bits_n = 3,
        .weight_bits = bits[is_baseline ? i : 1],
        .weight_bits_n = 3,
        .dropout = rates,
        .dropout_n = i == WITH_DROPOUT ? 3 : 0,
        .passes = i == WITH_DROPOUT ? PASSES : 0,
        .thresholds = thresholds,
        .thresholds_n = i == WITH_EXITS ? 2 : 0,
    };
}

/* ---- answers ---- */

static void write_progress(int64_t generation, const char *state, struct dse_buf *out) {
    struct dse_msg_sweep sweep = sweep_at(generation, state);
    if (dse_rpc_write_progress(&sweep, out, NULL) != DSE_OK)
        abort();
}

static void add_events(struct dse_buf *out) {
    write_progress(-1, "running", out);
    write_progress(0, "running", out);
    write_progress(1, "running", out);
    if (is("endless") || is("stubborn") || is("dies"))
        return;
    write_progress(GENERATIONS - 1, "running", out);
    write_progress(GENERATIONS - 1,
                   is("fails")       ? "failed"
                   : is("cancelled") ? "cancelled"
                                     : "done",
                   out);
}

static void answer_error(int64_t id, int code, const struct dse_err *why, struct dse_buf *out) {
    static const char *const errors[] = {
        "w.yaml:3:5: unknown key \"modle\"; did you mean \"model\"?",
        "w.yaml:9:11: bits_min is 9; allowed are 2..8"};
    bool is_invalid = why->code == DSE_INVALID;
    if (dse_rpc_write_error(id, code, why, is_invalid ? errors : NULL, is_invalid ? 2 : 0, out,
                            NULL) != DSE_OK)
        abort();
}

static void answer_front(struct dse_msg_front *front) {
    static struct dse_msg_sweep sweep;
    static struct dse_msg_individual members[4], baseline;
    sweep = sweep_at(GENERATIONS - 1, "done");
    for (int i = 0; i < 4; i++)
        members[i] = individual_at(i, false);
    baseline = individual_at(4, true);
    *front = (struct dse_msg_front){.sweep = &sweep,
                                    .objectives = objectives,
                                    .objectives_n = 3,
                                    .members = members,
                                    .members_n = is("empty") ? 0 : 4,
                                    .baseline = is("empty") ? NULL : &baseline};
}

static void answer_show(const struct dse_msg_individual_id *id,
                        struct dse_msg_individual *individual) {
    bool is_baseline = id->generation < 0;
    *individual = individual_at(is_baseline ? 4 : (int)id->generation, is_baseline);
    individual->exits = individual->thresholds_n > 0 ? &exits : NULL;
    individual->generation = id->generation;
    individual->slot = id->slot;
    individual->cells = cell_results;
    individual->cells_n = 2;
    individual->layers = layers;
    individual->layers_n = 3;
    individual->objective_names = objectives;
    individual->objective_names_n = 3;
}

static void answer_dump(const struct dse_msg_generation_id *id, struct dse_msg_dump_part *part) {
    static const char *const texts[] = {"baseline\n", "0 first\n0 second\n", "1 third\n"};
    int64_t i = id->generation + 1;
    *part = (struct dse_msg_dump_part){.text = texts[i], .next = i < 2 ? i : -2};
    if (is("turns-back") && i == 1)
        part->next = 0;
}

static void answer_list(struct dse_msg_sweep_list *list) {
    static struct dse_msg_sweep sweeps[3];
    sweeps[0] = sweep_at(GENERATIONS - 1, "done");
    sweeps[0].sweep = 1;
    sweeps[0].name = "a name that is much longer than the column of a narrow terminal \033[31m";
    sweeps[1] = sweep_at(1, "cancelled");
    sweeps[1].sweep = 2;
    sweeps[1].name = "gr\u00fc\u00dfe";
    sweeps[2] = sweep_at(1, "running");
    *list = (struct dse_msg_sweep_list){.sweeps = sweeps, .sweeps_n = is("empty") ? 0 : 3};
}

union result {
    struct dse_msg_hello hello;
    struct dse_msg_plan plan;
    struct dse_msg_sweep sweep;
    struct dse_msg_sweep_list sweep_list;
    struct dse_msg_front front;
    struct dse_msg_individual individual;
    struct dse_msg_dump_part dump_part;
};

static const char *state_dir = "";

static void make_result(const struct dse_rpc_request *request, union result *result) {
    switch (request->method) {
    case DSE_METHOD_hello:
        result->hello = (struct dse_msg_hello){
            .version = "0.1.0", .protocol = 1, .pid = 4711, .state_dir = state_dir, .workers = 2};
        break;
    case DSE_METHOD_plan:
        result->plan = (struct dse_msg_plan){.name = "resnet8",
                                             .content_hash = sweep_at(0, "done").content_hash,
                                             .canonical = "name: resnet8\n",
                                             .problem = "quantization",
                                             .genes = 6,
                                             .layers = layers,
                                             .layers_n = 3,
                                             .objectives = objectives,
                                             .objectives_n = 3,
                                             .cells = cells,
                                             .cells_n = 3,
                                             .images_per_cell = 1000,
                                             .population = 48,
                                             .generations = 30,
                                             .evaluations_max = 1441,
                                             .inferences_max = 4323000};
        break;
    case DSE_METHOD_submit:
        result->sweep = is("finished") ? sweep_at(GENERATIONS - 1, "done") : sweep_at(-1, "queued");
        result->sweep.reused = is("finished");
        break;
    case DSE_METHOD_watch:
        result->sweep =
            is("finished") ? sweep_at(GENERATIONS - 1, "done") : sweep_at(-1, "running");
        result->sweep.phase = is("finished") ? "" : "calibrating";
        break;
    case DSE_METHOD_cancel:
        result->sweep = sweep_at(1, "cancelled");
        break;
    case DSE_METHOD_status:
        result->sweep = sweep_at(1, "running");
        break;
    case DSE_METHOD_list:
        answer_list(&result->sweep_list);
        break;
    case DSE_METHOD_front:
        answer_front(&result->front);
        break;
    case DSE_METHOD_show:
        answer_show(request->params, &result->individual);
        break;
    default:
        answer_dump(request->params, &result->dump_part);
        break;
    }
}

/* Sweeps other than 1..3 are not known; workloads are refused on wish. */
static bool refuse(const struct dse_rpc_request *request, struct dse_err *why) {
    bool has_sweep = request->method == DSE_METHOD_status || request->method == DSE_METHOD_watch ||
                     request->method == DSE_METHOD_cancel;
    int64_t sweep = request->method == DSE_METHOD_front
                        ? ((const struct dse_msg_front_query *)request->params)->sweep
                    : has_sweep ? ((const struct dse_msg_sweep_id *)request->params)->sweep
                                : 0;
    if (sweep > SWEEP)
        (void)dse_err_set(why, DSE_NOT_FOUND, "no sweep %lld; the newest is %d", (long long)sweep,
                          SWEEP);
    if (is("refuses") &&
        (request->method == DSE_METHOD_plan || request->method == DSE_METHOD_submit))
        (void)dse_err_set(why, DSE_INVALID, "w.yaml:3:5: unknown key");
    return why->code != DSE_OK;
}

static void answer(const char *line, size_t length, struct dse_buf *out) {
    struct dse_arena arena = {0};
    struct dse_err why = {0};
    struct dse_rpc_request request;
    union result result;
    int code;
    if (dse_rpc_read_request(line, length, &arena, &request, &code, &why) != DSE_OK) {
        answer_error(request.id, code, &why, out);
    } else if (refuse(&request, &why)) {
        answer_error(request.id, dse_rpc_code_of(why.code), &why, out);
    } else {
        if (request.method == DSE_METHOD_submit || request.method == DSE_METHOD_plan) {
            const struct dse_msg_workload_text *workload = request.params;
            fprintf(stderr, "workload %s in %s, reuse %d: %s\n", workload->file, workload->base_dir,
                    workload->reuse, workload->text);
        }
        make_result(&request, &result);
        if (dse_rpc_write_result(request.id, request.method, &result, out, &why) != DSE_OK)
            abort();
        if (request.method == DSE_METHOD_watch && !is("finished"))
            add_events(out);
        if (is("babbles"))
            dse_buf_puts(out, "not a message\n");
    }
    dse_arena_fini(&arena);
}

/* ---- the loop: one client at a time ---- */

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4) != 0) {
        perror(path);
        exit(6);
    }
    return fd;
}

static void send_all(int fd, const struct dse_buf *out) {
    size_t done = 0;
    while (done < out->size) {
        ssize_t sent = send(fd, out->data + done, out->size - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

/* False when the client is gone. */
static bool serve_some(int fd, struct dse_buf *in) {
    char block[65536];
    ssize_t got = read(fd, block, sizeof block);
    if (got <= 0)
        return false;
    dse_buf_append(in, block, (size_t)got);
    char *newline;
    while ((newline = memchr(dse_buf_text(in), '\n', in->size)) != NULL) {
        struct dse_buf out = {0};
        size_t length = (size_t)(newline - in->data) + 1;
        bool is_watch = strstr(in->data, "\"watch\"") != NULL;
        if (is("hangs-up"))
            return false;
        answer(in->data, length, &out);
        send_all(fd, &out);
        dse_buf_fini(&out);
        dse_buf_consume(in, length);
        if (is("dies") && is_watch) {
            fprintf(stderr, "fake paretod: dying as told\n");
            _exit(9);
        }
    }
    return true;
}

static void serve(int listener, int signals) {
    struct dse_buf in = {0};
    int client = -1;
    for (;;) {
        struct pollfd polled[] = {{.fd = signals, .events = POLLIN},
                                  {.fd = client < 0 ? listener : client, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            abort();
        if (polled[0].revents != 0) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) > 0 && is("stubborn")) {
                fprintf(stderr, "fake paretod: not now\n");
                continue;
            }
            break;
        }
        if (polled[1].revents == 0)
            continue;
        if (client < 0) {
            client = accept(listener, NULL, NULL);
        } else if (!serve_some(client, &in)) {
            (void)close(client);
            client = -1;
            dse_buf_reset(&in);
        }
    }
    dse_buf_fini(&in);
    fprintf(stderr, "fake paretod: terminated\n");
}

int main(int argc, char **argv) {
    const char *socket_path = "";
    int ready_fd = -1;
    const char *wish = getenv("FAKE_PARETOD");
    misfortune = wish != NULL ? wish : misfortune;
    fprintf(stderr, "fake paretod:");
    for (int i = 1; i < argc; i++) {
        fprintf(stderr, " %s", argv[i]);
        if (strcmp(argv[i - 1], "--state") == 0)
            state_dir = argv[i];
        if (strcmp(argv[i - 1], "--socket") == 0)
            socket_path = argv[i];
        if (strcmp(argv[i - 1], "--ready-fd") == 0)
            ready_fd = atoi(argv[i]);
    }
    fprintf(stderr, "\n");
    if (is("dies-early")) {
        fprintf(stderr, "ERROR the database is newer than this program\n");
        return 3;
    }
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    int listener = listen_at(socket_path);
    if (ready_fd >= 0 && (write(ready_fd, "ready\n", 6) != 6 || close(ready_fd) != 0))
        return 6;
    serve(listener, signals);
    (void)unlink(socket_path);
    return 0;
}
