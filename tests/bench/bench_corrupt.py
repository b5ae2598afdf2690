#!/usr/bin/python3
"""Time of every corruption beside the independent Python implementation (tests/fixtures/corrupt_reference.py).

    taskset -c 0 /usr/bin/python3 tests/bench/bench_corrupt.py build/release/tests/bench_corrupt \\
        ../shared/data/cifar10/test_batch.bin [IMAGES [ROUNDS]]

One core, the same images, by turns for every corruption, five rounds; medians. The program is run for each turn, and
its time is what it measures itself. Needs python3-skimage, python3-opencv, python3-scipy, python3-pil.
"""
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/fixtures")
import numpy as np

import corrupt_reference as reference


def ours(program, batch, images, name):
    """Microseconds an image, mean of the five severities."""
    lines = subprocess.run([program, batch, str(images), name, "5"], check=True, capture_output=True, text=True).stdout
    return statistics.mean(float(line.split()[2]) for line in lines.splitlines())


def theirs(pixels, name):
    start = time.process_time()
    for severity in range(1, 6):
        for x in pixels:
            reference.corrupt(name, x, severity)
    return (time.process_time() - start) * 1e6 / 5 / len(pixels)


def main(program, batch, images=1000, rounds=5):
    raw = np.fromfile(batch, np.uint8).reshape(-1, 3073)[: int(images)]
    pixels = np.ascontiguousarray(raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    total = [0.0, 0.0]
    for name in reference.NAMES:
        pairs = [(ours(program, batch, images, name), theirs(pixels, name)) for _ in range(int(rounds))]
        mine, right = (statistics.median(column) for column in zip(*pairs))
        total[0] += mine
        total[1] += right
        print(f"{name:18s} {mine:8.1f} us   Python {right:8.1f} us   {right / mine:6.1f} times", flush=True)
    cells = 95
    print(f"all cells of 1,000 images: {total[0] * 5e-3:.2f} s, Python {total[1] * 5e-3:.1f} s, {total[1] / total[0]:.1f} times")
    print(f"10,000 images in {cells} cells on one core: {total[0] * 5e-2:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
