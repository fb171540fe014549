"""Writes numerics.json beside it: what scikit-learn, scipy and numpy say of made-up data.

    python numerics.py

Where a library stops early (L-BFGS, `beta.ppf`) or has no such fit (beta calibration with a sign rule), the
optimum is found by scipy and polished by Newton steps with gradients in extended precision.
"""

import json
from pathlib import Path

import numpy
import scipy
import sklearn
from scipy import optimize, stats
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression

VERSIONS = {"numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1"}
assert numpy.__version__ == VERSIONS["numpy"]
assert scipy.__version__ == VERSIONS["scipy"]
assert sklearn.__version__ == VERSIONS["scikit-learn"]
assert numpy.finfo(numpy.longdouble).eps < 2e-19, "needs extended precision"

CLIP = numpy.finfo(float).eps


def newton(features, target, weight):
    """Weighted logistic regression, unregularised; the last column of features is 1."""

    def parts(theta):
        z = features.astype(numpy.longdouble) @ theta
        p = 1 / (1 + numpy.exp(-z))
        gradient = features.T @ (weight * (p - target))
        hessian = (features * (weight * p * (1 - p)).astype(float)[:, None]).T @ features
        return gradient, hessian

    def loss(theta):
        z = features @ theta
        return numpy.sum(weight * (numpy.logaddexp(0, z) - target * z))

    start = optimize.minimize(
        loss, numpy.zeros(features.shape[1]), jac=lambda t: parts(t)[0].astype(float), method="BFGS"
    )
    theta = start.x.astype(numpy.longdouble)
    for _ in range(60):
        gradient, hessian = parts(theta)
        theta = theta - numpy.linalg.solve(hessian, gradient.astype(float))
    gradient, _ = parts(theta)
    assert numpy.all(numpy.abs(gradient) < 1e-13 * weight.sum()), gradient
    return [float(value) for value in theta]


def platt(confidence, correct, weight):
    right, wrong = weight[correct == 1].sum(), weight[correct == 0].sum()
    target = numpy.where(correct == 1, (right + 1) / (right + 2), 1 / (wrong + 2))
    slope, offset = newton(numpy.column_stack([confidence, numpy.ones_like(confidence)]), target, weight)
    early = _sigmoid_calibration(confidence, correct.astype(float), weight)
    return {"a": -slope, "b": -offset, "sklearn_a": float(early[0]), "sklearn_b": float(early[1])}


def beta(confidence, correct, weight):
    """The rule of betacal: refit without a feature whose weight is negative."""
    clipped = numpy.clip(confidence, CLIP, 1 - CLIP)
    rise, fall, one = numpy.log(clipped), -numpy.log1p(-clipped), numpy.ones_like(clipped)
    if len(numpy.unique(clipped)) == 2:
        slope, intercept = newton(numpy.column_stack([rise + fall, one]), correct, weight)
        return {"a": slope, "b": slope, "intercept": intercept}
    a, b, intercept = newton(numpy.column_stack([rise, fall, one]), correct, weight)
    if a < 0:
        a, (b, intercept) = 0.0, newton(numpy.column_stack([fall, one]), correct, weight)
    elif b < 0:
        b, (a, intercept) = 0.0, newton(numpy.column_stack([rise, one]), correct, weight)
    if min(a, b) < 0:
        share = numpy.average(correct, weights=weight)
        a, b, intercept = 0.0, 0.0, float(numpy.log(share / (1 - share)))
    return {"a": a, "b": b, "intercept": intercept}


def sample(random, confidence, rate, weight=None):
    correct = (random.random(len(confidence)) < rate).astype(int)
    weight = numpy.ones(len(confidence)) if weight is None else weight
    return confidence, correct, weight


def samples(random):
    def spread(count):
        return numpy.round(random.random(count), 6)

    c = spread(250)
    yield "smooth", sample(random, c, c**2)
    c = spread(200)
    yield "weighted", sample(random, c, 0.2 + 0.6 * c, numpy.round(0.05 + 3 * random.random(200), 3))
    c = random.integers(0, 11, 300) / 10
    yield "eleven levels with ends", sample(random, c, 0.1 + 0.8 * c, random.integers(1, 6, 300).astype(float))
    c = random.choice([0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0], 300)
    yield "verbalised", sample(random, c, c - 0.3)
    c = numpy.round(1 - 10.0 ** (-8 * random.random(200)), 12)
    yield "sure of itself", sample(random, c, 0.6 + 0.3 * (c > 0.999))
    c = spread(200)
    yield "falling", sample(random, c, 1 - c)
    c = spread(300)
    yield "high at both ends", sample(random, c, 0.05 + 0.9 * numpy.abs(2 * c - 1) ** 0.5 * (0.6 + 0.4 * c))
    c = spread(300)
    yield "high in the middle", sample(random, c, 0.9 - 0.85 * numpy.abs(2 * c - 1) ** 1.5 * (1.2 - 0.3 * c))
    c = spread(400)
    yield "rarely wrong", sample(random, c, 0.985)
    c = random.choice([0.3, 0.8], 60)
    yield "two levels", sample(random, c, c)
    c = spread(60)
    yield "separated", (c, (c > 0.4).astype(int), numpy.ones(60))


