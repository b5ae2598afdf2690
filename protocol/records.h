/* Every record that travels, as tables. A record is a C struct made from its table; the same table
 * drives encoding, decoding, checking and the listing in daemon/PROTOCOL.md.
 *
 * A line is F(presence, kind, type, name, help):
 *   presence  REQ: decoding fails when it is absent. OPT: absent is NULL, 0 or an empty array.
 *   kind      STR text, INT 64-bit integer, REAL double, BOOL, and their arrays STRS, INTS, REALS;
 *             REC one record, RECS an array of records (type names the record, else _).
 * Array members are pairs: `name` (pointer) and `name_n` (int).
 *
 * To change a record: add OPT fields at its end and raise DSE_PROTOCOL_VERSION; never reuse a name
 * with another meaning; a field that goes is kept as OPT and ignored for one version. */
#ifndef DSE_PROTOCOL_RECORDS_H
#define DSE_PROTOCOL_RECORDS_H

#define DSE_PROTOCOL_VERSION 2

/* ---- client and daemon ---- */

#define DSE_FIELDS_empty(F)

#define DSE_FIELDS_hello(F)                                \
    F(REQ, STR, _, version, "version of the program")      \
    F(REQ, INT, _, protocol, "version of this protocol")   \
    F(REQ, INT, _, pid, "process id of the daemon")        \
    F(REQ, STR, _, state_dir, "directory of the database") \
    F(REQ, INT, _, workers, "worker processes")            \
    F(OPT, INT, _, clients, "connections now, this one included")

#define DSE_FIELDS_workload_text(F)                                                         \
    F(REQ, STR, _, text, "content of the workload file")                                    \
    F(REQ, STR, _, file, "its path as the user named it, for messages")                     \
    F(REQ, STR, _, base_dir, "absolute directory that relative paths in it start from")     \
    F(OPT, BOOL, _, reuse, "take the newest unfinished or finished sweep of equal content") \
    F(OPT, STRS, _, environment,                                                            \
      "NAME=value of the environment variables that the text names and that are set")       \
    F(OPT, INT, _, reevaluates, "sweep whose individuals are evaluated again; 0: none")

#define DSE_FIELDS_sweep_id(F) F(REQ, INT, _, sweep, "sweep id")

#define DSE_FIELDS_priority_of(F)     \
    F(REQ, INT, _, sweep, "sweep id") \
    F(REQ, INT, _, priority, "from -1000 to 1000; greater is earlier")

#define DSE_FIELDS_deletion(F)        \
    F(REQ, INT, _, sweep, "sweep id") \
    F(OPT, BOOL, _, force, "cancel it first, if it is not in a final state")

#define DSE_FIELDS_deleted(F)                                                       \
    F(REQ, INT, _, sweep, "sweep id")                                               \
    F(REQ, STR, _, name, "name of the workload")                                    \
    F(REQ, INT, _, individuals, "individuals that are gone, the baseline included") \
    F(REQ, INT, _, evaluations, "evaluations that are gone: no other sweep cites them")

#define DSE_FIELDS_worker(F)                                                                \
    F(REQ, INT, _, pid, "process id")                                                       \
    F(REQ, STR, _, state, "starting, idle, preparing (for a client), opening or computing") \
    F(REQ, INT, _, sweep, "sweep that it works for; 0: none")                               \
    F(REQ, INT, _, shard, "shard that it computes; -1: none")                               \
    F(REQ, INT, _, candidates, "candidates of its task")                                    \
    F(REQ, REAL, _, busy_s, "seconds since it got its task")                                \
    F(REQ, REAL, _, silent_s, "seconds since it was heard")                                 \
    F(REQ, INT, _, tasks, "tasks done")                                                     \
    F(REQ, INT, _, inferences, "images run through the network")                            \
    F(REQ, REAL, _, inferences_per_s, "images a second since its start")                    \
    F(REQ, INT, _, memory_bytes, "resident memory; 0: not known")                           \
    F(REQ, STR, _, evaluator, "version of its evaluator")

