/* The explorer with made-up results: restarts at every commit, tasks in any order, lost workers,
 * bad answers. */
#include "tests/lib/testing.h"

#include <math.h>

#include "daemon/explorer/explorer.h"
#include "workloads/workloads.h"

enum { LAYERS = 3, SHARDS = 3, CELLS = 3, SHARD_IMAGES = 100, POPULATION = 8, GENERATIONS = 4 };

struct fixture {
    char dir[256], path[300];
    struct dse_store *store;
    int64_t sweep;
};

static const char canonical[] = "name: test\n"
                                "seed: 7\n"
                                "model: {file: /m.onnx}\n"
                                "dataset: {format: idx, files: [/a, /b], images: 300}\n"
                                "corruptions: {names: [contrast], severities: [1, 2]}\n"
                                "exploration: {population: 8, generations: 4}\n"
                                "execution: {shard_images: 100, group: 3}\n";

static char *encode(enum dse_record which, const void *record) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(dse_record_encode(which, record, &text, &err), &err);
    return text.data;
}

static char *make_spec(void) {
    static const struct dse_msg_file_ref file = {.path = "/m.onnx", .sha256 = "00"};
    static const double zero = 0, one = 1;
    static const struct dse_msg_dataset dataset = {.format = "idx",
                                                   .files = &file,
                                                   .files_n = 1,
                                                   .count = 300,
                                                   .mean = &zero,
                                                   .mean_n = 1,
                                                   .std = &one,
                                                   .std_n = 1};
    static const char *const names[] = {"contrast"};
    static const int64_t severities[] = {1, 2};
    static const struct dse_msg_objective objectives[] = {
        {.metric = "accuracy_clean", .sense = "maximize", .unit = "share"},
        {.metric = "accuracy_corrupted", .sense = "maximize", .unit = "share"},
        {.metric = "bit_operations", .sense = "minimize", .unit = "bit operations per image"}};
    const struct dse_msg_context context = {.hash = "c",
                                            .model = &file,
                                            .output = "",
                                            .dataset = &dataset,
                                            .calibration = &dataset,
                                            .clean = true,
                                            .corruptions = names,
                                            .corruptions_n = 1,
                                            .severities = severities,
                                            .severities_n = 2,
                                            .shard_images = SHARD_IMAGES,
                                            .batch = 16};
    const struct dse_msg_spec spec = {.context = &context,
                                      .population = POPULATION,
                                      .generations = GENERATIONS,
                                      .objectives = objectives,
                                      .objectives_n = 3};
    return encode(DSE_RECORD_spec, &spec);
}

static char *make_prepared(void) {
    static const struct dse_msg_layer layers[LAYERS] = {
        {.name = "a", .op = "Conv", .macs = 1000, .weights = 10, .input_amax = 1},
        {.name = "b", .op = "Conv", .macs = 5000, .weights = 50, .input_amax = 2},
        {.name = "c", .op = "Gemm", .macs = 100, .weights = 100, .input_amax = 3}};
    static const char *const cells[CELLS] = {"clean", "contrast:1", "contrast:2"};
    const struct dse_msg_prepared prepared = {.hash = "c",
                                              .layers = layers,
                                              .layers_n = LAYERS,
                                              .classes = 10,
                                              .images = SHARDS * SHARD_IMAGES,
                                              .shards = SHARDS,
                                              .cells = cells,
                                              .cells_n = CELLS};
    return encode(DSE_RECORD_prepared, &prepared);
}

static void make_fixture_of(struct fixture *f, const char *text) {
    struct dse_err err = {0};
    make_temp_dir(f->dir, sizeof f->dir);
    (void)snprintf(f->path, sizeof f->path, "%s/pareto.db", f->dir);
    char *spec = make_spec(), *prepared = make_prepared();
    const struct dse_sweep_row row = {.name = "test",
                                      .state = DSE_SWEEP_QUEUED,
                                      .reason = "",
                                      .seed = 7,
                                      .content_hash = "x",
                                      .context_hash = "c",
                                      .source = text,
                                      .file = "w.yaml",
                                      .base_dir = "/",
                                      .canonical = text,
                                      .spec = spec};
    assert_ok(dse_store_open(f->path, 0, &f->store, &err), &err);
    assert_ok(dse_store_put_context(f->store, "c", prepared, &err), &err);
    assert_ok(dse_store_insert_sweep(f->store, &row, &f->sweep, &err), &err);
    dse_free(spec);
    dse_free(prepared);
}