def map_case(name, confidence, correct, weight):
    isotonic = IsotonicRegression().fit(confidence, correct, sample_weight=weight)
    fitted = None if name == "separated" else beta(confidence, correct, weight)
    return {
        "name": name,
        "confidence": confidence.tolist(),
        "correct": correct.tolist(),
        "weight": weight.tolist(),
        "isotonic": {"x": isotonic.X_thresholds_.tolist(), "y": isotonic.y_thresholds_.tolist()},
        "platt": platt(confidence, correct, weight),
        "beta": fitted,
    }


def tail_cases():
    grid = [(0, 45), (2, 100), (5, 200), (80, 1000), (1, 3), (3, 3), (0, 1), (499, 1000), (999, 1000)]
    grid += [(7, 100_000), (51_234, 1_000_000), (3, 10_000_000), (1_000, 10_000_000), (4_998_000, 10_000_000)]
    grid += [(9_999_990, 10_000_000), (0, 10_000_000)]
    for k, n in grid:
        for factor in (0.5, 0.97, 1.0, 1.03, 1.7):
            p = min(max(k, 0.3) / n * factor, 1 - 1e-9)
            yield {"k": k, "n": n, "p": p, "cdf": float(stats.binom.cdf(k, n, p))}


def polished(start, tail, density, delta):
    """The root of tail = delta. `beta.ppf` stops early: 3e-8 off for k = 1000, n = 1e7, delta = 1e-3."""
    p, step = start, 1.0
    for _ in range(4):
        step = (tail(p) - delta) / density(p)
        p -= step
    assert abs(step) < 1e-12 * p, (start, p, step)
    return float(p)


def upper_limit(k, n, delta):
    law = stats.beta(k + 1, n - k)
    return polished(law.isf(delta), law.sf, lambda p: -law.pdf(p), delta)


def lower_limit(k, n, delta):
    law = stats.beta(k, n - k + 1)
    return polished(law.ppf(delta), law.cdf, law.pdf, delta)


def limit_cases():
    grid = [(0, 45), (2, 100), (5, 200), (80, 1000), (1, 3), (3, 3), (0, 1), (500, 1000), (999, 1000)]
    grid += [(1, 100_000), (7, 1_000_000), (51_234, 1_000_000), (3, 10_000_000), (1_000, 10_000_000)]
    grid += [(5_000_123, 10_000_000), (9_999_990, 10_000_000), (0, 10_000_000)]
    for k, n in grid:
        for delta in (0.5, 0.1, 0.05, 1e-3, 1e-9):
            upper = 1.0 if k == n else upper_limit(k, n, delta)
            lower = 0.0 if k == 0 else lower_limit(k, n, delta)
            yield {"k": k, "n": n, "delta": delta, "upper": upper, "lower": lower}


def distance_cases(random):
    for size_a, size_b, levels in [(1, 1, 3), (20, 35, 7), (60, 60, 10_000), (5, 90, 12), (80, 40, 2)]:
        a = numpy.sort(random.integers(0, levels, size_a) / levels)
        b = numpy.sort(random.integers(0, levels, size_b) / levels)
        statistic = float(stats.ks_2samp(a, b).statistic)
        yield {"a": a.tolist(), "b": b.tolist(), "statistic": statistic}


def quantile_cases(random):
    for size in (1, 2, 9, 100):
        values = numpy.sort(numpy.round(random.random(size), 3))
        p = [0.0, 0.013, 0.25, 1 / 3, 0.5, 0.731, 0.9, 0.999, 1.0]
        yield {
            "sorted": values.tolist(),
            "p": p,
            "linear": numpy.quantile(values, p, method="linear").tolist(),
            "lower": numpy.quantile(values, p, method="inverted_cdf").tolist(),
        }


def main():
    random = numpy.random.default_rng(20250207)
    goldens = {
        "versions": VERSIONS,
        "maps": [map_case(name, *rows) for name, rows in samples(random)],
        "tails": list(tail_cases()),
        "limits": list(limit_cases()),
        "distances": list(distance_cases(random)),
        "quantiles": list(quantile_cases(random)),
    }
    lines = [
        json.dumps(key) + ": " + (
            "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"
            if isinstance(cases, list)
            else json.dumps(cases)
        )
        for key, cases in goldens.items()
    ]
    path = Path(__file__).with_name("numerics.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