#define DSE_FIELDS_worker_list(F) F(REQ, RECS, worker, workers, "worker processes")

#define DSE_FIELDS_generation_id(F)   \
    F(REQ, INT, _, sweep, "sweep id") \
    F(REQ, INT, _, generation, "generation from 0; -1: the float32 baseline")

#define DSE_FIELDS_individual_id(F)                                           \
    F(REQ, INT, _, sweep, "sweep id")                                         \
    F(REQ, INT, _, generation, "generation from 0; -1: the float32 baseline") \
    F(REQ, INT, _, slot, "place in the generation, from 0")

#define DSE_FIELDS_layer(F)                                              \
    F(REQ, STR, _, name, "name of the node in the model")                \
    F(REQ, STR, _, op, "operator: Conv or Gemm")                         \
    F(REQ, INT, _, macs, "multiply-accumulates per image")               \
    F(REQ, INT, _, weights, "number of weights")                         \
    F(OPT, REAL, _, input_amax, "calibrated largest input magnitude")    \
    F(OPT, BOOL, _, input_signed, "can its input be negative?")          \
    F(OPT, INT, _, exit, "first exit that needs it, from 0")             \
    F(OPT, INTS, _, after, "layers that its input depends on, by index") \
    F(OPT, INT, _, inputs, "numbers that it reads per image")            \
    F(OPT, INT, _, outputs, "numbers that it writes per image")          \
    F(OPT, BOOL, _, drops, "does a Dropout of the model stand on its input?")

#define DSE_FIELDS_objective(F)                   \
    F(REQ, STR, _, metric, "name of the metric")  \
    F(REQ, STR, _, sense, "minimize or maximize") \
    F(REQ, STR, _, unit, "unit of the value")

#define DSE_FIELDS_plan(F)                                                                      \
    F(REQ, STR, _, name, "name of the workload")                                                \
    F(REQ, STR, _, content_hash, "SHA-256 of the canonical workload and of the files it names") \
    F(REQ, STR, _, canonical, "the workload with every default, as YAML")                       \
    F(REQ, STR, _, problem, "problem type")                                                     \
    F(REQ, INT, _, genes, "number of genes")                                                    \
    F(REQ, RECS, layer, layers, "quantisable layers in execution order")                        \
    F(REQ, RECS, objective, objectives, "objectives in order")                                  \
    F(REQ, STRS, _, cells, "cells in order")                                                    \
    F(REQ, INT, _, images_per_cell, "images of a cell")                                         \
    F(REQ, INT, _, population, "population")                                                    \
    F(REQ, INT, _, generations, "generations")                                                  \
    F(REQ, INT, _, evaluations_max, "most evaluations the sweep can need")                      \
    F(REQ, INT, _, inferences_max, "most inferences the sweep can need")                        \
    F(OPT, INT, _, initial, "predefined individuals, each once")                                \
    F(OPT, INT, _, initial_given,                                                               \
      "those that were named, before equal and spare ones were left out")

