"""Counts and gold answers of the real files, read without Plimsoll. Writes real_questions.json.

    PLIMSOLL_REAL_DATA=path/to/data python3 real_questions.py

Standard library only, so that nothing is shared with the Rust readers. It writes aggregates, no rows: per
file the number of rows, questions and refused rows, and a SHA-256 over the gold answers, one line each:
for choices the accepted letters (the named one first), a tab and the text of the named one; for TruthfulQA,
whose order is shuffled, the text alone; else the accepted answers joined by tabs.
"""

import csv
import decimal
import glob
import hashlib
import io
import json
import os
import re
import sys

assert sys.version_info >= (3, 9)
ROOT = os.environ["PLIMSOLL_REAL_DATA"]
UNLABELLED = "unlabelled"


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8-sig", newline="") as file:
        return file.read()


def lines(path):
    return [json.loads(line) for line in re.split(r"\r\n|\n", text(path)) if line.strip()]


def labels(path):
    beside = re.sub(r"\.jsonl$", "-labels.lst", path)
    return text(beside).split() if os.path.exists(os.path.join(ROOT, beside)) else None


def number(value):
    value = decimal.Decimal(str(value).replace(",", ""))
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def choice(texts, gold):
    texts = [one.strip() for one in texts]
    accepted = [gold] + [i for i, one in enumerate(texts) if one == texts[gold] and i != gold]
    return ",".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i] for i in accepted) + "\t" + texts[gold]


def aqua(path):
    for row in lines(path):
        yield choice(
            [re.sub(rf"^({letter}\)\s*)+", "", option) for letter, option in zip("ABCDE", row["options"])],
            "ABCDE".index(row["correct"]),
        )


def gsm8k(path):
    for row in lines(path):
        yield number(row["answer"].split("#### ")[1])


def multiarith(path):
    for row in json.loads(text(path)):
        yield number(row["lSolutions"][0])


def svamp(path):
    if path.endswith(".csv"):
        for row in csv.DictReader(io.StringIO(text(path), newline="")):
            yield number(row["Answer"])
    else:
        for row in json.loads(text(path)):
            yield number(row["Answer"])


def nested(path):
    for row in lines(path):
        if "answerKey" not in row:
            yield None
            continue
        choices = row["question"]["choices"]
        yield choice([one["text"] for one in choices], [one["label"] for one in choices].index(row["answerKey"]))


def hellaswag(path):
    if path.endswith(".txt"):
        rows = text(path).split("\n")
        for start in range(0, len(rows) - 5, 6):
            yield choice(rows[start + 2 : start + 6], int(rows[start + 1]))
    else:
        for row in lines(path):
            yield choice(row["endings"], row["label"]) if "label" in row else None


def piqa(path):
    gold = labels(path)
    for i, row in enumerate(lines(path)):
        yield choice([row["sol1"], row["sol2"]], int(gold[i])) if gold else None


def truthfulqa(path):
    if path.endswith(".csv"):
        for row in csv.DictReader(io.StringIO(text(path), newline="")):
            yield row["Best Answer"].strip()
    else:
        for row in json.loads(text(path)):
            right = [one for one, flag in row["mc1_targets"].items() if flag == 1]
            assert len(right) == 1
            yield right[0].strip()


def winogrande(path):
    for row in lines(path):
        yield choice([row["option1"], row["option2"]], int(row["answer"]) - 1) if "answer" in row else None


def boolq(path):
    for row in lines(path):
        yield "yes" if row.get("answer", row.get("label")) else "no"


def social_iqa(path):
    gold = labels(path)
    for i, row in enumerate(lines(path)):
        yield choice([row["answerA"], row["answerB"], row["answerC"]], int(gold[i]) - 1)


def coqa(path):
    for story in json.loads(text(path))["data"]:
        for i, answer in enumerate(story["answers"]):
            if answer.get("bad_turn") == "true":
                yield ("bad_turn",)
                continue
            others = story.get("additional_answers", {})
            every = [answer] + [others[key][i] for key in sorted(others)]
            yield "\t".join(one["input_text"].strip() for one in every)


def mmlu(path):
    for name in sorted(glob.glob(os.path.join(ROOT, path, "*.csv"))):
        for row in csv.reader(io.StringIO(text(name), newline="")):
            yield choice(row[1:5], "ABCD".index(row[5]))


FILES = [
    (aqua, "aqua", ["aqua/dev.json", "aqua/test.json"]),
    (gsm8k, "gsm8k", ["gsm8k/train.jsonl", "gsm8k/test.jsonl"]),
    (multiarith, "multiarith", ["multiarith/MultiArith.json"]),
    (svamp, "svamp", ["svamp/SVAMP.json", "svamp/mawps-asdiv-a_svamp/train.csv"]),
    (
        nested,
        "commonsense_qa",
        [
            "commonsenseqa/train_rand_split.jsonl",
            "commonsenseqa/dev_rand_split.jsonl",
            "commonsenseqa/test_rand_split_no_answers.jsonl",
        ],
    ),
    (
        hellaswag,
        "hellaswag",
        [
            "hellaswag/hellaswag_train.jsonl",
            "hellaswag/hellaswag_val.jsonl",
            "hellaswag/hellaswag_val_full.txt",
            "hellaswag/hellaswag_test.jsonl",
        ],
    ),
    (
        nested,
        "openbookqa",
        [
            "openbookqa/train.jsonl",
            "openbookqa/dev.jsonl",
            "openbookqa/test.jsonl",
            "openbookqa/test_complete.jsonl",
        ],
    ),
    (
        piqa,
        "piqa",
        ["piqa/train.jsonl", "piqa/valid.jsonl", "piqa/tests.jsonl", "piqa/physicaliqa-train-dev/dev.jsonl"],
    ),
    (
        truthfulqa,
        "truthfulqa",
        [
            "truthfulqa/mc_task.json",
            "truthfulqa/v0/mc_task.json",
            "truthfulqa/TruthfulQA.csv",
            "truthfulqa/v1/TruthfulQA.csv",
        ],
    ),
    (winogrande, "winogrande", ["winogrande/train_xs.jsonl", "winogrande/dev.jsonl", "winogrande/test.jsonl"]),
    (boolq, "boolq", ["boolq/train.jsonl", "boolq/dev.jsonl", "boolq/SuperGLUE/val.jsonl"]),
    (social_iqa, "social_iqa", ["siqa/train.jsonl", "siqa/dev.jsonl"]),
    (coqa, "coqa", ["coqa/coqa-train-v1.0.json", "coqa/coqa-dev-v1.0.json"]),
    (mmlu, "mmlu", ["mmlu/dev", "mmlu/test"]),
]


def main():
    result = []
    for read, dataset, paths in FILES:
        for path in paths:
            rows = list(read(path))
            gold = [row for row in rows if isinstance(row, str)]
            refused = {}
            for row in rows:
                if not isinstance(row, str):
                    reason = row[0] if row else UNLABELLED
                    refused[reason] = refused.get(reason, 0) + 1
            digest = hashlib.sha256("".join(line + "\n" for line in gold).encode()).hexdigest()
            result.append(
                {
                    "dataset": dataset,
                    "path": path,
                    "rows": len(rows),
                    "questions": len(gold),
                    "refused": refused,
                    "gold_sha256": digest,
                }
            )
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "real_questions.json")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
