"""Writes t_quantiles.json beside it: upper quantiles of Student's t as scipy has them, over the range that a bound on
datasets uses.

    python t_quantiles.py
"""

import json
from pathlib import Path

import scipy
from scipy import stats

VERSIONS = {"scipy": "1.17.1"}
assert scipy.__version__ == VERSIONS["scipy"]

# Datasets less one, and the probability that the bound fails.
DEGREES = [3, 4, 5, 6, 7, 8, 9, 12, 13, 18, 28, 56, 98, 998]
DELTAS = [0.5, 0.4, 0.25, 0.2, 0.1, 0.05, 0.025, 0.01, 1e-3]


def main():
    cases = [
        {"degrees": degrees, "delta": delta, "quantile": float(stats.t.isf(delta, degrees))}
        for degrees in DEGREES
        for delta in DELTAS
    ]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = Path(__file__).with_name("t_quantiles.json")
    path.write_text('{\n"versions": ' + json.dumps(VERSIONS) + ',\n"cases": [\n' + lines + "\n]\n}\n")


if __name__ == "__main__":
    main()
