"""Files of RouteLLM and LLMRouter, which route between two models on servers with OpenAI's interface: here two tiny random ones, that
answer with the likeliest of a few replies.

    pip install -r tests/foreign/routers-requirements.txt
    pip install --no-deps routellm==0.2.0 llmrouter-lib==0.4.0     # what else they ask for is not needed for their files
    python tests/foreign/routers.py
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Both packages ask for a key when they are imported.
os.environ.update(OPENAI_API_KEY="none", API_KEYS="none", LITELLM_LOCAL_MODEL_COST_MAP="True")

from make import COLOURS, HERE, model, questions  # noqa: E402

SMALL, LARGE = "small", "large"
VERDICTS = ["Verification Decision: The AI generated answer is Correct.",
            "Verification Decision: The AI generated answer is Incorrect."]  # fmt: skip


class Replies:
    """The replies of a tiny model: of a few texts one drawn by its likelihood, at temperature 0 the likeliest."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer, self.base = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
        self.torch, self.draws, self.lock = torch, torch.Generator().manual_seed(0), threading.Lock()

    def reply(self, prompt: str, temperature: float) -> tuple[str, int]:
        texts = VERDICTS if "AI Generated Answer" in prompt else COLOURS
        ids = self.tokenizer(prompt)["input_ids"][-256:]
        scores = []
        for text in texts:
            reply = self.tokenizer(text)["input_ids"]
            with self.torch.no_grad():
                logits = self.base(self.torch.tensor([ids + reply])).logits[0].log_softmax(-1)
            steps = [logits[len(ids) + index - 1, token] for index, token in enumerate(reply)]
            scores.append(sum(steps) / len(steps))
        scores = self.torch.stack(scores)
        with self.lock:
            chosen = (
                scores.argmax()
                if temperature < 0.1
                else self.torch.multinomial((scores / temperature).softmax(0), 1, generator=self.draws)
            )
        return texts[int(chosen)], len(ids)


@contextlib.contextmanager
def server(work: Path, *, refuses: bool = False) -> Iterator[str]:
    """OpenAI's interface before both models. With `refuses`, the large one refuses two questions."""
    replies = {name: Replies(model(work / name, seed)) for name, seed in ((SMALL, 1), (LARGE, 4))}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, prompt = asked["model"], asked["messages"][-1]["content"]
            if name == LARGE and refuses and any(f"Question {number}:" in prompt for number in (4, 9)):
                return self.answer(400, {"error": {"message": "too busy", "type": "server_error"}})
            text, read = replies[name].reply(prompt, asked.get("temperature", 1.0))
            written = len(text.split())
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
            self.answer(200, {"id": "1", "object": "chat.completion", "created": 0, "model": name, "choices": [choice], "usage": usage})

        def answer(self, status: int, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None: ...

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}/v1"
    finally:
        listening.shutdown()


def routellm(work: Path) -> None:
    """The answers of both models as `evals/gsm8k/generate_responses.py` writes them (it runs with sglang alone, so its last
    lines are done here), and the win rates of a BERT router, in a column of its name."""
    import pandas
    import torch
    from routellm.controller import Controller
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    with server(work) as url:
        checkpoint = work / "bert"
        tokenizer = PreTrainedTokenizerFast.from_pretrained(work / SMALL, model_max_length=128)
        tokenizer.save_pretrained(checkpoint)
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=128, num_labels=3, pad_token_id=1, initializer_range=0.5,
        )  # fmt: skip
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(checkpoint)
        controller = Controller(
            routers=["bert"], strong_model=f"openai/{LARGE}", weak_model=f"openai/{SMALL}",
            config={"bert": {"checkpoint_path": str(checkpoint)}}, api_base=url, api_key="none",
        )  # fmt: skip
        prompts = pandas.Series([str(row["question"]) for row in questions()])
        answers: dict[str, list[str]] = {}
        for name, threshold in ((controller.model_pair.weak, 1.0), (controller.model_pair.strong, 0.0)):
            answers[name] = [
                controller.completion(
                    model=f"router-bert-{threshold}", messages=[{"role": "user", "content": prompt}], temperature=0
                ).choices[0].message.content
                for prompt in prompts
            ]  # fmt: skip
        right = [COLOURS[int(str(row["answer"]))] for row in questions()]
        frame = pandas.DataFrame({"prompt": prompts})
        for name, texts in answers.items():
            frame[name] = [text == answer for text, answer in zip(texts, right, strict=True)]
        for name, texts in answers.items():
            frame[f"{name}_response"] = texts
        frame["bert"] = controller.batch_calculate_win_rate(prompts, router="bert")
    (HERE / "routellm").mkdir(exist_ok=True)
    frame.to_csv(HERE / "routellm" / "colours_responses.csv", index=False)


