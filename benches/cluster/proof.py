"""Holds what docs/scaling.md says against an S3 on this machine that is slow, busy and loses replies. Ends with 0 only if all of it held.

    python proof.py --program PROGRAM --out FOLDER [--series N] [--rows N] [--limit-mib N] [--chunks N]

PROGRAM is a plimsoll with the feature `cloud`. See README.md for what is done and shown.
"""

import argparse
import collections
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEASE_SECONDS = 5
PATIENCE_SECONDS = 1800
FIT = ["--ratio", "0.1", "0.3", "0.5", "--accuracy", "0.8", "--risk", "selective_error:0.2:0.1"]


class Proof:
    """What held and what did not."""

    def __init__(self):
        self.failed = []

    def holds(self, what, condition, figure=""):
        print(f"{'ok  ' if condition else 'FAIL'}  {what}{': ' + str(figure) if figure != '' else ''}", flush=True)
        if not condition:
            self.failed.append(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class FaultyProxy(http.server.ThreadingHTTPServer):
    """Passes requests on. Some are refused with 503, some are slow, and of some the reply is lost after they were done."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream, seed):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.random, self.lock = upstream, random.Random(seed), threading.Lock()
        self.counts = collections.Counter()

    def fault(self):
        with self.lock:
            dice = self.random.random()
            fault = "busy" if dice < 0.10 else "lost" if dice < 0.14 else "slow" if dice < 0.24 else "none"
            self.counts[fault] += 1
            return fault

    def handle_error(self, request, client_address):
        pass  # A client that was killed.


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault()
        if fault == "busy":
            return self.answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        if fault == "slow":
            time.sleep(0.5)
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        if fault == "lost":
            return self.answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        return self.answer(reply.status, dict(reply.getheaders()), content)

    def answer(self, status, headers, content):
        self.send_response_only(status)
        dropped = {"content-length", "transfer-encoding", "connection", "server", "date"}
        for key, value in headers.items():
            if key.lower() not in dropped:
                self.send_header(key, value)
        length = headers.get("Content-Length", str(len(content))) if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on


class Process:
    """A run of the program, with its peak memory."""

    def __init__(self, arguments, environment, log, file_size=None, before=()):
        def limit():
            if file_size is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        self.log, self.code, self.peak_mib, self.started = log, None, None, time.monotonic()
        with open(log, "wb") as output:
            self.child = subprocess.Popen(
                [*before, *map(str, arguments)], env=environment, stdout=output, stderr=output, cwd=log.parent,
                preexec_fn=limit,
            )

    def wait(self):
        if self.code is None:
            # Its own peak, as the system counted it.
            _, status, usage = os.wait4(self.child.pid, 0)
            self.code = self.child.returncode = os.waitstatus_to_exitcode(status)
            self.peak_mib, self.seconds = usage.ru_maxrss / 1024, time.monotonic() - self.started
        return self

    def text(self):
        return self.log.read_text(errors="replace")


def files(folder):
    """Every file but those that know the time, with its hash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(".work") and name != "manifest.json":
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def counted(processes, pattern):
    """How often each piece of work was begun, by the logs."""
    return collections.Counter(match for process in processes for match in re.findall(pattern, process.text()))


def wait_until(what, condition):
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > PATIENCE_SECONDS:
            raise TimeoutError(what)
        time.sleep(0.02)


class Bench:
    def __init__(self, arguments, proof):
        self.arguments, self.proof, self.out = arguments, proof, arguments.out
        self.moto_port = free_port()
        code = f"from moto.server import main; main(['-p', '{self.moto_port}'])"
        self.moto = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("moto starts", self.bucket_is_made)
        self.proxy = FaultyProxy(self.moto_port, seed=7)
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        self.environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()} | {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.server_address[1]}", "AWS_ALLOW_HTTP": "true",
            "XDG_CACHE_HOME": str(self.out / "cache"), "HF_HOME": str(self.out / "cache"),
        }

    def bucket_is_made(self):
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{self.moto_port}/plimsoll", method="PUT")
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5).read()
            return True
        except OSError:
            return False

    def upload(self, folder, prefix):
        """Puts the files below a folder into the bucket, past the proxy."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for path in sorted(folder.rglob("*.parquet")):
            url = f"http://127.0.0.1:{self.moto_port}/plimsoll/{prefix}/{path.relative_to(folder).as_posix()}"
            headers = {"Content-Type": "application/octet-stream"}
            request = urllib.request.Request(url, data=path.read_bytes(), headers=headers, method="PUT")
            opener.open(request, timeout=300).read()

    def objects(self, prefix):
        """Names of the objects below a prefix, asked of moto itself."""
        names, token = [], ""
        while True:
            url = f"http://127.0.0.1:{self.moto_port}/plimsoll?list-type=2&prefix={prefix}{token}"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            text = opener.open(url, timeout=60).read().decode()
            names += re.findall(r"<Key>([^<]*)</Key>", text)
            more = re.search(r"<NextContinuationToken>([^<]*)</NextContinuationToken>", text)
            if not more:
                return names
            token = "&continuation-token=" + urllib.request.quote(more.group(1), safe="")

    def start(self, name, command, **options):
        return Process([self.arguments.program, *command], self.environment, self.out / f"{name}.log", **options)

    def close(self):
        self.proxy.shutdown()
        self.moto.terminate()
        self.moto.wait()


def series(bench):
    """Thresholds of a table, by one process and by several of which one is killed and one hangs."""
    arguments, proof, out = bench.arguments, bench.proof, bench.out
    scores = out / f"scores-{arguments.series}-{arguments.rows}"
    if not scores.is_dir():
        making = scores.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        subprocess.run(
            [sys.executable, HERE / "make_dataset.py", str(arguments.series), str(arguments.rows), making], check=True
        )
        making.rename(scores)
    size = sum(path.stat().st_size for path in scores.rglob("*.parquet"))
    print(f"\n{arguments.series} series of {arguments.rows:,} rows, {size / 2**20:.0f} MiB of Parquet", flush=True)
    fit = ["fit", "--scores", scores, *FIT, "-v"]
    alone = bench.start("fit-alone", [*fit, "--out", out / "fit-alone"]).wait()
    proof.holds("one process fits all series", alone.code == 0, f"{alone.seconds:.1f} s")

    prefix = f"fit-{time.time_ns()}"
    bench.upload(scores, f"{prefix}/scores")
    bucket = ["fit", "--scores", f"s3://plimsoll/{prefix}/scores", *FIT, "--out", out / "fit-bucket"]
    bucket = bench.start("fit-bucket", bucket).wait()
    held = bucket.code == 0 and files(out / "fit-bucket") == files(out / "fit-alone")
    proof.holds("scores out of the bucket give the same bytes", held, f"{bucket.seconds:.1f} s")
    shared = [*fit, "--store", f"s3://plimsoll/{prefix}", "--lease-seconds", str(LEASE_SECONDS)]

    def records():
        return sum(name.endswith("record.json") for name in bench.objects(f"{prefix}/series/"))

    full = bench.start("fit-full", [*shared, "--out", out / "fit-full"], file_size=64 * 1024).wait()
    proof.holds("a process whose disk is full ends with exit code 4 and leaves no result", full.code == 4 and records() == 0, full.code)
    faketime = shutil.which("faketime")
    clock = [faketime, "-f", "-1h"] if faketime else []
    processes = {
        "killed": bench.start("fit-killed", [*shared, "--out", out / "fit-killed"]),
        "hung": bench.start("fit-hung", [*shared, "--out", out / "fit-hung"]),
        "sound": bench.start("fit-sound", [*shared, "--out", out / "fit-sound"]),
        "clock": bench.start("fit-clock", [*shared, "--out", out / "fit-clock"], before=clock),
    }
    wait_until("some results", lambda: records() >= 2)
    for name, number in (("killed", signal.SIGKILL), ("hung", signal.SIGSTOP)):
        process = processes[name]
        # In the middle of a series: it has begun more than it has finished.
        wait_until(f"{name} computes", lambda process=process: "computing series=" in process.text())
        time.sleep(0.2)
        os.kill(process.child.pid, number)
    processes["killed"].wait()
    for name in ("sound", "clock"):
        processes[name].wait()
    # It goes on when all is done: what it computes then is late, and changes nothing.
    os.kill(processes["hung"].child.pid, signal.SIGCONT)
    processes["hung"].wait()

    proof.holds("one process was killed in the middle", processes["killed"].code == -signal.SIGKILL)

    limit = arguments.limit_mib
    for name, process in [("alone", alone), ("bucket", bucket), *processes.items()]:
        proof.holds(f"peak memory of `{name}` is below {limit} MiB", process.peak_mib < limit, f"{process.peak_mib:.0f} MiB")
    expected = files(out / "fit-alone")
    proof.holds("thresholds and calibration table", len(expected) == 3, sorted(expected))
    for name in ("sound", "clock", "hung"):
        held = processes[name].code == 0 and files(out / f"fit-{name}") == expected
        note = " (no faketime here: its clock is right)" if name == "clock" and not faketime else ""
        proof.holds(f"`{name}` ends with the bytes of one process{note}", held, f"{processes[name].seconds:.1f} s")
    begun = counted([full, *processes.values()], r"computing series=([0-9a-f]{64})")
    # One was killed, one hung, and one had no disk: each may cost one computation more, of one series.
    proof.holds("results in the store", records() == arguments.series, f"{records()} of {arguments.series}")
    more = sum(begun.values()) - arguments.series
    proof.holds("computed more than once for a kill, a hang and a full disk", len(begun) == arguments.series and more <= 3, more)
    leases = bench.objects(f"{prefix}/leases/")
    proof.holds("leases that are left are those of lost processes", len(leases) <= 2, len(leases))


PIPELINE = """name: cluster-proof
seed: 50
datasets:
  - {{id: pocket_sums, source: pocket, split: test, sample: {{rows: {rows}}}}}
  - {{id: pocket_facts, source: pocket, split: test, sample: {{rows: {rows}}}}}
