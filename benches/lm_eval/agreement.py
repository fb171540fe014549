"""Answers of one model by Plimsoll's engine and grading, against those of llama.cpp by lm-evaluation-harness: question by question.

    python agreement.py tasks --run FOLDER --model ID --prompts FILE.. --out TASKS
    lm_eval run --model local-chat-completions --apply_chat_template --include_path TASKS --tasks plimsoll_openbookqa,.. \\
        --model_args model=m,base_url=http://127.0.0.1:8000/v1/chat/completions,num_concurrent=1 \\
        --log_samples --output_path TASKS/results
    python agreement.py compare --run FOLDER --model ID --tasks TASKS [--text]

FILE is what `plimsoll datasets inspect DATASET .. --prompt --json` prints; the rows are those that the run asked, found by the hash of
the prompt. `tasks` writes a task of lm-evaluation-harness for each dataset, with the very prompts of the run and the
harness's own kind of extraction: a regular expression. `compare` prints both accuracies and how the answers agree:

- `same answer`, also none in either;
- `other text`: the two runtimes wrote different texts. `probability at the fork` is what our model gave its own token where they part, the
  median: small where two tokens nearly tie;
- `other extraction`: the same text, read differently. `--text` shows these.
"""

import argparse
import collections
import json
import math
import pathlib
import statistics
import sys

import pyarrow.parquet as parquet

# As the harness's tasks have them: the first letter, the last number (`flexible-extract` of its gsm8k), yes or no.
PATTERNS = {
    "choice": (r"(?:^|[^A-Za-z])([A-H])(?:[^A-Za-z]|$)", 0),
    "number": (r"(-?[$0-9.,]{2,})|(-?[0-9]+)", -1),
    "boolean": (r"(?i)\b(yes|no)\b", 0),
}
TASK = """\
task: plimsoll_{name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{gold}}}}"
# The server's own defaults are a penalty of 1.1 on repeated tokens, the 40 likeliest tokens, and of these the ones with at least 0.05
# times the probability of the likeliest.
generation_kwargs: {{until: [], do_sample: false, temperature: 0, max_gen_toks: {max_tokens}, repeat_penalty: 1.0, top_k: 0, min_p: 0.0}}
filter_list:
  - name: regex
    filter:
      - {{function: regex, regex_pattern: {pattern}, group_select: {group}, fallback: "[none]"}}
      - {{function: take_first}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: true}}
"""


def table(run, name):
    """A table of a run: a file, or a folder of files."""
    path = pathlib.Path(run, "tables", name)
    return parquet.read_table(path if path.is_dir() else path.with_suffix(".parquet")).to_pylist()


def answers(run, model):
    """Label, text and tokens of each answer of the model, by prompt hash."""
    written = {
        (row["question_id"], row["prompt_hash"]): {"text": row["text"] or "", "tokens": row["tokens"] or []}
        for row in table(run, "generations")
        if row["model"] == model and row["sample_index"] == 0
    }
    labels = [row for row in table(run, "labels") if row["model"] == model]
    if not labels:
        sys.exit(f"{run} has no labels of {model}")
    return {row["prompt_hash"]: row | written[row["question_id"], row["prompt_hash"]] for row in labels}