static void make_fixture(struct fixture *f) {
    make_fixture_of(f, canonical);
}

static void remove_fixture(struct fixture *f) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    dse_store_close(f->store);
    for (size_t i = 0; i < 4; i++) {
        char path[320];
        (void)snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

/* Counts that depend on candidate, shard and cell alone: more bits, more correct. */
static void make_up_partials(const struct dse_msg_task *task, struct dse_arena *arena,
                             struct dse_msg_partials *partials) {
    struct dse_msg_partial *results =
        dse_arena_alloc(arena, (size_t)task->candidates_n, sizeof *results);
    for (int i = 0; i < task->candidates_n; i++) {
        const struct dse_msg_candidate *c = &task->candidates[i];
        int64_t *tallies = dse_arena_alloc(arena, CELLS * DSE_TALLY_SIZE, sizeof *tallies);
        int64_t bits = 0;
        for (int l = 0; l < LAYERS; l++)
            bits += c->input_bits[l] * (l + 1) + c->weight_bits[l];
        for (int cell = 0; cell < CELLS; cell++) {
            int64_t *tally = tallies + cell * DSE_TALLY_SIZE;
            tally[DSE_TALLY_SEEN] = SHARD_IMAGES;
            tally[DSE_TALLY_CORRECT] =
                (bits + task->shard * 3 + 7 * cell * bits / 10) % (SHARD_IMAGES + 1);
            tally[DSE_TALLY_BRIER] = bits << DSE_TALLY_BITS_BRIER;
        }
        results[i] = (struct dse_msg_partial){
            .key = c->key, .tallies = tallies, .tallies_n = CELLS * DSE_TALLY_SIZE};
    }
    *partials = (struct dse_msg_partials){
        .task = task->task, .results = results, .results_n = task->candidates_n};
}

static void answer_task(struct dse_explorer *ex, struct dse_task *task) {
    struct dse_arena arena = {0};
    struct dse_msg_task message;
    struct dse_msg_partials partials;
    struct dse_err err = {0};
    assert_ok(dse_explorer_describe_task(ex, task, 1, &arena, &message, &err), &err);
    make_up_partials(&message, &arena, &partials);
    assert_ok(dse_explorer_take(ex, task, &partials, &err), &err);
    dse_arena_fini(&arena);
}

static struct dse_explorer *open_explorer(struct fixture *f) {
    struct dse_explorer *ex;
    struct dse_err err = {0};
    assert_ok(dse_explorer_open(f->store, f->sweep, &ex, &err), &err);
    return ex;
}

static void dump(struct fixture *f, struct dse_buf *out) {
    struct dse_err err = {0};
    for (int g = -1; g < GENERATIONS; g++)
        assert_ok(dse_store_dump(f->store, f->sweep, g, out, &err), &err);
}

/* Explores to the end. restart: a new explorer and store after every task. held: tasks given out at
 * a time, answered last first. */
static void explore(bool restart, int held, struct dse_buf *out) {
    struct fixture f;
    struct dse_err err = {0};
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex)) {
        struct dse_task *tasks[16];
        int n = 0;
        while (n < held && (tasks[n] = dse_explorer_next_task(ex, 0)) != NULL)
            n++;
        assert_true(n > 0);
        while (n > 0)
            answer_task(ex, tasks[--n]);
        if (restart) {
            dse_explorer_free(ex);
            dse_store_close(f.store);
            assert_ok(dse_store_open(f.path, 0, &f.store, &err), &err);
            ex = open_explorer(&f);
        }
    }
    dse_explorer_free(ex);
    dump(&f, out);
    remove_fixture(&f);
}

