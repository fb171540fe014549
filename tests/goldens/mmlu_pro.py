"""Writes mmlu_pro.json beside it: alignment and routing curves of the MMLU-Pro logs, from scikit-learn and NumPy.

    PLIMSOLL_REAL_DATA=FOLDER python mmlu_pro.py

FOLDER holds `real_outputs/tao-mmlu-pro-confidence/*.csv`. Only aggregates are written, never a row. One entry per
(SLM, method, dataset), dataset `*` being all rows; keys are columns of the tables `alignment` and `curve_areas`, and
`curve`: at some asked ratios, [routing ratio, accuracy, kept accuracy] of the nearest reachable point, the lower on a tie.

Everything is computed from the definitions, rank by rank or candidate by candidate, without Plimsoll's shortcuts:
AURC and PRR by the share of wrong rows at each tied place; Brier and ECE of the isotonic map fitted by scikit-learn on
all other datasets; a curve by trying every threshold.
"""

import json
import os
from pathlib import Path

import numpy
import pandas
import sklearn
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

VERSIONS = {"numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1"}
assert numpy.__version__ == VERSIONS["numpy"]
assert pandas.__version__ == VERSIONS["pandas"]
assert sklearn.__version__ == VERSIONS["scikit-learn"]

FOLDER = Path(os.environ["PLIMSOLL_REAL_DATA"]) / "real_outputs" / "tao-mmlu-pro-confidence"
SLMS = {
    "llama-3.2-3b-instruct": "mmlu_pro_Llama-3.2-3B-Instruct-Turbo_eval_all_None.csv",
    "llama-3.1-8b-instruct": "mmlu_pro_Meta-Llama-3.1-8B-Instruct-Turbo_eval_all_None.csv",
}
LLM = "mmlu_pro_Meta-Llama-3.1-70B-Instruct-Turbo_eval_all_None.csv"
METHODS = {
    "verbalized_number": "verbal_numerical_confidence",
    "mean_token_probability": "logit_perplexity_confidence",
    "linguistic_confidence": "verbal_linguistic_confidence",
}
ECE_BINS = 15
RATIOS = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]


def read(name):
    number = lambda text: float(text) if text else numpy.nan
    frame = pandas.read_csv(FOLDER / name, converters=dict.fromkeys(METHODS.values(), number))
    frame["right"] = (frame["extracted_answer"] == frame["correct_answer"]).astype(int)
    frame["dataset"] = frame["category"].str.replace(" ", "_")
    return frame


def ranked_wrong(confidence, right):
    levels, place = numpy.unique(confidence, return_inverse=True)
    share = numpy.bincount(place, weights=1 - right) / numpy.bincount(place)
    return share[numpy.sort(place)[::-1]]


def running_mean(wrong):
    return float(numpy.mean(numpy.cumsum(wrong) / numpy.arange(1, len(wrong) + 1)))


def ece(probability, right):
    place = numpy.minimum((probability * ECE_BINS).astype(int), ECE_BINS - 1)
    total = 0.0
    for index in range(ECE_BINS):
        inside = place == index
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - probability[inside].mean())
    return float(total)


def alignment(confidence, right, probability):
    wrong = ranked_wrong(confidence, right)
    aurc, perfect, rate = running_mean(wrong), running_mean(numpy.sort(1 - right)), float(wrong.mean())
    return {
        "roc_auc": float(roc_auc_score(right, confidence)),
        "aurc": aurc,
        "e_aurc": aurc - perfect,
        "prr": (rate - aurc) / (rate - perfect),
        "brier_raw": float(brier_score_loss(right, confidence)),
        "brier": float(brier_score_loss(right, probability)),
        "ece": ece(probability, right),
    }


