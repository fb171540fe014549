"""Writes real_files.json beside it: what scikit-learn and scipy say of the MMLU-Pro logs.

    PLIMSOLL_REAL_DATA=FOLDER python real_files.py

FOLDER holds `real_outputs/tao-mmlu-pro-confidence/*.csv`. Only aggregates are written, never a row. One entry of
`series` per (SLM, method), with Llama-3.1-70B as the LLM; the 14 categories are the datasets. Keys of an entry:

    rows, missing, slm_correct, llm_correct   counts; an answer that was not parsed counts as wrong
    brier_raw        mean of (confidence - correct)^2 over the scored rows
    isotonic         knots of IsotonicRegression on all scored rows (x, y), and its Brier score on them
    ks               per category, statistic of ks_2samp(its scored rows, all others')
    kept             at some thresholds: rows with confidence >= t, the wrong ones, the wrong ones that the LLM gets
                     right, one-sided Clopper-Pearson upper limits (beta.isf) per delta, binomial tails per alpha
    roc_auc          roc_auc_score of the scored rows: `*` = all, and per category
    aurc             (1/n) sum over k of (wrong among the k most confident) / k, every tied row counted with the
                     share of wrong rows at its confidence: `*` = all, and per category
"""

import hashlib
import json
import os
from pathlib import Path

import numpy
import pandas
import scipy
import sklearn
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

VERSIONS = {"numpy": "2.4.6", "pandas": "3.1.1", "scipy": "1.17.1", "scikit-learn": "1.9.1"}
assert numpy.__version__ == VERSIONS["numpy"]
assert pandas.__version__ == VERSIONS["pandas"]
assert scipy.__version__ == VERSIONS["scipy"]
assert sklearn.__version__ == VERSIONS["scikit-learn"]

FOLDER = Path(os.environ["PLIMSOLL_REAL_DATA"]) / "real_outputs" / "tao-mmlu-pro-confidence"
FILES = {
    "llama-3.2-3b": "mmlu_pro_Llama-3.2-3B-Instruct-Turbo_eval_all_None.csv",
    "llama-3.1-8b": "mmlu_pro_Meta-Llama-3.1-8B-Instruct-Turbo_eval_all_None.csv",
    "llama-3.1-70b": "mmlu_pro_Meta-Llama-3.1-70B-Instruct-Turbo_eval_all_None.csv",
}
LLM = "llama-3.1-70b"
METHODS = {
    "verbalized_number": "verbal_numerical_confidence",
    "mean_token_probability": "logit_perplexity_confidence",
    "linguistic": "verbal_linguistic_confidence",
}
THRESHOLDS = [0.0, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]
DELTAS = [0.2, 0.1, 0.05, 0.001]
ALPHAS = [0.1, 0.3, 0.5, 0.6]


def number(text):
    return float(text) if text else numpy.nan


def read(name):
    # Parsed by Python itself, exactly.
    frame = pandas.read_csv(FOLDER / FILES[name], converters=dict.fromkeys(METHODS.values(), number))
    frame["right"] = (frame["extracted_answer"] == frame["correct_answer"]).astype(int)
    return frame


def aurc(confidence, right):
    levels, place = numpy.unique(confidence, return_inverse=True)
    share = numpy.bincount(place, weights=1 - right) / numpy.bincount(place)
    wrong = share[numpy.sort(place)[::-1]]
    return float(numpy.mean(numpy.cumsum(wrong) / numpy.arange(1, len(wrong) + 1)))


def kept(confidence, right, llm_right, threshold):
    keep = confidence >= threshold
    n, k = int(keep.sum()), int((1 - right[keep]).sum())
    upper = [float(stats.beta.isf(delta, k + 1, n - k)) if k < n else 1.0 for delta in DELTAS]
    return {
        "threshold": threshold,
        "rows": n,
        "wrong": k,
        "regret": int(((1 - right[keep]) * llm_right[keep]).sum()),
        "upper": upper,
        "tail": [float(stats.binom.cdf(k, n, alpha)) for alpha in ALPHAS],
    }


def series(slm, method, small, large):
    category, column = small["category"].to_numpy(), small[METHODS[method]].to_numpy(dtype=float)
    scored = numpy.isfinite(column)
    confidence, right = column[scored], small["right"].to_numpy()[scored]
    llm_right, of = large["right"].to_numpy()[scored], category[scored]
    isotonic = IsotonicRegression().fit(confidence, right)
    names = sorted(set(category))
    per = {"*": numpy.ones(len(of), dtype=bool)} | {name: of == name for name in names}
    return {
        "slm": slm,
        "method": method,
        "rows": len(column),
        "missing": int((~scored).sum()),
        "slm_correct": int(small["right"].sum()),
        "llm_correct": int(large["right"].sum()),
        "brier_raw": float(brier_score_loss(right, confidence)),
        "isotonic": {
            "x": isotonic.X_thresholds_.tolist(),
            "y": isotonic.y_thresholds_.tolist(),
            "brier": float(brier_score_loss(right, isotonic.predict(confidence))),
        },
        "ks": {
            name: float(stats.ks_2samp(confidence[per[name]], confidence[~per[name]], method="asymp").statistic)
            for name in names
        },
        "kept": [kept(confidence, right, llm_right, threshold) for threshold in THRESHOLDS],
        "roc_auc": {name: float(roc_auc_score(right[rows], confidence[rows])) for name, rows in per.items()},
        "aurc": {name: aurc(confidence[rows], right[rows]) for name, rows in per.items()},
    }


def main():
    frames = {name: read(name) for name in FILES}
    large = frames[LLM]
    for frame in frames.values():
        assert (frame["category"] == large["category"]).all()
        assert (frame["correct_answer"] == large["correct_answer"]).all()
    goldens = {
        "versions": VERSIONS,
        "files": {
            FILES[name]: hashlib.sha256((FOLDER / FILES[name]).read_bytes()).hexdigest() for name in FILES
        },
        "deltas": DELTAS,
        "alphas": ALPHAS,
    }
    entries = [series(slm, method, frames[slm], large) for slm in FILES if slm != LLM for method in METHODS]
    lines = [json.dumps(key) + ": " + json.dumps(value) for key, value in goldens.items()]
    body = ",\n".join(
        "{\n" + ",\n".join(json.dumps(key) + ": " + json.dumps(value) for key, value in entry.items()) + "\n}"
        for entry in entries
    )
    lines.append('"series": [\n' + body + "\n]")
    path = Path(__file__).with_name("real_files.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
