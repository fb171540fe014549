"""The work of `plimsoll fit` and `plimsoll transfer`, written with NumPy, pandas, scikit-learn and scipy.

    python baseline.py fit|transfer --scores FILE --out DIR --bootstrap B [--repeats R] [--resample rows|cells]

What an experienced user of these libraries would write: everything per row is vectorised, a series is sorted once,
curves are cumulative sums, thresholds are looked up by bisection. It leaves out what `plimsoll` does beyond that:
checking every row (ranges, duplicate questions, contradicting domains), seeded hashes that make a draw independent
of the other datasets, clusters, hashes of the data.

`--resample rows` is the bootstrap as it is usually written: B times n row numbers are drawn, and the rows' cells (the
interval of thresholds, the two grades and the weight) are counted. `--resample cells` draws the counts themselves from
a multinomial, which is the same distribution for independent rows and costs next to nothing: a trick that few use, here
so that the comparison is also made with the best that NumPy can do.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

BINS = 30
FRACTION = 0.1
RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
ACCURACY = 0.8
ALPHA, DELTA = 0.1, 0.1
GRID = np.arange(101) / 100
HAND_OVER_ALL = np.nextafter(1.0, 2.0)
WINDOW, WINDOWS = 500, 2000
TARGETS = [("routing_ratio", ratio) for ratio in RATIOS] + [("accuracy", ACCURACY), ("selective_error", ALPHA)]


def read(path):
    names = ["dataset", "domain", "slm", "llm", "method"]
    return pd.read_parquet(path, read_dictionary=names)


class Series:
    """The rows of one method, sorted by confidence; missing ones apart."""

    def __init__(self, frame):
        confidence = frame["confidence"].to_numpy()
        dataset = frame["dataset"].cat.codes.to_numpy()
        slm, llm = frame["slm_correct"].to_numpy(dtype=bool), frame["llm_correct"].to_numpy(dtype=bool)
        scored = np.flatnonzero(~np.isnan(confidence))
        order = scored[np.argsort(confidence[scored], kind="stable")]
        self.row = order
        self.confidence, self.dataset, self.slm, self.llm = (v[order] for v in (confidence, dataset, slm, llm))
        self.bin = np.minimum((self.confidence * BINS).astype(np.int64), BINS - 1)
        missing = np.flatnonzero(np.isnan(confidence))
        self.missing_dataset, self.missing_slm, self.missing_llm = dataset[missing], slm[missing], llm[missing]

    def walk(self, random):
        """Scored rows by bin, in a random order within each."""
        return np.lexsort((random.random(len(self.bin)), self.bin))


class Curve:
    """Ratio and accuracy at every candidate threshold."""

    def __init__(self, confidence, slm, llm, weight, missing_rows, missing_right, scored_rows):
        ends = np.concatenate([np.flatnonzero(confidence[1:] != confidence[:-1]), [len(confidence) - 1]])
        between = (confidence[ends[:-1]] + confidence[ends[:-1] + 1]) / 2
        self.thresholds = np.concatenate([[0.0], between, [HAND_OVER_ALL]])
        scale = scored_rows / weight.sum()

        def below(values):
            return np.concatenate([[0.0], np.cumsum(weight * values)[ends]]) * scale

        self.rows = scored_rows + missing_rows
        self.ratio = (below(np.ones(len(weight))) + missing_rows) / self.rows
        slm_below, slm_wrong_below = below(slm), below(~slm)
        kept_right = slm_below[-1] - slm_below
        self.accuracy = (kept_right + below(llm) + missing_right) / self.rows
        kept = self.rows * (1 - self.ratio)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.error = np.where(kept > 0.5, (slm_wrong_below[-1] - slm_wrong_below) / kept, 0.0)
        self.last = np.concatenate([[-1.0], confidence[ends]])

    def nearest(self, ratio):
        above = np.searchsorted(self.ratio, ratio).clip(1, len(self.ratio) - 1)
        upper = self.ratio[above] - ratio < ratio - self.ratio[above - 1]
        return np.where(upper, above, above - 1)

    def first(self, reaches):
        found = np.flatnonzero(reaches)
        return int(found[0]) if len(found) else None

    def at(self, threshold):
        """The candidate that decides as any threshold does."""
        return np.searchsorted(self.last, threshold, side="left") - 1


def draw(series, walk, chosen, random):
    """The 30-bin draw: positions in the sorted series, weights, whether proportional; pool counts per bin."""
    walk = walk[chosen[walk]]
    steps = np.floor(np.arange(len(walk) + 1) * FRACTION + random.random())
    hit = np.diff(steps) > 0
    bins = series.bin[walk]
    counts = np.bincount(bins, minlength=BINS)
    drawn = np.bincount(bins[hit], minlength=BINS)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    extra = first[(counts > 0) & (drawn == 0)]
    proportional = np.concatenate([np.ones(hit.sum(), bool), np.zeros(len(extra), bool)])
    position = np.concatenate([walk[hit], walk[extra]])
    order = np.argsort(position)
    position, proportional = position[order], proportional[order]
    of_bin = counts[series.bin[position]]
    weight = np.where(of_bin * FRACTION < 1, of_bin, 1 / FRACTION)
    return position, weight, proportional, counts


def min_rows():
    n = 1
    while stats.binom.cdf(np.floor(n * ALPHA / 2), n, ALPHA) > DELTA:
        n += 1
    return n


MIN_ROWS = min_rows()


def certify(series, chosen, position, proportional):
    """Fixed-sequence testing from strict to loose on quantiles of the rows that were not drawn."""
    left = chosen.copy()
    left[position] = False
    left = series.confidence[left]
    rank = np.maximum(np.ceil(np.arange(100) / 100 * len(left)).astype(np.int64), 1) - 1
    sequence = np.unique(left[rank])[::-1]
    tested = position[proportional]
    wrong = np.concatenate([[0], np.cumsum(~series.slm[tested][::-1])])
    kept = len(tested) - np.searchsorted(series.confidence[tested], sequence)
    sequence, kept = sequence[kept >= MIN_ROWS], kept[kept >= MIN_ROWS]
    passes = stats.binom.cdf(wrong[kept], kept, ALPHA) <= DELTA
    passed = len(passes) if passes.all() else int(np.argmin(passes))
    return sequence[passed - 1] if passed else None


def fit_targets(series, walk, chosen, missing_chosen, random):
    position, weight, proportional, counts = draw(series, walk, chosen, random)
    missing_right = int(series.missing_llm[missing_chosen].sum())
    of = (series.confidence[position], series.slm[position], series.llm[position], weight)
    curve = Curve(*of, int(missing_chosen.sum()), missing_right, int(chosen.sum()))
    thresholds = list(curve.thresholds[curve.nearest(np.array(RATIOS))])
    reached = curve.first(curve.accuracy >= ACCURACY)
    thresholds.append(None if reached is None else curve.thresholds[reached])
    thresholds.append(certify(series, chosen, position, proportional))
    return position, weight, counts, curve, thresholds


def bootstrap(rows, thresholds, missing, replicates, how, random):
    """95 % intervals of ratio, accuracy and the risks per threshold; rows = (confidence, slm, llm, weight)."""
    confidence, slm, llm, weight = rows
    missing_rows, missing_right = missing
    levels = np.unique(thresholds)
    cell = np.searchsorted(levels, confidence, side="right")
    weights, of_weight = np.unique(weight, return_inverse=True)
    code = ((cell * 2 + slm) * 2 + llm) * len(weights) + of_weight
    shape = (len(levels) + 1, 2, 2, len(weights))
    size, count = int(np.prod(shape)), len(code)
    if how == "cells":
        tables = random.multinomial(count, np.bincount(code, minlength=size) / count, size=replicates)
    else:
        code = code.astype(np.int32)
        tables = np.empty((replicates, size))
        for number in range(replicates):
            tables[number] = np.bincount(code[random.integers(0, count, count, dtype=np.int32)], minlength=size)
    tables = tables.reshape(replicates, *shape) @ weights
    tables *= (weight.sum() / tables.sum(axis=(1, 2, 3)))[:, None, None, None]
    # Scaled to the rows of the pool that the sample stands for.
    below = np.cumsum(tables, axis=1)[:, :-1]
    kept = tables.sum(axis=1, keepdims=True) - below
    total = weight.sum() + missing_rows
    deferred_rows = below.sum(axis=(2, 3)) + missing_rows
    deferred_right = below[..., 1].sum(axis=2) + missing_right
    wrong, kept_rows = kept[:, :, 0].sum(axis=2), kept.sum(axis=(2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {
            "routing_ratio": deferred_rows / total,
            "accuracy": (kept[:, :, 1].sum(axis=2) + deferred_right) / total,
            "selective_error": wrong / kept_rows,
            "joint_error": wrong / total,
            "regret": kept[:, :, 0, 1] / total,
        }
    position = np.searchsorted(levels, thresholds)
    limits = {name: np.quantile(values, [0.025, 0.975], axis=0)[:, position] for name, values in figures.items()}
    return limits


def maps(confidence, correct, weight):
    isotonic = IsotonicRegression().fit(confidence, correct, sample_weight=weight)
    logistic = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    platt = logistic.fit(confidence[:, None], correct, sample_weight=weight)
    platt = [float(platt.coef_[0, 0]), float(platt.intercept_[0])]
    clipped = np.clip(confidence, np.finfo(float).eps, 1 - np.finfo(float).eps)
    features = np.column_stack([np.log(clipped), -np.log1p(-clipped)])
    beta = logistic.fit(features, correct, sample_weight=weight)
    return {
        "isotonic": {"x": isotonic.X_thresholds_.tolist(), "y": isotonic.y_thresholds_.tolist()},
        "platt": platt,
        "beta": [*beta.coef_[0].tolist(), float(beta.intercept_[0])],
    }


def psi(counts, reference):
    q = (counts + 0.5) / (counts.sum() + BINS / 2)
    p = (reference + 0.5) / (reference.sum() + BINS / 2)
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def drift_levels(counts, missing, random):
    reference = np.append(counts, missing)
    windows = random.multinomial(WINDOW, reference / reference.sum(), size=(2, WINDOWS))

    def figures(windows):
        scored = windows[:, :BINS]
        share = np.cumsum(scored, axis=1) / scored.sum(axis=1, keepdims=True)
        ks = np.abs(share - np.cumsum(counts) / counts.sum()).max(axis=1)
        return np.stack([[psi(window, counts) for window in scored], ks, windows[:, BINS] / WINDOW])

    levels = np.quantile(figures(windows[0]), 1 - 0.01 / 3, axis=1)
    alarms = (figures(windows[1]) > levels[:, None]).any(axis=0).mean()
    return {"levels": levels.tolist(), "false_alarms_per_10k_decisions": float(alarms * 10_000 / WINDOW)}


def estimates(curve, thresholds, limits):
    points = []
    for (kind, value), threshold, number in zip(TARGETS, thresholds, range(len(thresholds))):
        if threshold is None:
            points.append({"kind": kind, "value": value, "threshold": None})
            continue
        at = curve.at(threshold)
        low_high = {} if limits is None else {name: both[:, number].tolist() for name, both in limits.items()}
        points.append(
            {"kind": kind, "value": value, "threshold": float(threshold), "routing_ratio": float(curve.ratio[at]),
             "accuracy": float(curve.accuracy[at]), "selective_error": float(curve.error[at]), "intervals": low_high}
        )
    return points


def intervals(rows, thresholds, missing, arguments, random):
    """Limits per threshold, None standing for a threshold that there is not."""
    if arguments.bootstrap == 0:
        return None
    filled = np.array([0.0 if threshold is None else threshold for threshold in thresholds])
    return bootstrap(rows, filled, missing, arguments.bootstrap, arguments.resample, random)


def fit(arguments):
    frame, random = read(arguments.scores), np.random.default_rng(50)
    document, drawn = {}, []
    for method, of_method in frame.groupby("method", observed=True):
        series = Series(of_method)
        chosen, missing = np.ones(len(series.row), bool), np.ones(len(series.missing_llm), bool)
        position, weight, counts, curve, thresholds = fit_targets(series, series.walk(random), chosen, missing, random)
        rows = (series.confidence[position], series.slm[position], series.llm[position], weight * len(series.row) / weight.sum())
        of_missing = (len(missing), int(series.missing_llm.sum()))
        # The smallest ratio of a grid whose lower limit reaches the accuracy needs the grid's intervals, too.
        grid = list(curve.thresholds[curve.nearest(GRID)])
        limits = intervals(rows, thresholds + grid, of_missing, arguments, random)
        points = estimates(curve, thresholds, limits)
        if limits is not None:
            sure = np.flatnonzero(limits["accuracy"][0, len(thresholds):] >= ACCURACY)
            points[len(RATIOS)]["conservative"] = float(grid[sure[0]]) if len(sure) else None
        document[method] = {
            "operating_points": points,
            "maps": maps(rows[0], rows[1], weight),
            "reference": counts.tolist(),
            "drift": drift_levels(counts, len(missing), random),
        }
        calibration = of_method.iloc[series.row[position]].copy()
        calibration["bin"], calibration["weight"] = series.bin[position], weight
        drawn.append(calibration)
    pd.concat(drawn).to_parquet(arguments.out / "calibration.parquet")
    (arguments.out / "thresholds.json").write_text(json.dumps(document))


class HeldOut:
    """What does not depend on a draw."""

    def __init__(self, series, dataset):
        self.own, self.own_missing = series.dataset == dataset, series.missing_dataset == dataset
        of = self.own
        ones = np.ones(int(of.sum()))
        self.rows = (series.confidence[of], series.slm[of], series.llm[of], ones)
        self.missing = (int(self.own_missing.sum()), int(series.missing_llm[self.own_missing].sum()))
        self.curve = Curve(*self.rows, *self.missing, len(ones))
        curve = self.curve
        self.own_grid = curve.accuracy[curve.nearest(GRID)]
        of_missing = self.own_missing
        slm = np.concatenate([self.rows[1], series.missing_slm[of_missing]])
        llm = np.concatenate([self.rows[2], series.missing_llm[of_missing]])
        self.slm, self.llm, self.uplift = float(slm.mean()), float(llm.mean()), float((~slm & llm).mean())
        self.counts = np.bincount(series.bin[of], minlength=BINS)
        self.ks = float(stats.ks_2samp(self.rows[0], series.confidence[~of], method="asymp").statistic)


def evaluate(held, curve, counts, thresholds, arguments, random):
    limits = intervals(held.rows, thresholds, held.missing, arguments, random)
    points = estimates(held.curve, thresholds, limits)
    own = held.curve
    oracles = list(own.accuracy[own.nearest(np.array(RATIOS))])
    for reaches in (own.accuracy >= ACCURACY, own.error <= ALPHA):
        first = own.first(reaches)
        oracles.append(None if first is None else own.accuracy[first])
    transferred = own.accuracy[own.at(curve.thresholds[curve.nearest(GRID)])]
    shared = {
        "curve_rmse": float(np.sqrt(np.mean((transferred - held.own_grid) ** 2))),
        "random_curve_rmse": float(np.sqrt(np.mean((held.slm + GRID * (held.llm - held.slm) - held.own_grid) ** 2))),
        "ks": held.ks,
        "psi": float(psi(held.counts, counts)),
        "rows": own.rows,
    }
    for point, threshold, oracle in zip(points, thresholds, oracles):
        point.update(shared, oracle_accuracy=oracle)
        for name, (low, high) in point.pop("intervals", {}).items():
            point[f"{name}_low"], point[f"{name}_high"] = low, high
        if threshold is not None:
            predicted, ratio = curve.at(threshold), point["routing_ratio"]
            point["predicted_routing_ratio"] = float(curve.ratio[predicted])
            point["predicted_accuracy"] = float(curve.accuracy[predicted])
            point["random_accuracy"] = held.slm + ratio * (held.llm - held.slm)
            point["upper_bound_accuracy"] = held.slm + min(ratio, held.uplift)
            point["violated"] = point["kind"] == "selective_error" and point["selective_error"] > ALPHA
    return points


def transfer(arguments):
    frame, random = read(arguments.scores), np.random.default_rng(50)
    frame = frame.drop(columns="question_id")
    datasets, rows = frame["dataset"].cat.categories, []
    for method, of_method in frame.groupby("method", observed=True):
        series = Series(of_method)
        walks = [series.walk(random) for _ in range(arguments.repeats)]
        for code, dataset in enumerate(datasets):
            held = HeldOut(series, code)
            for repeat, walk in enumerate(walks):
                _, _, counts, curve, thresholds = fit_targets(series, walk, ~held.own, ~held.own_missing, random)
                points = evaluate(held, curve, counts, thresholds, arguments, random)
                rows += [{"method": method, "held_out": dataset, "repeat": repeat, **point} for point in points]
    pd.DataFrame(rows).to_parquet(arguments.out / "transfer.parquet")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["fit", "transfer"])
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bootstrap", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--resample", choices=["rows", "cells"], default="rows")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    {"fit": fit, "transfer": transfer}[arguments.command](arguments)


if __name__ == "__main__":
    main()