#define DSE_FIELDS_sweep(F)                                                                     \
    F(REQ, INT, _, sweep, "sweep id")                                                           \
    F(REQ, STR, _, name, "name of the workload")                                                \
    F(REQ, STR, _, state, "queued, running, paused, no_space, done, failed or cancelled")       \
    F(REQ, STR, _, reason, "why it failed, or what is full; else empty")                        \
    F(REQ, STR, _, content_hash, "SHA-256 of the canonical workload and of the files it names") \
    F(REQ, INT, _, seed, "seed")                                                                \
    F(REQ, INT, _, generation, "generation in work, from 0; -1: the baseline")                  \
    F(REQ, INT, _, generations, "generations in all")                                           \
    F(REQ, INT, _, population, "population")                                                    \
    F(REQ, INT, _, individuals, "individuals so far")                                           \
    F(REQ, INT, _, measured, "individuals with a result")                                       \
    F(REQ, INT, _, evaluations, "evaluations computed for this sweep")                          \
    F(REQ, INT, _, cache_hits, "individuals answered from the store without inference")         \
    F(REQ, INT, _, failures, "individuals whose evaluation failed")                             \
    F(REQ, INT, _, front_size, "members of the front")                                          \
    F(REQ, REAL, _, progress, "share done, 0 to 1")                                             \
    F(REQ, REAL, _, evaluations_per_s, "evaluations a second since the daemon took it up")      \
    F(REQ, REAL, _, remaining_s, "estimated seconds to the end; negative: not known")           \
    F(REQ, INT, _, submitted_at_ms, "wall clock, ms since 1970")                                \
    F(REQ, INT, _, finished_at_ms, "wall clock, ms since 1970; 0: not finished")                \
    F(OPT, STR, _, phase, "what is being prepared")                                             \
    F(OPT, BOOL, _, reused, "submit took an existing sweep")                                    \
    F(OPT, INT, _, priority, "greater is earlier")                                              \
    F(OPT, INT, _, workers, "workers that compute for it now")                                  \
    F(OPT, REAL, _, hypervolume,                                                                \
      "volume that the front dominates, in volumes of the box that the feasible individuals "   \
      "of the first generation with some span, from its worst corner; null: not known")         \
    F(OPT, INT, _, reevaluates, "sweep whose individuals it evaluates again; 0: none")

#define DSE_FIELDS_sweep_list(F) F(REQ, RECS, sweep, sweeps, "sweeps, oldest first")

#define DSE_FIELDS_sweep_workload(F)                                    \
    F(REQ, INT, _, sweep, "sweep id")                                   \
    F(REQ, STR, _, file, "path of the workload file at its submission") \
    F(REQ, STR, _, canonical, "the workload with every default, as YAML")

#define DSE_FIELDS_cell_result(F)                                           \
    F(REQ, STR, _, cell, "clean, or corruption:severity")                   \
    F(REQ, INT, _, seen, "images seen")                                     \
    F(REQ, INT, _, correct, "images classified correctly")                  \
    F(REQ, REAL, _, accuracy, "share of correct images")                    \
    F(REQ, REAL, _, low, "95 % Wilson interval, low end")                   \
    F(REQ, REAL, _, high, "95 % Wilson interval, high end")                 \
    F(OPT, INTS, _, bin_seen, "images by confidence, 15 right-closed bins") \
    F(OPT, INTS, _, bin_correct, "of these, classified correctly")          \
    F(OPT, REALS, _, bin_confidence, "their mean confidence; 0 where there are none")

#define DSE_FIELDS_named_value(F)    \
    F(REQ, STR, _, name, "its name") \
    F(REQ, REAL, _, value, "the value")

#define DSE_FIELDS_estimate(F)                                               \
    F(REQ, STR, _, metric, "name of the metric")                             \
    F(REQ, REAL, _, value, "its value; null: not known")                     \
    F(REQ, REAL, _, low, "95 % interval, low end; null: the value is exact") \
    F(REQ, REAL, _, high, "95 % interval, high end")                         \
    F(REQ, INT, _, images, "images that it was estimated from; 0: exact")

#define DSE_FIELDS_front_query(F)                                                                \
    F(REQ, INT, _, sweep, "sweep id")                                                            \
    F(OPT, STRS, _, objectives, "metrics to ask the stored evaluations for, instead of its own") \
    F(OPT, BOOL, _, estimates, "with the intervals of the objectives")                           \
    F(OPT, BOOL, _, reevaluated, "with what members were found to be when evaluated again")      \
    F(OPT, INT, _, limit, "most members of the answer; 0: as many as the daemon likes")          \
    F(OPT, STR, _, after, "only members behind this one (next of an answer)")                    \
    F(OPT, INT, _, spread, "so many members, spread evenly from the first to the last")

#define DSE_FIELDS_exit_result(F)                                  \
    F(REQ, INT, _, left, "images that left here")                  \
    F(REQ, INT, _, left_correct, "of these, classified correctly") \
    F(REQ, INT, _, correct, "images that it would classify correctly, of all")

