"""Writes scores.csv beside it: synthetic scores of a synthetic pair of models, so that a pipeline can be tried without any data.

    python scores.py

A question has a difficulty d. The small model is right with probability 1 - d, the large one with 1 - d / 3.
`token_probability` sees the difficulty through noise; `stated` is what a model might say when it is asked how sure it
is: one of six round numbers, too high, sometimes nothing.
"""

import csv
import random
from pathlib import Path

DATASETS = {"arithmetic": ("math", 0.55), "percentages": ("math", 0.65), "idioms": ("commonsense", 0.35), "weather": ("commonsense", 0.45)}
QUESTIONS = 400
COLUMNS = ["question_id", "dataset", "domain", "slm", "llm", "method", "confidence", "slm_correct", "llm_correct", "slm_cost", "llm_cost"]


def clip(x):
    return min(max(x, 0.0), 1.0)


def stated(sure, rng):
    if rng.random() < 0.03:
        return ""
    return min([0.5, 0.7, 0.8, 0.9, 0.95, 1.0], key=lambda number: abs(number - clip(0.45 + 0.6 * sure + rng.gauss(0, 0.12))))


def main():
    rng = random.Random(50)
    with open(Path(__file__).with_name("scores.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for dataset, (domain, mean) in DATASETS.items():
            for number in range(QUESTIONS):
                difficulty = clip(rng.betavariate(4 * mean, 4 * (1 - mean)))
                slm, llm = rng.random() < 1 - difficulty, rng.random() < 1 - difficulty / 3
                sure = clip(1 - difficulty + rng.gauss(0, 0.15))
                costs = [f"{rng.uniform(1e-5, 3e-5):.6f}", f"{rng.uniform(4e-4, 9e-4):.5f}"]
                for method, confidence in [("token_probability", f"{sure:.4f}"), ("stated", stated(sure, rng))]:
                    key = [f"{dataset}-{number}", dataset, domain, "tiny", "big", method]
                    writer.writerow([*key, confidence, str(slm).lower(), str(llm).lower(), *costs])


if __name__ == "__main__":
    main()