def llmrouter(work: Path) -> None:
    """Routing data with the grades of both models; the scores of a hybrid router, by `llmrouter infer --route-only`; what
    AutoMix's self-verification writes. Longformer's embeddings are replaced by
    counts of bytes."""
    import llmrouter.cli.router_inference as inference
    import llmrouter.data.api_calling_evaluation as calls
    import llmrouter.models.automix.data_pipeline as automix
    import llmrouter.models.hybrid_llm.router as hybrid
    import llmrouter.utils.embeddings as embeddings
    import numpy
    import pandas
    import torch
    from llmrouter.models.hybrid_llm.trainer import HybridLLMTrainer

    def embedding(text: str) -> torch.Tensor:
        counts = numpy.bincount(list(text.encode()), minlength=128)[:128]
        return torch.tensor(counts / max(1, counts.sum()), dtype=torch.float32)

    hybrid.get_longformer_embedding = embeddings.get_longformer_embedding = embedding
    kept = HERE / "llmrouter"
    kept.mkdir(exist_ok=True)
    rows = []
    for row in questions():
        choices = {"text": COLOURS, "label": ["A", "B", "C", "D"]}
        rows.append({"task_name": "commonsense_qa", "query": row["question"], "ground_truth": COLOURS[int(str(row["answer"]))],
                     "metric": "cem", "choices": json.dumps(choices), "task_id": None})  # fmt: skip
    queries = work / "queries.jsonl"
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with server(work, refuses=True) as url:
        os.environ["OPENAI_API_BASE"] = url
        models = {
            name: {"size": size, "model": name, "api_endpoint": url, "service": "local", "input_price": 0.1, "output_price": 0.1,
                   "feature": ""}
            for name, size in ((SMALL, "1B"), (LARGE, "8B"))
        }  # fmt: skip
        llms = work / "llms.json"
        llms.write_text(json.dumps(models), encoding="utf-8")
        data = {
            "query_data_train": str(queries), "query_data_test": str(queries), "llm_data": str(llms),
            "query_embedding_data": str(work / "embeddings.pt"), "routing_data_train": str(work / "train.jsonl"),
            "routing_data_test": str(kept / "routing_data_test.jsonl"),
        }  # fmt: skip
        config = work / "config.json"
        model_path = {name: str(work / "hybrid.pkl") for name in ("ini_model_path", "save_model_path", "load_model_path")}
        hparam = {"hidden_layer_sizes": [8], "max_iter": 2000, "learning_rate_init": 0.01, "random_state": 0}
        content = {"data_path": data, "model_path": model_path, "hparam": hparam, "router_mode": "probabilistic"}
        # JSON is YAML.
        config.write_text(json.dumps(content), encoding="utf-8")
        # The package comes without its prompt templates.
        calls.generate_task_query = lambda task, row: {"user": row["query"], "system": None}
        run(calls.main, "--config", str(config), "--workers", "1")
        HybridLLMTrainer(hybrid.HybridLLMRouter(str(config))).train()
        run(inference.main, "--router", "hybrid_llm", "--config", str(config), "--input", str(queries), "--route-only",
            "--output", str(kept / "hybrid_llm.jsonl"), "--output-format", "jsonl")  # fmt: skip
        automix.get_tokenizer = lambda: Replies(work / SMALL).tokenizer
        asked = [{"question": row["query"], "query": row["query"], "output": row["ground_truth"], "gt": row["ground_truth"],
                  "dataset": "router", "base_ctx": ""} for row in rows]  # fmt: skip
        pandas.DataFrame(asked).to_json(work / "automix.jsonl", orient="records", lines=True)
        automix.solve_queries(str(work / "automix.jsonl"), str(work), SMALL, LARGE, stop=None)
        automix.self_verify(
            str(work / "router_automix_llamapair_outputs.jsonl"), str(kept / "router_automix_llamapair_ver_outputs.jsonl"),
            SMALL, n=4,
        )  # fmt: skip
    # What reads the routing data leaves a copy of it as CSV.
    (kept / "routing_data_test.csv").unlink(missing_ok=True)


def run(main: object, *arguments: str) -> None:
    sys.argv = ["tool", *arguments]
    assert callable(main)
    main()


if __name__ == "__main__":
    for make in (routellm, llmrouter):
        work = Path(tempfile.gettempdir(), "plimsoll-foreign")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        make(work)
        shutil.rmtree(work)
