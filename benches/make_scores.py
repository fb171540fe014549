"""Writes a synthetic score table: 14 datasets, 4 methods, one SLM and one LLM.

    python make_scores.py ROWS FILE.parquet

ROWS / 4 questions, each scored by every method. Whether the models are right depends on a hidden easiness of the
question; a confidence is the easiness through noise. One method says one of nine values (as verbalised numbers do),
three are smooth; 1 % of the scores are missing. Deterministic.
"""

import sys

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

DATASETS = {
    "math": ["aqua", "gsm8k", "multiarith", "svamp"],
    "commonsense": ["commonsense_qa", "hellaswag", "openbookqa", "piqa", "truthfulqa", "winogrande"],
    "reading": ["boolq", "coqa"],
    "knowledge": ["mmlu", "social_iqa"],
}
VALUES = numpy.array([0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0])
CUTS = numpy.array([0.02, 0.08, 0.12, 0.2, 0.3, 0.55, 0.78, 0.86])
MISSING = 0.01
CHUNK = 1_000_000


def logistic(x):
    return 1 / (1 + numpy.exp(-x))


def confidence(method, easy, random):
    noisy = easy + random.normal(0, 1.2, len(easy))
    if method == "verbalized":
        return VALUES[numpy.searchsorted(CUTS, logistic(1.1 * noisy))]
    if method == "mean_token_probability":
        return 0.5 + 0.5 * logistic(noisy + 0.6)
    if method == "perplexity":
        return logistic(0.8 * noisy + 0.2) ** 1.5
    return logistic(3 * noisy)  # p_true: much mass at both ends


def main(rows, path):
    random = numpy.random.default_rng(20250207)
    names = [(name, domain) for domain, names in DATASETS.items() for name in names]
    share = numpy.arange(4, 4 + len(names))
    questions = numpy.diff(numpy.round(numpy.concatenate([[0], numpy.cumsum(share)]) / share.sum() * (rows // 4))).astype(int)
    writer = None
    for method in ["mean_token_probability", "p_true", "perplexity", "verbalized"]:
        for index, ((dataset, domain), count) in enumerate(zip(names, questions)):
            # The same questions and grades for every method.
            truth = numpy.random.default_rng([20250207, index])
            easy = truth.normal(0.25 * (index % 5) - 0.2, 1.3, count)
            slm = truth.random(count) < logistic(easy)
            llm = truth.random(count) < logistic(0.7 * easy + 1.4)
            scores = confidence(method, easy, random)
            missing = random.random(count) < MISSING
            for start in range(0, count, CHUNK):
                part = slice(start, min(start + CHUNK, count))
                size = part.stop - part.start
                text = pyarrow.scalar
                ids = pyarrow.compute.binary_join_element_wise(
                    text(f"{dataset}/test/"), pyarrow.array(numpy.arange(part.start, part.stop)).cast(pyarrow.string()), ""
                )
                fixed = {"dataset": dataset, "domain": domain, "slm": "slm-3b", "llm": "llm-70b", "method": method}
                table = pyarrow.table(
                    {"question_id": ids}
                    | {key: pyarrow.repeat(text(value), size) for key, value in fixed.items()}
                    | {
                        "confidence": pyarrow.array(scores[part], mask=missing[part]),
                        "slm_correct": pyarrow.array(slm[part]),
                        "llm_correct": pyarrow.array(llm[part]),
                    }
                )
                writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
                writer.write_table(table)
    writer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