static int count_lines_with(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void restarts_and_order_change_nothing(void **state) {
    (void)state;
    struct dse_buf plain = {0}, restarted = {0}, reordered = {0};
    size_t live = dse_alloc_live();
    explore(false, 1, &plain);
    explore(true, 1, &restarted);
    explore(false, 16, &reordered);
    assert_string_equal(plain.data, restarted.data);
    assert_string_equal(plain.data, reordered.data);
    assert_int_equal(count_lines_with(plain.data, "\"record\":\"individual\""),
                     POPULATION * GENERATIONS + 1);
    assert_int_equal(count_lines_with(plain.data, "\"state\":\"pending\""), 0);
    assert_int_equal(count_lines_with(plain.data, "\"record\":\"survivor\""),
                     POPULATION * GENERATIONS);
    assert_true(count_lines_with(plain.data, "\"in_front\":true") > 0);
    dse_buf_fini(&plain);
    dse_buf_fini(&restarted);
    dse_buf_fini(&reordered);
    assert_int_equal(dse_alloc_live(), live);
}

/* The front in the rows is the set of feasible individuals that nobody dominates. */
static void the_front_is_the_front(void **state) {
    (void)state;
    struct fixture f;
    struct dse_arena arena = {0};
    struct dse_individual_row *rows;
    struct dse_err err = {0};
    int n;
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex))
        answer_task(ex, dse_explorer_next_task(ex, 0));
    dse_explorer_free(ex);
    assert_ok(
        dse_store_load_individuals(f.store, f.sweep, DSE_SELECT_ALL, 0, &arena, &rows, &n, &err),
        &err);
    for (int i = 0; i < n; i++) {
        bool dominated = false;
        for (int k = 0; k < n; k++) {
            const double *a = rows[k].objectives, *b = rows[i].objectives;
            bool no_worse = a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2];
            bool better = a[0] > b[0] || a[1] > b[1] || a[2] < b[2];
            bool same_earlier = k < i && strcmp(rows[k].genome, rows[i].genome) == 0;
            dominated = dominated || (no_worse && better) || same_earlier;
        }
        assert_int_equal(rows[i].in_front, !dominated);
    }
    dse_arena_fini(&arena);
    remove_fixture(&f);
}

/* More members than are read from the store at a time; equal ones of the same genome count once. */
static void a_large_front_is_loaded_whole(void **state) {
    (void)state;
    enum { N = 2500, LATER = 50 };
    struct fixture f;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    const struct dse_front_entry *entries;
    int n_before, n;
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex))
        answer_task(ex, dse_explorer_next_task(ex, 0));
    assert_ok(dse_front_list_look(dse_explorer_front(ex), &entries, &n_before, &err), &err);
    dse_explorer_free(ex);
    assert_ok(dse_store_begin(f.store, &err), &err);
    for (int i = 0; i <= N; i++) {
        char genome[40];
        struct dse_evaluation_row evaluation;
        int better = i < N ? i : 0; /* the last is the first again */
        (void)snprintf(genome, sizeof genome, "[2,3,4,5,6,%d]", better);
        assert_ok(dse_store_ensure_evaluation(f.store, "c", genome, &arena, &evaluation, &err),
                  &err);
        const struct dse_individual_row row = {.sweep_id = f.sweep,
                                               .generation = LATER,
                                               .slot = i,
                                               .genome = genome,
                                               .evaluation_id = evaluation.id,
                                               .state = DSE_RESULT_DONE,
                                               .reason = "",
                                               .objectives = {2 + better, 2, 1e9 + better},
                                               .n_objectives = 3,
                                               .in_front = true};
        assert_ok(dse_store_insert_individual(f.store, &row, &err), &err);
    }
    assert_ok(dse_store_commit(f.store, &err), &err);
    ex = open_explorer(&f);
    assert_ok(dse_front_list_look(dse_explorer_front(ex), &entries, &n, &err), &err);
    assert_int_equal(n, N + n_before);
    for (int i = 0; i < N; i++)
        assert_true(entries[i].generation == LATER && entries[i].slot == N - 1 - i);
    dse_explorer_free(ex);
    dse_arena_fini(&arena);
    remove_fixture(&f);
}

static const struct dse_space three_objectives = {
    .n_objectives = 3,
    .objectives = {{.sense = DSE_MAXIMIZE}, {.sense = DSE_MAXIMIZE}, {.sense = DSE_MINIMIZE}}};

