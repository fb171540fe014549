"""Asks a gateway real questions, and holds every route to `plimsoll thresholds decide` on the same confidences.

    python real.py --program PLIMSOLL --data FOLDER --thresholds FILE --method M --target T --slm ADDRESS --llm ADDRESS
        [--llm-model NAME] [--count 200] [--max-tokens 256] [--out FOLDER]

FOLDER has the benchmarks (`commonsenseqa/`, `openbookqa/`), as PLIMSOLL_REAL_DATA. Half of the questions are asked as streams.
The gateway is started here; both models are what `plimsoll serve` takes. Fewer tokens than the file was calibrated with cut
answers of the SLM, which then have no confidence. Ends with 0 only if all routes are equal and every
question has an answer of the model that its route names. Needs nothing beside Python.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request


def questions(data, count):
    """Half of each benchmark, with their options."""
    files = ["commonsenseqa/dev_rand_split.jsonl", "openbookqa/test.jsonl"]
    for path in files:
        with open(pathlib.Path(data, path), encoding="utf-8") as lines:
            for _, line in zip(range(count // len(files)), lines):
                asked = json.loads(line)["question"]
                options = "\n".join(f"{choice['label']}. {choice['text']}" for choice in asked["choices"])
                yield f"{asked['stem']}\n{options}\nAnswer with the letter of the right option."


def settings(arguments):
    def model(address, name):
        if address.startswith(("http://", "https://")):
            return {"base_url": address, "model": name or "model"}
        return {"in_process": str(pathlib.Path(address).absolute())}

    return {
        "thresholds": str(pathlib.Path(arguments.thresholds).absolute()), "method": arguments.method, "target": arguments.target,
        "slm": model(arguments.slm, None), "llm": model(arguments.llm, arguments.llm_model), "listen": "127.0.0.1:0", "metrics_listen": "off",
        "log": {"file": "decisions.jsonl"},
    }  # fmt: skip


def ask(address, text, stream, max_tokens):
    """The answer's text and its notice."""
    body = {"model": "plimsoll", "messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": max_tokens}
    request = urllib.request.Request(
        f"http://{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        reply = response.read().decode()
    if not stream:
        document = json.loads(reply)
        return document["choices"][0]["message"]["content"], document
    chunks = [json.loads(line[6:]) for line in reply.splitlines() if line.startswith("data: ") and line != "data: [DONE]"]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]), chunks[0]


def decided(arguments, confidences):
    """What the command line decides."""
    command = [arguments.program, "thresholds", "decide", arguments.thresholds, "--method", arguments.method, "--target", arguments.target]
    lines = "".join(json.dumps({"confidence": value}) + "\n" for value in confidences)
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line)["route"] for line in run.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["program", "data", "thresholds", "method", "target", "slm", "llm"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--llm-model")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--out", default="target/gateway-real")
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "decisions.jsonl").unlink(missing_ok=True)
    # JSON is YAML.
    (out / "gateway.yaml").write_text(json.dumps(settings(arguments)), encoding="utf-8")
    command = [arguments.program, "--json", "serve", "--config", str(out / "gateway.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:
        try:
            return hold(arguments, gateway, out)
        finally:
            gateway.terminate()


def hold(arguments, gateway, out):
    announced = ""
    while not announced.rstrip().endswith("}"):
        line = gateway.stdout.readline()
        if not line:
            sys.exit("the gateway ended before it listened")
        announced += line
    address = json.loads(announced)["listen"]
    notices, begun, wrong = [], time.monotonic(), 0
    for number, text in enumerate(questions(arguments.data, arguments.count)):
        content, document = ask(address, text, number % 2 == 1, arguments.max_tokens)
        notices.append(document["plimsoll"])
        wrong += not content
        if (number + 1) % 20 == 0:
            print(f"{number + 1} questions, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    seconds = time.monotonic() - begun
    expected = decided(arguments, [notice["confidence"] for notice in notices])
    equal = sum(notice["route"] == route for notice, route in zip(notices, expected, strict=True))
    time.sleep(2)
    lines = [json.loads(line) for line in (out / "decisions.jsonl").read_text(encoding="utf-8").splitlines()]
    logged = {line["id"]: line["route"] for line in lines}
    in_log = sum(logged.get(notice["id"]) == notice["route"] for notice in notices)
    routed = sum(notice["route"] == "llm" for notice in notices)
    missing = sum(notice["confidence"] is None for notice in notices)
    figures = {
        "questions": len(notices), "routes_equal": equal, "routes_in_the_log": in_log, "to_the_llm": routed,
        "without_a_confidence": missing, "answers_without_text": wrong, "seconds": round(seconds, 1),
    }  # fmt: skip
    print(json.dumps(figures, indent=1))
    return 0 if equal == in_log == len(notices) and not wrong else 1


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    sys.exit(main())
