"""The package plimsoll on a polars frame: what `plimsoll fit` and `plimsoll transfer` do, from memory.

Prints how long reading the frame took, which the wall time of the whole process has, too.
"""

import argparse
import time

import plimsoll
import polars as pl

parser = argparse.ArgumentParser()
parser.add_argument("work", choices=["fit", "transfer"])
parser.add_argument("--scores", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--bootstrap", type=int, required=True)
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--from-file", action="store_true", help="give the path instead of the frame")
arguments = parser.parse_args()

start = time.perf_counter()
scores = arguments.scores if arguments.from_file else pl.read_parquet(arguments.scores)
read = time.perf_counter()
targets = {"ratio": [number / 10 for number in range(1, 10)], "accuracy": 0.8, "risk": ("selective_error", 0.1, 0.1)}
shared = {**targets, "bootstrap": arguments.bootstrap, "out": arguments.out, "progress": False}
if arguments.work == "fit":
    plimsoll.fit(scores, **shared)
else:
    plimsoll.transfer(scores, repeats=arguments.repeats, **shared)
end = time.perf_counter()
print(f"{arguments.work}: {read - start:.2f} s to read the frame, {end - read:.2f} s of plimsoll")