/* From the definition in explorer.h: the box is that of generation 0, where all are feasible. */
static double volume_by_definition(struct fixture *f) {
    struct dse_arena arena = {0};
    struct dse_individual_row *rows;
    struct dse_err err = {0};
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    double points[3 * POPULATION * (GENERATIONS + 1)], volume;
    int n, n_points = 0;
    assert_ok(
        dse_store_load_individuals(f->store, f->sweep, DSE_SELECT_ALL, 0, &arena, &rows, &n, &err),
        &err);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < 3 && rows[i].generation == 0; j++) {
            low[j] = fmin(low[j], rows[i].objectives[j]);
            high[j] = fmax(high[j], rows[i].objectives[j]);
        }
        memcpy(points + 3 * n_points, rows[i].objectives, 3 * sizeof *points);
        n_points += rows[i].in_front;
    }
    const double reference[3] = {low[0], low[1], high[2]};
    assert_ok(dse_search_hypervolume(&three_objectives, points, n_points, reference, &volume, &err),
              &err);
    for (int j = 0; j < 3; j++)
        volume /= high[j] > low[j] ? high[j] - low[j] : 1;
    dse_arena_fini(&arena);
    return volume;
}

static void the_hypervolume_never_falls(void **state) {
    (void)state;
    struct fixture f;
    struct dse_err err = {0};
    double before = 0, from_rows;
    int known = 0, grown = 0;
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex)) {
        answer_task(ex, dse_explorer_next_task(ex, 0));
        double volume = dse_explorer_hypervolume(ex);
        assert_false(known > 0 && isnan(volume));
        known += !isnan(volume);
        if (known > 0) {
            assert_true(volume >= before);
            grown += volume > before;
            before = volume;
        }
    }
    assert_true(known > 3 && grown > 1);
    assert_ok(
        dse_context_hypervolume(f.store, f.sweep, &three_objectives, GENERATIONS, &from_rows, &err),
        &err);
    assert_true(fabs(from_rows - volume_by_definition(&f)) < 1e-12 * from_rows);
    assert_true(fabs(from_rows - dse_explorer_hypervolume(ex)) < 1e-12 * from_rows);
    assert_ok(dse_context_hypervolume(f.store, f.sweep, &three_objectives, 0, &from_rows, &err),
              &err);
    assert_true(isnan(from_rows));
    dse_explorer_free(ex);
    remove_fixture(&f);
}

static void a_candidate_that_ends_its_workers_fails_and_the_rest_goes_on(void **state) {
    (void)state;
    struct fixture f;
    struct dse_err err = {0};
    struct dse_buf text = {0};
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    /* Every task that holds the first candidate of generation 0 is lost. */
    int losses = 0;
    int64_t victim = -1;
    while (!dse_explorer_finished(ex)) {
        struct dse_arena arena = {0};
        struct dse_msg_task message;
        struct dse_task *task = dse_explorer_next_task(ex, 0);
        bool lost = false;
        assert_non_null(task);
        assert_ok(dse_explorer_describe_task(ex, task, 1, &arena, &message, &err), &err);
        if (victim < 0 && message.candidates_n > 1)
            victim = message.candidates[1].key;
        for (int i = 0; i < message.candidates_n && losses < 1000; i++)
            lost = lost || (message.candidates[i].key == victim &&
                            dse_explorer_finished_since_open(ex) <= POPULATION);
        dse_arena_fini(&arena);
        if (lost) {
            losses++;
            assert_ok(dse_explorer_return(ex, task, "the worker ended", &err), &err);
        } else {
            answer_task(ex, task);
        }
    }
    dse_explorer_free(ex);
    dump(&f, &text);
    assert_int_equal(count_lines_with(text.data, "given up after 5 attempts: the worker ended"), 1);
    assert_int_equal(count_lines_with(text.data, "\"state\":\"failed\""), 1);
    assert_true(losses >= 10 && losses <= 20);
    dse_buf_fini(&text);
    remove_fixture(&f);
}

