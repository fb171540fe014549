"""Makes the files of this folder with the tools that they are of, on a tiny random model and synthetic questions.

Nothing is downloaded. Needs what requirements.txt lists: python make.py [TOOL..]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")

HERE = Path(__file__).parent
COLOURS = ["red", "green", "blue", "white"]
THINGS = ["a ripe tomato", "grass in spring", "the sky at noon", "fresh snow"]


def questions() -> list[dict[str, object]]:
    """Twelve questions with four choices each."""
    return [
        {"question": f"Question {number}: which colour has {THINGS[number % 4]}?", "choices": COLOURS, "answer": number % 4}
        for number in range(12)
    ]


def model(folder: Path, seed: int) -> Path:
    """A random Llama of two layers whose tokenizer knows bytes and a few words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([str(row) for row in questions()], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=512, bos_token_id=0, eos_token_id=1, pad_token_id=1, initializer_range=0.5,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


CHOICE_TASK = """\
task: colours
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""

TEXT_TASK = """\
task: colours_text
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{choices[answer]}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 4, do_sample: false}}
metric_list: [{{metric: exact_match}}]
"""


def lm_eval(work: Path) -> None:
    """`lm_eval --log_samples` of two models on a task with choices and on one whose answers are texts."""
    data = work / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in questions()), encoding="utf-8")
    tasks = work / "tasks"
    tasks.mkdir()
    for name, task in (("colours", CHOICE_TASK), ("colours_text", TEXT_TASK)):
        (tasks / f"{name}.yaml").write_text(task.format(data=data), encoding="utf-8")
    for name, seed in (("small", 1), ("large", 2)):
        folder = model(work / name, seed)
        out = work / f"out-{name}"
        command = ["lm_eval", "--model", "hf", "--model_args", f"pretrained={folder}", "--include_path", str(tasks)]
        command += ["--tasks", "colours,colours_text", "--device", "cpu", "--batch_size", "4"]
        command += ["--output_path", str(out), "--log_samples"]
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True)
        for path in sorted(out.rglob("samples_*.jsonl")):
            # The name has the time of the run, here a fixed one; the file is as it was written.
            task = path.name.removeprefix("samples_").rsplit("_", 1)[0]
            kept = HERE / "lm-eval" / name / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(path.read_bytes())


def lm_polygraph(work: Path) -> None:
    """`UEManager.save` after a benchmark of three estimators."""
    import torch
    from lm_polygraph.defaults.register_default_stat_calculators import register_default_stat_calculators
    from lm_polygraph.estimators import MaximumSequenceProbability, MeanTokenEntropy, Perplexity
    from lm_polygraph.generation_metrics import RougeMetric
    from lm_polygraph.utils.builder_enviroment_stat_calculator import BuilderEnvironmentStatCalculator
    from lm_polygraph.utils.dataset import Dataset
    from lm_polygraph.utils.generation_parameters import GenerationParameters
    from lm_polygraph.utils.manager import UEManager
    from lm_polygraph.utils.model import WhiteboxModel
    from lm_polygraph.ue_metrics import PredictionRejectionArea
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = model(work / "small", 1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # Its statistics read the attention, which other implementations do not give.
    base = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    base.generation_config.max_new_tokens = 4
    white = WhiteboxModel(base, tokenizer, model_path="small", generation_parameters=GenerationParameters())
    rows = questions()
    data = Dataset([f"{row['question']}\nAnswer:" for row in rows], [COLOURS[row["answer"]] for row in rows], batch_size=4)
    torch.manual_seed(0)
    manager = UEManager(
        data=data, model=white, estimators=[MaximumSequenceProbability(), Perplexity(), MeanTokenEntropy()],
        builder_env_stat_calc=BuilderEnvironmentStatCalculator(model=white),
        available_stat_calculators=register_default_stat_calculators("Whitebox"),
        generation_metrics=[RougeMetric("rougeL")], ue_metrics=[PredictionRejectionArea()], processors=[],
        max_new_tokens=4, ignore_exceptions=False,
    )
    manager()
    # The saved file is a pickle of NumPy's types; what `UEManager.load` finds in it is kept as JSON.
    manager.save(str(work / "manager.pt"))
    loaded = UEManager.load(str(work / "manager.pt"))
    kept = {
        name: [[*key, [float(value) for value in values]] for key, values in getattr(loaded, name).items()]
        for name in ("estimations", "gen_metrics")
    }
    write("lm-polygraph", "manager.json", kept)


def uqlm(work: Path) -> None:
    """`UQResult` of scorers that need no model, on log-probabilities of the tiny one and on synthetic responses."""
    import asyncio

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from uqlm.scorers import BlackBoxUQ, WhiteBoxUQ

    folder = model(work / "small", 1)
    tokenizer, base = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompts, responses, logprobs = [], [], []
    for row in questions():
        prompt = tokenizer(f"{row['question']}\nAnswer:", return_tensors="pt")
        made = base.generate(
            **prompt, max_new_tokens=4, do_sample=False, return_dict_in_generate=True, output_scores=True, pad_token_id=1
        )
        tokens = made.sequences[0, prompt["input_ids"].shape[1] :]
        steps = [torch.log_softmax(step[0].double(), -1) for step in made.scores]
        text = [tokenizer.decode([int(token)]) for token in tokens]
        logprobs.append([
            {"token": shown, "logprob": float(step[token]),
             "top_logprobs": [{"token": tokenizer.decode([int(i)]), "logprob": float(step[i])} for i in step.topk(5).indices]}
            for shown, token, step in zip(text, tokens, steps)
        ])
        prompts.append(str(row["question"]))
        responses.append(" ".join(text))
    scorer = WhiteBoxUQ(scorers=["sequence_probability", "min_probability", "min_token_negentropy"], top_k_logprobs=5)
    result = asyncio.run(scorer.score(logprobs_results=logprobs, prompts=prompts, responses=responses, show_progress_bars=False))
    write("uqlm", "white_box.json", without_logprobs(result.to_dict()))
    sampled = [[COLOURS[(number + shift) % 4] for shift in (0, 0, number % 3)] for number in range(12)]
    responses = [COLOURS[number % 4] for number in range(12)]
    result = BlackBoxUQ(scorers=["exact_match"]).score(responses, sampled, show_progress_bars=False)
    write("uqlm", "black_box.json", result.to_dict())


def without_logprobs(result: dict[str, object]) -> dict[str, object]:
    """The log-probabilities of every token are long, and are not read."""
    data = result["data"]
    assert isinstance(data, dict)
    return {**result, "data": {name: values for name, values in data.items() if name != "logprob"}}


def write(tool: str, name: str, content: object) -> None:
    (HERE / tool).mkdir(exist_ok=True)
    (HERE / tool / name).write_text(json.dumps(content, indent=1, default=float) + "\n", encoding="utf-8")


TOOLS = {"lm-eval": lm_eval, "lm-polygraph": lm_polygraph, "uqlm": uqlm}

if __name__ == "__main__":
    for tool in sys.argv[1:] or list(TOOLS):
        # A path that says nothing of this machine: some tools write it into their files.
        work = Path(tempfile.gettempdir(), "plimsoll-foreign")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        TOOLS[tool](work)
        shutil.rmtree(work)
