"""`plimsoll serve` as the official OpenAI client and curl have it, over an upstream that does everything wrong.

    PLIMSOLL=target/debug/plimsoll python tests/openai/test_client.py
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Iterator

import openai
from upstream import KEY, Upstream

ROOT = Path(__file__).resolve().parents[2]
THRESHOLDS = ROOT / "calibration/pocket/pocket-slm--pocket-llm.thresholds.json"
UPSTREAM = Upstream()
QUESTION = [{"role": "user", "content": "What is 9 + 9?"}]
WHOLE = "from the server"

# Behaviour of the SLM, method: route, reason, missing reason; the last two for a reply that is not streamed, where they differ.
CASES = {
    "sure": ("slm", "at_or_above", None),
    "unsure": ("llm", "below", None),
    "without_logprobs": ("llm", "missing", "no_logprobs"),
    "stall": ("llm", "missing", "timed_out"),
    "cut": ("llm", "missing", "reply_cut"),
    "error_event": ("llm", "missing", "server_failed"),
    "refuse": ("llm", "missing", "server_failed"),
    "fingerprints": ("slm", "at_or_above", None),
}


@contextlib.contextmanager
def gateway(slm: str, llm: str = "sure", **changed: object) -> Iterator["Gateway"]:
    with tempfile.TemporaryDirectory() as folder:
        server = {"model": "served", "api_key_env": "UPSTREAM_KEY", "retries": 0, "first_token_seconds": 1, "total_seconds": 2}
        settings = {
            "thresholds": str(THRESHOLDS), "method": "perplexity", "target": "routing_ratio=0.3",
            "slm": {"base_url": UPSTREAM.base_url(slm), **server}, "llm": {"base_url": UPSTREAM.base_url(llm), **server},
            "listen": "127.0.0.1:0", "metrics_listen": "off", "accept_unverified": True,
            "log": {"file": "decisions.jsonl"}, **changed,
        }
        Path(folder, "gateway.yaml").write_text(json.dumps(settings))
        with open(Path(folder, "stderr"), "wb") as stderr:
            process = subprocess.Popen(
                [os.environ["PLIMSOLL"], "serve", "--config", "gateway.yaml", "--json", "-vv"],
                cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, "UPSTREAM_KEY": KEY},
            )
            try:
                assert process.stdout is not None
                text = ""
                for line in process.stdout:
                    text += line
                    with contextlib.suppress(json.JSONDecodeError):
                        yield Gateway(Path(folder), f"http://{json.loads(text)['listen']}/v1")
                        break
            finally:
                process.terminate()
                process.wait(20)
                process.stdout.close()
        for name in ["stderr", "decisions.jsonl"]:
            path = Path(folder, name)
            assert not path.exists() or KEY not in path.read_text(), f"{name} holds the key"


class Gateway:
    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.client = openai.OpenAI(base_url=address, api_key="unused", max_retries=0, timeout=30)

    def whole(self, **extra: object) -> tuple[str, dict, str]:
        """Text, notice and model of a reply at once."""
        reply = self.client.chat.completions.create(model="plimsoll", messages=QUESTION, **extra)
        assert reply.choices[0].logprobs is None
        return reply.choices[0].message.content, reply.plimsoll, reply.model

    def streamed(self, **extra: object) -> tuple[str, dict, str]:
        """The same of a stream, whose every chunk tells the same."""
        chunks = list(self.client.chat.completions.create(model="plimsoll", messages=QUESTION, stream=True, **extra))
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert all(chunk.plimsoll == chunks[0].plimsoll for chunk in chunks)
        return text, chunks[0].plimsoll, chunks[0].model

    def curl(self, stream: bool) -> tuple[dict, list[dict], str]:
        """Headers, documents and the text of what curl prints."""
        body = json.dumps({"model": "plimsoll", "messages": QUESTION, "stream": stream})
        command = ["curl", "-sS", "-N", "-i", "--max-time", "30", f"{self.address}/chat/completions"]
        printed = subprocess.run(
            [*command, "-H", "content-type: application/json", "-d", body], capture_output=True, text=True, check=True
        ).stdout
        head, body = printed.split("\n\n", 1) if "\r\n\r\n" not in printed else printed.split("\r\n\r\n", 1)
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        data = [line[6:] for line in body.splitlines() if line.startswith("data: ")] if stream else [body]
        return headers, [json.loads(line) for line in data if line != "[DONE]"], body


class OpenAiClient(unittest.TestCase):
    def check(self, behaviour: str, text: str, notice: dict, model: str) -> None:
        route, reason, missing = CASES[behaviour]
        told = (notice["route"], notice["reason"], notice.get("missing_reason"))
        self.assertEqual((told, text, model), ((route, reason, missing), WHOLE, "served"), behaviour)

    def test_routes_and_reasons(self) -> None:
        for behaviour in CASES:
            with self.subTest(behaviour), gateway(behaviour) as served:
                self.check(behaviour, *served.whole())
                self.check(behaviour, *served.streamed())

    def test_routes_and_reasons_by_curl(self) -> None:
        for behaviour, (route, reason, missing) in CASES.items():
            with self.subTest(behaviour), gateway(behaviour) as served:
                for stream in [False, True]:
                    headers, documents, body = served.curl(stream)
                    self.assertEqual(headers["x-plimsoll-route"], route)
                    self.assertEqual(headers["x-plimsoll-reason"], reason)
                    self.assertEqual(headers.get("x-plimsoll-missing-reason"), missing)
                    self.assertTrue(all(document["plimsoll"]["route"] == route for document in documents))
                    self.assertEqual(body.rstrip().endswith("data: [DONE]"), stream)

    def test_a_server_that_lists_fewer_tokens_has_no_margin(self) -> None:
        for stream in [False, True]:
            with gateway("lists_fewer", method="token_margin") as served:
                _, notice, _ = served.streamed() if stream else served.whole()
                self.assertEqual((notice["reason"], notice["missing_reason"]), ("missing", "no_top_logprobs"))
            with gateway("sure", method="token_margin") as served:
                _, notice, _ = served.streamed() if stream else served.whole()
                self.assertIsNotNone(notice["confidence"])

    def test_failures_of_the_llm_are_errors_of_the_client(self) -> None:
        for behaviour, error in {"refuse": openai.InternalServerError, "stall": openai.InternalServerError}.items():
            with self.subTest(behaviour), gateway("unsure", behaviour) as served:
                for ask in [served.whole, served.streamed]:
                    with self.assertRaises(error) as caught:
                        ask()
                    self.assertNotIn(KEY, str(caught.exception))

    def test_a_stream_of_the_llm_that_breaks_raises_after_what_was_shown(self) -> None:
        for behaviour in ["cut", "stall_later", "error_event"]:
            with self.subTest(behaviour), gateway("unsure", behaviour) as served:
                shown = ""
                with self.assertRaises(openai.APIError):
                    for chunk in served.client.chat.completions.create(model="plimsoll", messages=QUESTION, stream=True):
                        shown += chunk.choices[0].delta.content or ""
                self.assertEqual(shown, "from ")

    def test_a_key_that_a_model_repeats_is_not_shown(self) -> None:
        for slm, llm in [("echo", "sure"), ("refuse", "echo"), ("unsure", "echo")]:
            with self.subTest(slm=slm, llm=llm), gateway(slm, llm) as served:
                for ask in [served.whole, served.streamed]:
                    self.assertNotIn(KEY, str(ask()))
                for stream in [False, True]:
                    self.assertNotIn(KEY, str(served.curl(stream)))

    def test_what_the_point_was_not_fitted_for(self) -> None:
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
        with gateway("sure") as served:
            for field, value in {"temperature": 0.7, "n": 2, "tools": [tool], "response_format": {"type": "json_object"}}.items():
                for ask in [served.whole, served.streamed]:
                    _, notice, _ = ask(**{field: value})
                    self.assertEqual((notice["reason"], notice["field"]), ("unsupported_request", field))

    def test_log_probabilities_come_if_they_were_asked_for(self) -> None:
        with gateway("sure") as served:
            create = served.client.chat.completions.create
            reply = create(model="plimsoll", messages=QUESTION, logprobs=True, top_logprobs=2)
            self.assertEqual([len(token.top_logprobs) for token in reply.choices[0].logprobs.content], [2, 2, 2])
            chunks = create(model="plimsoll", messages=QUESTION, logprobs=True, stream=True)
            self.assertTrue(any(chunk.choices[0].logprobs for chunk in chunks))

    def test_points_are_listed_and_asked_for_by_name(self) -> None:
        with gateway("sure") as served:
            models = served.client.models.list().data
            names = [model.id for model in models]
            self.assertIn("plimsoll", names)
            self.assertIn("plimsoll-perplexity-routing_ratio=0.3", names)
            reply = served.client.chat.completions.create(model="plimsoll-perplexity-routing_ratio=0.3", messages=QUESTION)
            self.assertEqual(reply.plimsoll["threshold_id"], "perplexity/routing_ratio=0.3")
            with self.assertRaises(openai.NotFoundError):
                served.client.chat.completions.create(model="gpt-4o", messages=QUESTION)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False, verbosity=1).result.wasSuccessful())