static void an_answer_that_does_not_fit_is_refused_and_asked_again(void **state) {
    (void)state;
    struct fixture f;
    struct dse_arena arena = {0};
    struct dse_msg_task message;
    struct dse_msg_partials partials;
    struct dse_err ok = {0};
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    struct dse_task *task = dse_explorer_next_task(ex, 0);
    assert_ok(dse_explorer_describe_task(ex, task, 1, &arena, &message, &ok), &ok);
    make_up_partials(&message, &arena, &partials);
    struct dse_msg_partial wrong = partials.results[0];
    static const struct {
        int64_t tallies[CELLS * DSE_TALLY_SIZE];
        int n;
        const char *text;
    } cases[] = {
        {{SHARD_IMAGES, SHARD_IMAGES + 1}, CELLS * DSE_TALLY_SIZE, "tally of cell 0 cannot be"},
        {{SHARD_IMAGES, 0, -1}, CELLS * DSE_TALLY_SIZE, "tally of cell 0 cannot be"},
        {{0}, CELLS * DSE_TALLY_SIZE - 1, "do not answer"},
        {{0}, CELLS, "cannot be"},
        {{0}, 0, "cannot be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_msg_partials bad = partials;
        struct dse_err err = {0};
        wrong.tallies = cases[i].tallies;
        wrong.tallies_n = cases[i].n;
        bad.results = &wrong;
        assert_int_equal(dse_explorer_take(ex, task, &bad, &err), DSE_PROTOCOL);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_ptr_equal(dse_explorer_next_task(ex, 0), task);
    }
    assert_ok(dse_explorer_take(ex, task, &partials, &ok), &ok);
    dse_arena_fini(&arena);
    dse_explorer_free(ex);
    remove_fixture(&f);
}

/* Are all candidates of the task float32 networks? */
static bool is_of_baseline(const struct dse_explorer *ex, const struct dse_task *task) {
    struct dse_arena arena = {0};
    struct dse_msg_task message;
    struct dse_err err = {0};
    int64_t bits = 0;
    assert_ok(dse_explorer_describe_task(ex, task, 1, &arena, &message, &err), &err);
    for (int i = 0; i < message.candidates_n; i++)
        for (int l = 0; l < LAYERS; l++)
            bits += message.candidates[i].input_bits[l] + message.candidates[i].weight_bits[l];
    dse_arena_fini(&arena);
    return bits == 0;
}

static void the_baseline_is_evaluated_first(void **state) {
    (void)state;
    struct fixture f;
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    struct dse_task *tasks[SHARDS];
    for (int s = 0; s < SHARDS; s++) {
        tasks[s] = dse_explorer_next_task(ex, 0);
        assert_true(is_of_baseline(ex, tasks[s]));
    }
    assert_null(dse_explorer_next_task(ex, 0));
    for (int s = 0; s < SHARDS; s++)
        answer_task(ex, tasks[s]);
    assert_false(is_of_baseline(ex, dse_explorer_next_task(ex, 0)));
    dse_explorer_free(ex);
    remove_fixture(&f);
}

static void a_sweep_may_do_without_a_baseline(void **state) {
    (void)state;
    struct fixture f;
    struct dse_buf text = {0}, whole = {0};
    dse_buf_puts(&text, canonical);
    char *place = strstr(text.data, "exploration: {");
    dse_buf_append(&whole, text.data, (size_t)(place - text.data));
    dse_buf_printf(&whole, "exploration: {baseline: false, %s", place + strlen("exploration: {"));
    make_fixture_of(&f, whole.data);
    struct dse_explorer *ex = open_explorer(&f);
    assert_false(is_of_baseline(ex, dse_explorer_next_task(ex, 0)));
    dse_explorer_free(ex);
    ex = open_explorer(&f);
    while (!dse_explorer_finished(ex))
        answer_task(ex, dse_explorer_next_task(ex, 0));
    dse_explorer_free(ex);
    dse_buf_reset(&text);
    dump(&f, &text);
    assert_int_equal(count_lines_with(text.data, "\"record\":\"individual\""),
                     POPULATION * GENERATIONS);
    assert_int_equal(count_lines_with(text.data, "\"state\":\"done\""),
                     POPULATION * GENERATIONS + 1);
    dse_buf_fini(&text);
    dse_buf_fini(&whole);
    remove_fixture(&f);
}

/* Share of wrong images in the two corrupted cells, summed. */
static double errors_of(struct fixture *f, const struct dse_individual_row *row) {
    struct dse_arena arena = {0};
    struct dse_outcome outcome;
    struct dse_err err = {0};
    double sum = 0;
    assert_ok(dse_store_load_outcome(f->store, row->evaluation_id, &arena, &outcome, &err), &err);
    for (int cell = 1; cell < CELLS; cell++)
        sum += 1.0 - (double)dse_outcome_cell(&outcome, cell)[DSE_TALLY_CORRECT] /
                         (SHARDS * SHARD_IMAGES);
    dse_arena_fini(&arena);
    return sum;
}

static void results_are_compared_with_the_baseline(void **state) {
    (void)state;
    static const char text[] = "name: test\nseed: 7\nmodel: {file: /m.onnx}\n"
                               "dataset: {format: idx, files: [/i, /l], images: 300}\n"
                               "corruptions: {names: [contrast], severities: [1, 2]}\n"
                               "problem: {objectives: [mce, bit_operations],"
                               " constraints: [accuracy(contrast) >= baseline + 0.6]}\n"
                               "exploration: {population: 8, generations: 1}\n"
                               "execution: {shard_images: 100, group: 3}\n";
    struct fixture f;
    struct dse_arena arena = {0};
    struct dse_individual_row baseline, *rows;
    struct dse_err err = {0};
    int n, n_feasible = 0;
    make_fixture_of(&f, text);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex))
        answer_task(ex, dse_explorer_next_task(ex, 0));
    dse_explorer_free(ex);
    assert_ok(dse_store_load_individual(f.store, f.sweep, -1, 0, &arena, &baseline, &err), &err);
    assert_true(baseline.objectives[0] == 1);
    assert_ok(
        dse_store_load_individuals(f.store, f.sweep, DSE_SELECT_ALL, 0, &arena, &rows, &n, &err),
        &err);
    assert_int_equal(n, POPULATION);
    double of_baseline = errors_of(&f, &baseline);
    for (int i = 0; i < n; i++) {
        double errors = errors_of(&f, &rows[i]), missing = (errors - of_baseline) / 2 + 0.6;
        assert_true(fabs(rows[i].objectives[0] - errors / of_baseline) < 1e-12);
        assert_true(fabs(rows[i].violation - fmax(missing, 0)) < 1e-12);
        n_feasible += rows[i].violation == 0;
    }
    assert_true(n_feasible > 0 && n_feasible < n);
    dse_arena_fini(&arena);
    remove_fixture(&f);
}