#define DSE_FIELDS_exits(F)                                                               \
    F(REQ, RECS, exit_result, exits, "in order, all cells together")                      \
    F(REQ, REALS, _, entropies, "of images where they left: minimum, quartiles, maximum") \
    F(REQ, REALS, _, coverages, "shares of the images, the surest first")                 \
    F(REQ, REALS, _, risks, "share of wrong ones among them, a coverage each")

#define DSE_FIELDS_second_look(F)                                       \
    F(REQ, INT, _, sweep, "sweep that evaluated it again")              \
    F(REQ, STR, _, data, "first file of its images")                    \
    F(REQ, INT, _, images, "images of a cell")                          \
    F(REQ, RECS, estimate, estimates, "the objectives, with intervals") \
    F(OPT, RECS, cell_result, cells, "result of each cell")

#define DSE_FIELDS_individual(F)                                                                \
    F(REQ, INT, _, generation, "generation from 0; -1: the float32 baseline")                   \
    F(REQ, INT, _, slot, "place in the generation, from 0")                                     \
    F(REQ, STR, _, state, "pending, done or failed")                                            \
    F(REQ, STR, _, reason, "why it failed; else empty")                                         \
    F(REQ, STR, _, genome, "genome as text; empty for the baseline")                            \
    F(REQ, REALS, _, objectives, "values in the order of the objectives; empty while pending")  \
    F(REQ, REAL, _, violation, "sum of constraint violations; 0: feasible")                     \
    F(REQ, BOOL, _, in_front, "is it non-dominated and feasible?")                              \
    F(OPT, INTS, _, input_bits, "bits of each layer's input; 0: float32")                       \
    F(OPT, INTS, _, weight_bits, "bits of each layer's weights; 0: float32")                    \
    F(OPT, STRS, _, genes, "where there are no layers: \"name = value\" of each gene")          \
    F(OPT, RECS, named_value, values, "everything that a program of the user's measured")       \
    F(OPT, RECS, cell_result, cells, "result of each cell")                                     \
    F(OPT, RECS, layer, layers, "the layers")                                                   \
    F(OPT, RECS, objective, objective_names, "objectives in order")                             \
    F(OPT, RECS, estimate, estimates, "the objectives with their intervals")                    \
    F(OPT, INT, _, rank, "front that it survived its own generation in, from 1; 0: not known")  \
    F(OPT, BOOL, _, cached, "was it answered from the store when it was born?")                 \
    F(OPT, REC, exits, exits, "what its early exits did, where it has thresholds")              \
    F(OPT, INTS, _, dropout, "rate on each layer's input, in steps of 2^-16; none: no dropout") \
    F(OPT, INT, _, passes, "Monte-Carlo passes; 0: one")                                        \
    F(OPT, REALS, _, thresholds, "entropies below which an image leaves, an early exit each")   \
    F(OPT, INT, _, exit_batch, "images that leave together; 0: each alone")                     \
    F(OPT, RECS, second_look, again, "what it was found to be when evaluated again")

#define DSE_FIELDS_individual_query(F)                                                   \
    F(REQ, INT, _, sweep, "sweep id")                                                    \
    F(OPT, INT, _, generation, "first generation wanted; -1: the float32 baseline, too") \
    F(OPT, INT, _, slot, "first slot wanted of that generation")                         \
    F(OPT, INT, _, limit, "most individuals of a page; 0: as many as the daemon likes")  \
    F(OPT, BOOL, _, front, "only the front")                                             \
    F(OPT, STR, _, state, "only individuals of this state: pending, done or failed")     \
    F(OPT, BOOL, _, cells, "with the results of the cells")