def write_tasks(arguments):
    asked = answers(arguments.run, arguments.model)
    out = pathlib.Path(arguments.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    for path in arguments.prompts:
        document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        questions = {question["question_id"]: question for question in document["questions"]}
        rows = []
        for shown in document["prompts"]:
            messages = shown["prompt"]["messages"]
            if shown["verbalized"] or shown["prompt_hash"] not in asked or len(messages) != 1:
                continue
            question = questions[shown["question_id"]]
            rows.append({
                "prompt_hash": shown["prompt_hash"], "prompt": messages[0]["text"], "gold": question["gold"][0],
                "dataset": question["dataset"], "kind": question["answer_kind"],
            })  # fmt: skip
        if not rows:
            sys.exit(f"{path}: no prompt of it was asked in {arguments.run}; is the style or the instruction another?")
        name, kind = rows[0]["dataset"], rows[0]["kind"]
        if kind not in PATTERNS:
            sys.exit(f"{path}: answers of the kind {kind} have no regular expression here; there are: {', '.join(PATTERNS)}")
        file = out / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        pattern, group = PATTERNS[kind]
        task = TASK.format(
            name=name, file=json.dumps(str(file)), pattern=json.dumps(pattern), group=group, max_tokens=arguments.max_tokens
        )
        (out / f"plimsoll_{name}.yaml").write_text(task, encoding="utf-8")
        print(f"plimsoll_{name}: {len(rows)} questions")


def median(values):
    values = [value for value in values if value is not None]
    return f"{statistics.median(values):.2f}" if values else "-"


def normal(answer):
    return (answer or "").strip().strip("$.,").replace(",", "").lower()


def same(one, other):
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def probability_at_fork(answer, other):
    """The probability that our model gave its own token where the two texts part; None where one only goes on longer."""
    ours, theirs = answer["text"].encode(), other.encode()
    fork = next((index for index, (one, two) in enumerate(zip(ours, theirs)) if one != two), min(len(ours), len(theirs)))
    token = next((token for token in answer["tokens"] if token["start"] <= fork < token["end"]), None)
    return math.exp(token["logprob"]) if token and token["logprob"] is not None else None


def compare(arguments):
    asked = answers(arguments.run, arguments.model)
    by_dataset = {}
    for path in sorted(pathlib.Path(arguments.tasks).glob("**/samples_plimsoll_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            by_dataset.setdefault(sample["doc"]["dataset"], {})[sample["doc"]["prompt_hash"]] = sample
    if not by_dataset:
        sys.exit(f"no samples_plimsoll_*.jsonl below {arguments.tasks}")
    print("dataset            n  accuracy: ours harness   same answer  same text  other text  other extraction  probability at the fork")
    for dataset, samples in by_dataset.items():
        counts = collections.Counter()
        ours = theirs = 0
        forks = []
        for prompt_hash, sample in samples.items():
            label = asked[prompt_hash]
            answer, found = normal(label["answer"]), normal(sample["filtered_resps"][0])
            found = "" if found == "[none]" else found
            text = sample["resps"][0][0]
            is_same_text = label["text"].strip() == text.strip()
            counts["text"] += is_same_text
            if not is_same_text:
                forks.append(probability_at_fork(label, text))
            ours += bool(label["correct"])
            theirs += bool(sample["exact_match"])
            if same(answer, found):
                counts["answer"] += 1
            elif is_same_text:
                counts["extraction"] += 1
                if arguments.text:
                    print(json.dumps({"text": label["text"], "ours": label["answer"], "harness": found, "gold": sample["doc"]["gold"]}))
            else:
                counts["other text"] += 1
        n = len(samples)
        print(
            f"{dataset:<16}{n:>4}{ours / n:>16.3f}{theirs / n:>8.3f}{counts['answer']:>14}{counts['text']:>11}"
            f"{counts['other text']:>12}{counts['extraction']:>18}{median(forks):>25}"
        )
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    tasks = commands.add_parser("tasks")
    tasks.add_argument("--prompts", nargs="+", required=True)
    tasks.add_argument("--out", required=True)
    tasks.add_argument("--max-tokens", type=int, default=256)
    tasks.set_defaults(do=write_tasks)
    comparison = commands.add_parser("compare")
    comparison.add_argument("--tasks", required=True)
    comparison.add_argument("--text", action="store_true")
    comparison.set_defaults(do=compare)
    for command in (tasks, comparison):
        command.add_argument("--run", required=True)
        command.add_argument("--model", required=True)
    arguments = parser.parse_args()
    return arguments.do(arguments)


if __name__ == "__main__":
    sys.exit(main())