static void tasks_prefer_shards_that_the_worker_holds(void **state) {
    (void)state;
    struct fixture f;
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    assert_int_equal(dse_explorer_next_task(ex, 1u << 2)->shard, 2);
    assert_int_equal(dse_explorer_next_task(ex, 0)->shard, 0);
    dse_explorer_free(ex);
    remove_fixture(&f);
}

/* A second sweep of the same content asks no worker for anything. */
static void evaluations_are_shared_between_sweeps(void **state) {
    (void)state;
    struct fixture f;
    struct dse_arena arena = {0};
    struct dse_sweep_row row;
    struct dse_sweep_counts counts;
    struct dse_err err = {0};
    make_fixture(&f);
    struct dse_explorer *ex = open_explorer(&f);
    while (!dse_explorer_finished(ex))
        answer_task(ex, dse_explorer_next_task(ex, 0));
    dse_explorer_free(ex);
    assert_ok(dse_store_load_sweep(f.store, f.sweep, &arena, &row, &err), &err);
    row.state = DSE_SWEEP_QUEUED;
    row.finished_at_ms = 0;
    assert_ok(dse_store_insert_sweep(f.store, &row, &f.sweep, &err), &err);
    ex = open_explorer(&f);
    assert_true(dse_explorer_finished(ex));
    assert_ok(dse_store_count_sweep(f.store, f.sweep, &counts, &err), &err);
    assert_int_equal(counts.cache_hits, POPULATION * GENERATIONS);
    dse_explorer_free(ex);
    dse_arena_fini(&arena);
    remove_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_and_order_change_nothing),
        cmocka_unit_test(the_hypervolume_never_falls),
        cmocka_unit_test(the_front_is_the_front),
        cmocka_unit_test(a_large_front_is_loaded_whole),
        cmocka_unit_test(a_candidate_that_ends_its_workers_fails_and_the_rest_goes_on),
        cmocka_unit_test(an_answer_that_does_not_fit_is_refused_and_asked_again),
        cmocka_unit_test(the_baseline_is_evaluated_first),
        cmocka_unit_test(a_sweep_may_do_without_a_baseline),
        cmocka_unit_test(results_are_compared_with_the_baseline),
        cmocka_unit_test(tasks_prefer_shards_that_the_worker_holds),
        cmocka_unit_test(evaluations_are_shared_between_sweeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