#define DSE_FIELDS_individual_page(F)                                   \
    F(REQ, RECS, objective, objectives, "objectives in order")          \
    F(REQ, STRS, _, cells, "names of the cells in order")               \
    F(REQ, STRS, _, layers, "names of the layers in order")             \
    F(REQ, RECS, individual, individuals,                               \
      "by generation and slot; may be fewer than asked for, even none") \
    F(REQ, BOOL, _, more, "there may be more")                          \
    F(REQ, INT, _, next_generation, "where to go on, if there is more") \
    F(REQ, INT, _, next_slot, "where to go on, if there is more")

#define DSE_FIELDS_front(F)                                                                 \
    F(REQ, REC, sweep, sweep, "the sweep")                                                  \
    F(REQ, RECS, objective, objectives, "objectives in order")                              \
    F(REQ, RECS, individual, members, "members, sorted by the first objective, best first") \
    F(OPT, REC, individual, baseline, "the float32 network")                                \
    F(OPT, INT, _, total, "members that the front has now")                                 \
    F(OPT, STR, _, next, "after whom to go on; none: there are no more")

#define DSE_FIELDS_dump_part(F)                                                         \
    F(REQ, STR, _, text, "canonical lines of the generation; no times, no process ids") \
    F(REQ, INT, _, next, "generation to ask for next; -2: that was the last")

#define DSE_FIELDS_rpc_error_data(F)                  \
    F(REQ, STR, _, status, "name of the status code") \
    F(OPT, STRS, _, errors, "every error of the input, each with file:line:column")

/* ---- daemon and worker ---- */

#define DSE_FIELDS_worker_hello(F)                                                         \
    F(REQ, STR, _, version, "version of the program")                                      \
    F(REQ, INT, _, protocol, "version of this protocol")                                   \
    F(REQ, STR, _, evaluator, "version of the evaluator: part of the key of every result") \
    F(REQ, INT, _, pid, "process id")                                                      \
    F(REQ, STR, _, kernels, "kernels in use, for people")

#define DSE_FIELDS_file_ref(F)                        \
    F(REQ, STR, _, path, "where this machine has it") \
    F(REQ, STR, _, sha256, "its content")

#define DSE_FIELDS_dataset(F)                                                     \
    F(REQ, STR, _, format, "idx, cifar10, cifar100, npy or pictures")             \
    F(REQ, RECS, file_ref, files, "in the order the format asks for")             \
    F(REQ, INT, _, first, "first image used")                                     \
    F(REQ, INT, _, count, "images used")                                          \
    F(REQ, BOOL, _, stratified, "a share of every class instead of a run")        \
    F(REQ, INT, _, seed, "of that choice")                                        \
    F(REQ, BOOL, _, coarse_labels, "cifar100: the 20 classes instead of the 100") \
    F(OPT, INT, _, resize, "pictures: their shorter side; 0: as it is")           \
    F(OPT, INT, _, crop, "pictures: side of the square used; 0: all of it")       \
    F(REQ, REALS, _, mean, "per channel, subtracted from x/255")                  \
    F(REQ, REALS, _, std, "per channel, divides")

#define DSE_FIELDS_external(F)                                                             \
    F(REQ, STRS, _, command, "the program, found in PATH, and its arguments")              \
    F(REQ, STR, _, directory, "where it runs")                                             \
    F(REQ, BOOL, _, kept_running, "one line in, one line out; else a process a candidate") \
    F(REQ, REAL, _, timeout_s, "seconds for one candidate")                                \
    F(REQ, INT, _, seed, "given to the program with each candidate")                       \
    F(REQ, STRS, _, genes, "as the workload says them")                                    \
    F(REQ, RECS, file_ref, files, "files that the program reads: their content counts")

