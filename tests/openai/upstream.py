"""An OpenAI server that does as the address says: http://HOST:PORT/BEHAVIOUR/v1, so that one process is every upstream.

`sure` and `unsure` answer with log-probabilities near 0 and far below; each other behaviour goes wrong in one way.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-of-the-upstreams"
SURE, UNSURE = -0.001, -20.0
WORDS = ["from ", "the ", "server"]
# Longer than any patience of the tests.
STALL_SECONDS = 20.0


class Upstream(ThreadingHTTPServer):
    """Counts what it was asked, by behaviour."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: dict[str, int] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def base_url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/v1"

    def count(self, behaviour: str) -> int:
        """How many were before this one."""
        with self.lock:
            before = self.asked.get(behaviour, 0)
            self.asked[behaviour] = before + 1
            return before

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is no error here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.document(200, {"object": "list", "data": [{"id": "served"}]})

    def do_POST(self) -> None:
        behaviour = self.path.split("/")[1]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        before = self.server.count(behaviour)
        error = {"error": {"message": "out of memory", "type": "server_error", "code": "broken"}}
        if behaviour == "refuse":
            error["error"]["message"] = f"bad key {self.headers['authorization']}"
            return self.document(401, error)
        if behaviour == "stall":
            time.sleep(STALL_SECONDS)
        words = [self.headers["authorization"]] if behaviour == "echo" else WORDS
        logprob = UNSURE if behaviour == "unsure" else SURE
        logprobs = None if behaviour == "without_logprobs" or not body.get("logprobs") else logprob
        listed = 1 if behaviour == "lists_fewer" else body.get("top_logprobs") or 0
        fingerprint = f"fp-{before % 2}" if behaviour == "fingerprints" else "fp"
        if body.get("stream"):
            self.stream(behaviour, error, words, logprobs, listed, fingerprint)
        elif behaviour == "error_event":
            self.document(200, error)
        else:
            self.document(200, completion(words, logprobs, listed, fingerprint), cut=behaviour == "cut")

    def document(self, status: int, document: dict, cut: bool = False) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def stream(
        self, behaviour: str, error: dict, words: list[str], logprobs: float | None, listed: int, fingerprint: str
    ) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for number, word in enumerate(words):
            if number == 1 and behaviour == "cut":
                return
            if number == 1 and behaviour == "stall_later":
                time.sleep(STALL_SECONDS)
            if number == 1 and behaviour == "error_event":
                return self.event(error)
            self.event(chunk({"content": word}, None, tokens([word], logprobs, listed), fingerprint))
            time.sleep(0.01)
        self.event(chunk({}, "stop", None, fingerprint))
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, document: dict) -> None:
        self.wfile.write(f"data: {json.dumps(document)}\n\n".encode())
        self.wfile.flush()


def tokens(words: list[str], logprob: float | None, listed: int) -> dict | None:
    if logprob is None:
        return None
    # The chosen token is the likeliest.
    top = lambda word: [{"token": f"t{rank}" if rank else word, "logprob": logprob - rank, "bytes": None} for rank in range(listed)]
    return {"content": [{"token": word, "logprob": logprob, "bytes": None, "top_logprobs": top(word)} for word in words]}


def chunk(delta: dict, finish: str | None, logprobs: dict | None, fingerprint: str) -> dict:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "served", "system_fingerprint": fingerprint,
            "choices": [choice]}


def completion(words: list[str], logprob: float | None, listed: int, fingerprint: str) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(words)}, "finish_reason": "stop",
              "logprobs": tokens(words, logprob, listed)}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "served", "system_fingerprint": fingerprint,
            "choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": len(words), "total_tokens": 5 + len(words)}}
