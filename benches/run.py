"""Runs both sides of the benchmark one after the other and prints times, peak memory and ratios.

Called by run.sh, which builds the program and makes the scores.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
RATIOS = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
TARGETS = ["--ratio", *RATIOS, "--accuracy", "0.8", "--risk", "selective_error:0.1:0.1"]
SIDES = ["plimsoll", "plimsoll-1", "rows", "cells"]
# Run when they are named: they need the wheel of the package plimsoll, and polars.
PACKAGE_SIDES = ["plimsoll-frame", "plimsoll-path"]
NAMES = {
    "plimsoll": "plimsoll, all cores",
    "plimsoll-1": "plimsoll, 1 thread",
    "plimsoll-frame": "package, polars frame",
    "plimsoll-path": "package, path",
    "rows": "NumPy, row bootstrap",
    "cells": "NumPy, cell bootstrap",
}


def timed(command, log):
    """Wall seconds, CPU seconds and peak resident MiB of a command."""
    start = time.perf_counter()
    with open(log, "wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{command[0]} failed, see {log}")
    # ru_maxrss is in KiB, on macOS in bytes.
    peak = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mib": peak}


def command_of(side, work, arguments, out):
    repeats = ["--repeats", str(arguments.repeats)] if work == "transfer" else []
    shared = ["--scores", str(arguments.scores), "--out", str(out), "--bootstrap", str(arguments.bootstrap), *repeats]
    if side in PACKAGE_SIDES:
        path = ["--from-file"] if side.endswith("-path") else []
        return [sys.executable, str(HERE / "frame.py"), work, *shared, *path]
    if side.startswith("plimsoll"):
        threads = ["--threads", "1"] if side.endswith("-1") else []
        return [str(arguments.program), work, *shared, *TARGETS, "--quiet", *threads]
    return [sys.executable, str(HERE / "baseline.py"), work, *shared, "--resample", side]


def agreement(folders):
    """Both sides did the same work: mean |achieved - target| of the routing ratios, per method."""
    means = {}
    for side, folder in folders.items():
        own = side.startswith("plimsoll")
        table = pd.read_parquet(folder / ("tables/transfer.parquet" if own else "transfer.parquet"))
        kind, value = ("target_kind", "target_value") if own else ("kind", "value")
        achieved = "achieved_routing_ratio" if own else "routing_ratio"
        table = table[table[kind] == "routing_ratio"]
        off = (table[achieved] - table[value]).abs().groupby(table["method"].astype(str)).mean()
        rmse = table["curve_rmse"].groupby(table["method"].astype(str)).mean()
        width = (table[f"{achieved}_high"] - table[f"{achieved}_low"]).groupby(table["method"].astype(str)).mean()
        means[side] = pd.DataFrame({"off": off, "curve_rmse": rmse, "interval_width": width})
    return pd.concat(means, axis=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bootstrap", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--sides", nargs="+", choices=[*SIDES, *PACKAGE_SIDES], default=SIDES)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"{arguments.scores.name}: bootstrap {arguments.bootstrap}, repeats {arguments.repeats}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    figures = []
    for work in ["fit", "transfer"]:
        folders = {}
        for side in arguments.sides:
            out = folders[side] = arguments.out / f"{work}-{side}"
            shutil.rmtree(out, ignore_errors=True)
            figures.append({"work": work, "side": side} | timed(command_of(side, work, arguments, out), arguments.out / f"{work}-{side}.log"))
            last = figures[-1]
            print(f"{work:9} {NAMES[side]:22} {last['wall_s']:9.1f} s wall {last['cpu_s']:9.1f} s CPU "
                  f"{last['peak_mib']:8.0f} MiB", flush=True)
        first = figures[-len(arguments.sides)]
        for other in figures[-len(arguments.sides) + 1:] if len(arguments.sides) > 1 else []:
            print(f"{work:9} {NAMES[other['side']]} / {NAMES[first['side']]}: wall {other['wall_s'] / first['wall_s']:.1f}, "
                  f"CPU {other['cpu_s'] / first['cpu_s']:.1f}, memory {other['peak_mib'] / first['peak_mib']:.2f}", flush=True)
        if work == "transfer":
            print(agreement(folders).round(4).to_string())
    (arguments.out / "figures.json").write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