#define DSE_FIELDS_context(F)                                                                   \
    F(REQ, STR, _, hash, "names this context in tasks")                                         \
    F(OPT, STR, _, problem, "of one that is about no network; only external is said beside it") \
    F(OPT, REC, external, external, "a program of the user's")                                  \
    F(OPT, REC, file_ref, model, "the ONNX file")                                               \
    F(OPT, STR, _, output, "name of the output that is classified; empty: the only one")        \
    F(OPT, REC, dataset, dataset, "images to evaluate on")                                      \
    F(OPT, REC, dataset, calibration, "images to calibrate on")                                 \
    F(OPT, REAL, _, percentile, "calibration percentile, e.g. 99.99")                           \
    F(OPT, BOOL, _, clean, "is there a clean cell? It is cell 0")                               \
    F(OPT, STRS, _, corruptions, "names, in order")                                             \
    F(OPT, INTS, _, severities, "1..5, in order; cells are corruption-major")                   \
    F(OPT, INT, _, data_seed, "seed of the corruptions")                                        \
    F(OPT, INT, _, shard_images, "images in a shard (the last may hold fewer)")                 \
    F(OPT, INT, _, batch, "images computed at a time")                                          \
    F(OPT, STR, _, weight_scales, "what shares a scale: channel (when missing) or tensor")      \
    F(OPT, REALS, _, input_amax, "calibration, when it is already known")                       \
    F(OPT, STRS, _, exits, "outputs of early exits, in order; output comes after them")         \
    F(OPT, INT, _, mask_seed, "seed of dropout masks")                                          \
    F(OPT, STR, _, method, "of calibration; percentile when missing")                           \
    F(OPT, REC, file_ref, calibration_file, "a calibration that is kept and used as it is")     \
    F(OPT, RECS, file_ref, frost_files, "overlays of frost, five; none: textures of our own")   \
    F(OPT, RECS, file_ref, corrupted_files,                                                     \
      "images of each corruption, in order, then their labels; none: the worker makes them")    \
    F(OPT, BOOL, _, keep_dropout, "are the model's Dropouts looked for?")

#define DSE_FIELDS_recipe(F)                                                               \
    F(REQ, STR, _, name, "name of the workload")                                           \
    F(REQ, INT, _, sweep, "sweep id")                                                      \
    F(REQ, STR, _, content_hash, "of the workload")                                        \
    F(REQ, REC, file_ref, model, "the trained network, ONNX")                              \
    F(REQ, STRS, _, outputs, "of it that are used, early exits first; none: its only one") \
    F(REQ, STR, _, weight_scales, "what shares a scale: channel or tensor")                \
    F(REQ, REC, dataset, dataset, "images that the figures were measured on")              \
    F(REQ, REC, individual, individual, "its layers with calibration, its bits, its figures")

#define DSE_FIELDS_retraining_epoch(F)                             \
    F(REQ, INT, _, epoch, "from 1")                                \
    F(REQ, REAL, _, learning_rate, "at its end")                   \
    F(REQ, REAL, _, loss, "over the training images")              \
    F(REQ, REAL, _, accuracy, "of the last output, over these")    \
    F(REQ, REAL, _, validation_loss, "over the validation images") \
    F(REQ, REAL, _, validation_accuracy, "of the last output, over these")

#define DSE_FIELDS_retraining(F)                                                      \
    F(REQ, INT, _, sweep, "sweep id; 0: of no sweep")                                 \
    F(REQ, INT, _, generation, "of the individual")                                   \
    F(REQ, INT, _, slot, "of the individual")                                         \
    F(REQ, STR, _, settings, "how; one of the same settings replaces the one before") \
    F(REQ, STR, _, file, "the network, float32")                                      \
    F(OPT, STR, _, converted, "the network in QDQ form")                              \
    F(REQ, INT, _, images, "judged by before and after")                              \
    F(REQ, REAL, _, accuracy_before, "of the last output, by the engine")             \
    F(REQ, REAL, _, accuracy_after, "likewise")                                       \
    F(REQ, REAL, _, nll_before, "likewise")                                           \
    F(REQ, REAL, _, nll_after, "likewise")                                            \
    F(REQ, INT, _, best_epoch, "whose state it is")                                   \
    F(REQ, RECS, retraining_epoch, epochs, "all")

#define DSE_FIELDS_retraining_list(F) F(REQ, RECS, retraining, retrainings, "by individual")

