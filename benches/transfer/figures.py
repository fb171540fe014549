"""Prints what `plimsoll transfer --json` says of routing ratios, accuracies and guarantees on held-out datasets.

    python3 benches/transfer/figures.py SUITE=FILE.json ...
"""

import json
import sys

QUESTIONS = (50, 100, 500, 1000)


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def shown(value):
    return "-" if value is None else f"{value:.4f}"


def by_pair(rows, figure):
    """Means over the ratios, of each pair of setting and held-out dataset."""
    pairs = {}
    for row in rows:
        pairs.setdefault((row["slm"], row["llm"], row["method"], row["held_out"]), []).append(figure(row))
    return [value for value in map(mean, pairs.values()) if value is not None]


def fixed(row):
    achieved = row["achieved_routing_ratio"]
    return None if achieved is None else abs(achieved - row["target_value"])


def reachable(row):
    """No rule defers less than what has no confidence."""
    return row["missing"] / row["rows"] <= row["target_value"]


def ratios(suite, rows):
    rows = [row for row in rows if row["target_kind"] == "routing_ratio" and row["repeat"] == 0 and reachable(row)]
    figures = [("fixed", None, by_pair(rows, fixed))]
    for kind in ("adapted", "tracked"):
        for n in QUESTIONS:
            figures.append((kind, n, by_pair(rows, lambda row: row[f"{kind}_ratio_error_{n}"])))
    cost = mean(row["tracked_accuracy_cost_1000"] for row in rows)
    for kind, n, errors in figures:
        points = 100 * cost if kind == "tracked" and n == 1000 and cost is not None else None
        worst = max(errors, default=None)
        print(f"{suite:8} {kind:8} {n or '':>5} {len(errors):6} {shown(mean(errors)):>8} {shown(worst):>8} "
              f"{'' if points is None else f'{points:+.3f}':>8}")


def labels(suite, rows):
    for kind in ("accuracy", "llm_gap"):
        own = [row for row in rows if row["target_kind"] == kind and row["repeat"] == 0]
        for n in (0, 20, 50, 100, 200):
            error = mean(row[f"label_error_{n}"] for row in own)
            if error is not None:
                reached, ratio = (mean(row[f"cautious_{what}_{n}"] for row in own) for what in ("reached", "ratio"))
                print(f"{suite:8} {kind:8} {n:5} {shown(error):>8} {shown(reached):>8} {shown(ratio):>8}")


def guarantees(suite, rows):
    for kind in ("selective_error", "joint_error", "regret"):
        own = [row for row in rows if row["target_kind"] == kind]
        if own:
            promise = mean(row["dataset_guarantee_promise"] for row in own)
            cells = [mean(row["violated"] for row in own), None if promise is None else 1 - promise]
            for name in ("dataset_guarantee", "worst_of_k", "t_bound"):
                cells += [mean(row[f"{name}_violated"] for row in own), mean(row[f"{name}_ratio"] for row in own)]
            print(f"{suite:8} {kind:16}" + "".join(f" {shown(cell):>8}" for cell in cells))


def main():
    suites = {}
    for argument in sys.argv[1:]:
        suite, path = argument.split("=", 1)
        with open(path, encoding="utf-8") as file:
            suites[suite] = json.load(file)["transfer"]
    print("Distance from a routing ratio of .1 to .9, held-out datasets; accuracy cost in points against a fixed threshold "
          "that defers as many")
    print(f"{'suite':8} {'rule':8} {'after':>5} {'pairs':>6} {'mean':>8} {'worst':>8} {'cost':>8}")
    for suite, rows in suites.items():
        ratios(suite, rows)
    print("\nDistance from an accuracy, or a gap to the LLM, by labels; the cautious choice: reached, deferred")
    print(f"{'suite':8} {'target':8} {'labels':>5} {'mean':>8} {'reached':>8} {'ratio':>8}")
    for suite, rows in suites.items():
        labels(suite, rows)
    print("\nViolated on held-out datasets: over rows; over datasets at most, and was, deferred; worst of K; t bound")
    for suite, rows in suites.items():
        guarantees(suite, rows)


if __name__ == "__main__":
    main()