def candidates(confidence, slm, llm):
    """(routing ratio, accuracy, kept accuracy) of every threshold; a missing confidence is always deferred."""
    value = numpy.where(numpy.isnan(confidence), -1.0, confidence)
    points = []
    for threshold in [*numpy.unique(value[value >= 0]), 2.0]:
        keep = value >= threshold
        accuracy = (slm[keep].sum() + llm[~keep].sum()) / len(value)
        points.append((float((~keep).mean()), float(accuracy), float(slm[keep].mean()) if keep.any() else None))
    return points


def hull_mean(points):
    """Mean height of the non-decreasing concave hull: at each ratio the best mix of two points."""
    x = numpy.array([point[0] for point in points])
    y = numpy.maximum.accumulate(numpy.array([point[1] for point in points]))
    hull = []
    for point in zip(x, y):
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0) >= 0:
                hull.pop()
            else:
                break
        hull.append(point)
    return float(numpy.trapezoid([p[1] for p in hull], [p[0] for p in hull]) / (x[-1] - x[0]))


def areas(points, slm, llm):
    weak, strong = slm.mean(), llm.mean()
    path = [(0.0, weak), *[(point[0], point[1]) for point in points]]
    area = float(numpy.trapezoid([p[1] for p in path], [p[0] for p in path]))
    better = strong > weak
    reach = lambda share: next((p[0] for p in path if p[1] >= weak + share * (strong - weak) - 1e-12), None)
    return {
        "always_slm_accuracy": float(weak),
        "always_llm_accuracy": float(strong),
        "only_llm_correct": float((llm * (1 - slm)).mean()),
        "only_slm_correct": float((slm * (1 - llm)).mean()),
        "area": area,
        "apgr": float((area - weak) / (strong - weak)) if better else None,
        "cpt_20": reach(0.2) if better else None,
        "cpt_50": reach(0.5) if better else None,
        "cpt_80": reach(0.8) if better else None,
        "aiq": hull_mean(points),
    }


def nearest(points, ratio):
    distance = [round(abs(point[0] - ratio), 12) for point in points]
    return points[distance.index(min(distance))]


def entry(slm, method, dataset, confidence, right, llm, probability):
    scored = ~numpy.isnan(confidence)
    points = candidates(confidence, right, llm)
    return {
        "slm": slm,
        "method": method,
        "dataset": dataset,
        "rows": len(confidence),
        "missing": int((~scored).sum()),
        "accuracy": float(right.mean()),
        **alignment(confidence[scored], right[scored], probability[scored]),
        **areas(points, right, llm),
        "curve": [list(nearest(points, ratio)) for ratio in RATIOS],
    }


def entries(slm, method, small, large):
    confidence = small[METHODS[method]].to_numpy(dtype=float)
    right, llm, dataset = small["right"].to_numpy(), large["right"].to_numpy(), small["dataset"].to_numpy()
    probability = numpy.full(len(confidence), numpy.nan)
    scored = ~numpy.isnan(confidence)
    for name in numpy.unique(dataset):
        outside, inside = scored & (dataset != name), scored & (dataset == name)
        fitted = IsotonicRegression(out_of_bounds="clip").fit(confidence[outside], right[outside])
        probability[inside] = fitted.predict(confidence[inside])
    parts = {name: dataset == name for name in numpy.unique(dataset)} | {"*": numpy.ones(len(dataset), dtype=bool)}
    for name, rows in parts.items():
        yield entry(slm, method, str(name), confidence[rows], right[rows], llm[rows], probability[rows])


def main():
    large = read(LLM)
    written = []
    for slm, file in SLMS.items():
        small = read(file)
        assert (small["correct_answer"] == large["correct_answer"]).all()
        for method in METHODS:
            written.extend(entries(slm, method, small, large))
    head = f'"versions": {json.dumps(VERSIONS)},\n"ratios": {json.dumps(RATIOS)},\n"entries": [\n'
    body = ",\n".join(json.dumps(item) for item in written)
    Path(__file__).with_name("mmlu_pro.json").write_text("{\n" + head + body + "\n]\n}\n")


if __name__ == "__main__":
    main()