#define DSE_FIELDS_spec(F)                                                                     \
    F(REQ, REC, context, context, "what the workers open, with the file hashes at submission") \
    F(REQ, INT, _, population, "population")                                                   \
    F(REQ, INT, _, offspring, "new individuals a generation")                                  \
    F(REQ, INT, _, generations, "generations")                                                 \
    F(REQ, RECS, objective, objectives, "objectives in order")                                 \
    F(OPT, STRS, _, initial, "genomes that the first generation begins with")                  \
    F(OPT, INT, _, reevaluates, "sweep whose individuals are evaluated again; 0: none")

/* A file of predefined individuals, as pareto export writes it; everything else in it is ignored.
 */
#define DSE_FIELDS_initial_individual(F)           \
    F(REQ, STR, _, genome, "as text; empty: none") \
    F(OPT, BOOL, _, in_front, "it is taken before others")

#define DSE_FIELDS_initial_file(F) F(REQ, RECS, initial_individual, individuals, "in order")

#define DSE_FIELDS_prepared(F)                                                       \
    F(REQ, STR, _, hash, "the context")                                              \
    F(REQ, RECS, layer, layers, "quantisable layers in execution order, calibrated") \
    F(REQ, INT, _, classes, "classes")                                               \
    F(REQ, INT, _, images, "images of a cell")                                       \
    F(REQ, INT, _, shards, "number of shards")                                       \
    F(REQ, STRS, _, cells, "names of the cells")                                     \
    F(OPT, INT, _, tally, "words of a cell's tally")                                 \
    F(OPT, INT, _, exits, "outputs, the last included; 0: one")

#define DSE_FIELDS_candidate(F)                                                          \
    F(REQ, INT, _, key, "names it in the answer")                                        \
    F(OPT, INTS, _, input_bits, "a layer each; 0: float32")                              \
    F(OPT, INTS, _, weight_bits, "a layer each; 0: float32")                             \
    F(OPT, REALS, _, genes, "the genome, where there are no layers")                     \
    F(OPT, INTS, _, dropout, "rate on a layer's input, a layer each, in steps of 2^-16") \
    F(OPT, INT, _, passes, "Monte-Carlo passes; 0: one")

#define DSE_FIELDS_task(F)                                                         \
    F(REQ, INT, _, task, "fencing number; never used twice by one daemon process") \
    F(REQ, STR, _, hash, "the context")                                            \
    F(REQ, INT, _, shard, "shard, from 0")                                         \
    F(REQ, RECS, candidate, candidates, "the group")

#define DSE_FIELDS_partial(F)                                                                     \
    F(REQ, INT, _, key, "the candidate")                                                          \
    F(OPT, INTS, _, tallies, "the words of problems/tally.def for the first cell, then the next") \
    F(OPT, REALS, _, values, "named numbers: the context's, in its order, then others")           \
    F(OPT, STRS, _, names, "of those others: the last of the values")                             \
    F(OPT, STR, _, failure, "why there is no result; then nothing else is said")                  \
    F(OPT, STR, _, records, "of early exits (problems.h), base64; [cell][image][exit]")

#define DSE_FIELDS_partials(F)                                                   \
    F(REQ, INT, _, task, "fencing number of the task")                           \
    F(REQ, RECS, partial, results, "a candidate each, in the order of the task") \
    F(REQ, INT, _, inferences, "images run through the network")                 \
    F(REQ, REAL, _, layers_saved, "share of layer evaluations that shared prefixes saved")

#define DSE_FIELDS_worker_failed(F)                                            \
    F(REQ, INT, _, task, "fencing number of the task; 0: opening the context") \
    F(REQ, STR, _, status, "name of the status code")                          \
    F(REQ, STR, _, text, "what went wrong")

#define DSE_FIELDS_worker_beat(F)             \
    F(REQ, STR, _, phase, "what it is doing") \
    F(REQ, INT, _, done, "steps done")        \
    F(REQ, INT, _, total, "steps in all")

