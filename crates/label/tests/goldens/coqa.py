"""Writes coqa.json: exact match and F1 as the official CoQA script (coqa-evaluate-v1.0.py) defines them.

Written from the definition in the CoQA paper and script, independently of the Rust code; standard library only.
Run: python3 coqa.py > coqa.json
"""

import json
import random
import re
import string
import sys
from collections import Counter

assert sys.version_info >= (3, 9), "lower() and \\b follow the Unicode tables of Python 3.9 or newer"


def normalize(text):
    text = text.lower()
    text = "".join(c for c in text if c not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


def exact(gold, answer):
    return float(normalize(gold) == normalize(answer))


def f1(gold, answer):
    gold, answer = normalize(gold).split(), normalize(answer).split()
    if not gold or not answer:
        return float(gold == answer)
    common = sum((Counter(gold) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def turn(metric, golds, answer):
    if len(golds) == 1:
        return metric(golds[0], answer)
    best = [max(metric(g, answer) for j, g in enumerate(golds) if j != i) for i in range(len(golds))]
    return sum(best) / len(golds)


WORDS = ("the The a an cat dog's white-house  U.S. 3,000 \u00c9cole \u00e9cole na\u00efve don't (yes) no... \u201cquoted\u201d the, a.m. "
         "\u2014 ANN theatre another \u0130stanbul Stra\u00dfe \u6771\u4eac a\u201cb the\u00a0end x\ty \u03a3\u03a3 ? !").split(" ")


def text(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(0, 7)))


def main():
    rng = random.Random(20250502)
    rows = []
    for _ in range(400):
        golds = [text(rng) for _ in range(rng.randrange(1, 5))]
        answer = rng.choice(golds) if rng.random() < 0.3 else text(rng)
        rows.append({
            "golds": golds, "answer": answer, "tokens": normalize(answer).split(),
            "exact": turn(exact, golds, answer), "f1": turn(f1, golds, answer),
            "best_exact": max(exact(g, answer) for g in golds), "best_f1": max(f1(g, answer) for g in golds),
        })
    json.dump(rows, sys.stdout, ensure_ascii=True, indent=0)
    print()


main()