prompt: {{style: direct, few_shot: 0}}
slms:
  - {{id: pocket-slm, backend: candle, source: {models}/slm, dtype: f32}}
llms:
  - {{id: pocket-llm, backend: candle, source: {models}/llm, dtype: f32}}
decoding: {{temperature: 0.0, top_p: 1.0, max_new_tokens: 16}}
methods:
  - average_token_probability
  - perplexity
calibration: {{bins: 10, fraction: 0.5}}
thresholds: {{routing_ratio: [0.2, 0.5]}}
inference: {{chunk: {chunk}}}
"""


def chunks(bench):
    """Answers of two models, by one process and by three workers of which one is killed."""
    arguments, proof, out = bench.arguments, bench.proof, bench.out
    chunk = 4
    rows = max(arguments.chunks // 4, 1) * chunk
    pipeline = out / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(rows=rows, models=ROOT / "models/pocket", chunk=chunk))
    alone = bench.start("run-alone", ["run", pipeline, "--out", out / "run-alone", "--json"]).wait()
    proof.holds("one process runs the pipeline", alone.code == 0, f"{alone.seconds:.1f} s")
    prefix = f"work-{time.time_ns()}"
    store = f"s3://plimsoll/{prefix}"

    def records():
        return sum(name.endswith(".json") for name in bench.objects(f"{prefix}/chunks/"))

    work = ["work", pipeline, "--store", store, "--lease-seconds", str(LEASE_SECONDS), "--json", "-v"]
    workers = [bench.start(f"work-{index}", work) for index in range(3)]
    wait_until("some chunks", lambda: records() >= 3)
    wait_until("the first worker asks", lambda: "asking chunk=" in workers[0].text())
    os.kill(workers[0].child.pid, signal.SIGKILL)
    for worker in workers:
        worker.wait()
    for index, worker in enumerate(workers):
        print(f"      peak memory of worker {index}: {worker.peak_mib:.0f} MiB")
    proof.holds("two workers end, one was killed", [worker.code for worker in workers] == [-signal.SIGKILL, 0, 0])
    asked = counted(workers, r"asking chunk=([0-9a-f]{64})")
    more = sum(asked.values()) - len(asked)
    proof.holds("every chunk was asked, and for the kill at most one more than once", records() == len(asked) and more <= 1, f"{len(asked)} chunks, {more} again")
    run = bench.start("run-store", ["run", pipeline, "--store", store, "--out", out / "run-store", "--json"]).wait()
    answered = re.search(r'"chunks_answered":(\d+)', run.text())
    proof.holds("a run on the store asks no model", run.code == 0 and answered and answered.group(1) == "0")
    expected, found = files(out / "run-alone"), files(out / "run-store")
    differ = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    proof.holds("its files are those of one process", len(expected) > 5 and not differ, differ or f"{len(expected)} files")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--series", type=int, default=12)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--limit-mib", type=int, default=400)
    parser.add_argument("--chunks", type=int, default=48)
    arguments = parser.parse_args()
    arguments.program, arguments.out = arguments.program.resolve(), arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for old in ("fit-*", "run-*", "work-*"):
        for path in arguments.out.glob(old):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    proof = Proof()
    bench = Bench(arguments, proof)
    try:
        series(bench)
        chunks(bench)
        print(f"      requests to the store: {sum(bench.proxy.counts.values())}, of which {json.dumps(dict(bench.proxy.counts))}")
        faults = bench.proxy.counts
        proof.holds("the store was busy, slow, and lost replies", all(faults[fault] for fault in ("busy", "slow", "lost")))
    finally:
        bench.close()
    print(f"\n{'all held' if not proof.failed else f'{len(proof.failed)} did not hold; the logs are in {arguments.out}'}")
    sys.exit(1 if proof.failed else 0)


if __name__ == "__main__":
    main()