/* Every record, those used by others first. */
#define DSE_RECORD_TABLE(X) \
    X(empty)                \
    X(hello)                \
    X(workload_text)        \
    X(sweep_id)             \
    X(priority_of)          \
    X(deletion)             \
    X(deleted)              \
    X(worker)               \
    X(worker_list)          \
    X(generation_id)        \
    X(individual_id)        \
    X(layer)                \
    X(objective)            \
    X(plan)                 \
    X(sweep)                \
    X(sweep_list)           \
    X(sweep_workload)       \
    X(cell_result)          \
    X(named_value)          \
    X(estimate)             \
    X(front_query)          \
    X(exit_result)          \
    X(exits)                \
    X(second_look)          \
    X(individual)           \
    X(individual_query)     \
    X(individual_page)      \
    X(front)                \
    X(dump_part)            \
    X(rpc_error_data)       \
    X(worker_hello)         \
    X(file_ref)             \
    X(dataset)              \
    X(external)             \
    X(context)              \
    X(initial_individual)   \
    X(initial_file)         \
    X(spec)                 \
    X(recipe)               \
    X(retraining_epoch)     \
    X(retraining)           \
    X(retraining_list)      \
    X(prepared)             \
    X(candidate)            \
    X(task)                 \
    X(partial)              \
    X(partials)             \
    X(worker_failed)        \
    X(worker_beat)

/* Requests of a client: X(method, params record, result record, help). */
#define DSE_METHOD_TABLE(X)                                                                       \
    X(hello, empty, hello, "who answers")                                                         \
    X(plan, workload_text, plan, "validate a workload and forecast its sweep")                    \
    X(submit, workload_text, sweep, "store a workload as a sweep; answered when it is on disk")   \
    X(list, empty, sweep_list, "all sweeps")                                                      \
    X(status, sweep_id, sweep, "one sweep")                                                       \
    X(workload, sweep_id, sweep_workload, "the workload of a sweep")                              \
    X(watch, sweep_id, sweep, "one sweep, then a progress event at every change until its end")   \
    X(front, front_query, front, "the non-dominated feasible individuals; of other metrics, too") \
    X(show, individual_id, individual, "one individual with its cells and bits")                  \
    X(individuals, individual_query, individual_page, "all individuals, a page at a time")        \
    X(recipe, individual_id, recipe, "all that makes the network of an individual")               \
    X(retrained, retraining, empty, "keep what retraining an individual brought")                 \
    X(retrainings, sweep_id, retraining_list, "what retraining individuals of a sweep brought")   \
    X(pause, sweep_id, sweep, "give a sweep no more work; what is under way is kept")             \
    X(resume, sweep_id, sweep, "go on with a paused or failed sweep")                             \
    X(priority, priority_of, sweep, "change which sweeps come first")                             \
    X(delete, deletion, deleted, "forget a sweep and what no other sweep cites")                  \
    X(workers, empty, worker_list, "the worker processes")                                        \
    X(cancel, sweep_id, sweep, "stop a sweep; what it found stays")                               \
    X(dump, generation_id, dump_part, "everything known of a generation, canonical")

/* Events of the daemon: X(name, record, help). */
#define DSE_EVENT_TABLE(X) X(progress, sweep, "the watched sweep has changed")

/* Messages between daemon and worker: X(name, record, from, help). */
#define DSE_WORKER_MESSAGE_TABLE(X)                                                            \
    X(worker_hello, worker_hello, WORKER, "first message of a worker")                         \
    X(open, context, DAEMON, "load model and data, calibrate; answered by prepared or failed") \
    X(prepared, prepared, WORKER, "the context is ready")                                      \
    X(evaluate, task, DAEMON, "answered by partials or failed")                                \
    X(partials, partials, WORKER, "the result of a task")                                      \
    X(failed, worker_failed, WORKER, "a task or context could not be computed")                \
    X(beat, worker_beat, WORKER, "alive; at least every two seconds while working")

#endif
