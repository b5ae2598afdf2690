"""Optuna with SQLite storage and NSGAIISampler (Debian's python3-optuna): individuals per second over
TRIALS trials of 20 whole genes and two objectives. Usage: bench_optuna.py TRIALS"""
import os
import sys
import tempfile
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def evaluate(trial):
    genes = [trial.suggest_int("x%d" % i, 0, 8) for i in range(20)]
    return sum(genes), sum((1 + i % 5) * 2.0**-g for i, g in enumerate(genes))


with tempfile.TemporaryDirectory() as folder:
    storage = "sqlite:///" + os.path.join(folder, "optuna.db")
    sampler = optuna.samplers.NSGAIISampler(population_size=50, seed=1)
    study = optuna.create_study(storage=storage, sampler=sampler, directions=["minimize"] * 2)
    start = time.monotonic()
    study.optimize(evaluate, n_trials=int(sys.argv[1]))
    print("%.3f" % (int(sys.argv[1]) / (time.monotonic() - start)))
