"""The functions against the command line: the same bytes, whatever holds the scores."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

import plimsoll

COLUMNS = [
    ("question_id", "text"),
    ("dataset", "text"),
    ("method", "text"),
    ("confidence", "float"),
    ("slm_correct", "bool"),
    ("llm_correct", "bool"),
]


def rows(count: int = 1200, seed: int = 1) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    made = []
    for index in range(count):
        confidence = draw.random()
        made.append(
            {
                "question_id": f"q{index}",
                "dataset": "abc"[index % 3],
                "method": "perplexity",
                "confidence": None if index % 97 == 0 else confidence,
                "slm_correct": draw.random() < confidence,
                "llm_correct": None if index % 89 == 0 else draw.random() < 0.8,
            }
        )
    return made


def table(made: list[dict[str, Any]]) -> plimsoll.Table:
    return plimsoll.Table.from_rows(made, COLUMNS)


def write_csv(path: Path, made: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name, _ in COLUMNS])
        writer.writeheader()
        writer.writerows(made)


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("plimsoll")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "plimsoll"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def without_origin(text: str) -> dict[str, Any]:
    """A thresholds file but for what its scores were read from."""
    document: dict[str, Any] = json.loads(text)
    del document["calibration"]["sources"], document["sha256"]
    return document


class Commands(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.scores = self.folder / "scores.csv"
        write_csv(self.scores, rows())

    def test_fit_of_a_file_is_the_command_line_to_the_last_byte(self) -> None:
        out = self.folder / "out"
        run = program(
            "fit", "--scores", str(self.scores), "--ratio", "0.1", "0.3", "--accuracy", "0.7",
            "--risk", "selective_error:0.3:0.1", "--bootstrap", "50", "--out", str(out),
        )  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        written = {path.name: path.read_bytes() for path in out.glob("*.thresholds.json")}
        fitted = plimsoll.fit(
            self.scores, ratio=[0.1, 0.3], accuracy=0.7, risk=("selective_error", 0.3, 0.1), bootstrap=50
        )
        self.assertEqual({file.name: file.text.encode() for file in fitted.files}, written)
        again = self.folder / "again"
        plimsoll.fit(
            [self.scores], ratio=[0.1, 0.3], accuracy=0.7, risk=[("selective_error", 0.3, 0.1)], bootstrap=50, out=again
        )
        calibration = Path("tables", "calibration.parquet")
        self.assertEqual((again / calibration).read_bytes(), (out / calibration).read_bytes())
        point = fitted.point("routing_ratio=0.3")
        self.assertAlmostEqual(point.achieved_routing_ratio or 0, 0.3, delta=0.02)
        self.assertEqual(fitted.point("selective_error=0.3:0.1", method="perplexity").target_delta, 0.1)
        self.assertRaises(KeyError, fitted.point, "accuracy=0.99")
        self.assertIn("<td>perplexity</td>", fitted._repr_html_())

    def test_a_table_in_memory_gives_what_its_file_gives(self) -> None:
        from_file = plimsoll.fit(self.scores, ratio=[0.1, 0.3], bootstrap=20)
        in_memory = plimsoll.fit(table(rows()), ratio=[0.1, 0.3], bootstrap=20)
        self.assertEqual(in_memory.operating_points, from_file.operating_points)
        self.assertEqual(
            [without_origin(file.text) for file in in_memory.files], [without_origin(file.text) for file in from_file.files]
        )
        self.assertEqual(in_memory.calibration.to_dicts(), from_file.calibration.to_dicts())
        sources = json.loads(in_memory.files[0].text)["calibration"]["sources"]
        self.assertEqual([source["name"] for source in sources], ["data frame"])
        other = plimsoll.fit(table(rows(seed=2)), ratio=[0.1, 0.3], bootstrap=20)
        self.assertNotEqual(json.loads(other.files[0].text)["calibration"]["sources"], sources)

    def test_frames_of_other_libraries(self) -> None:
        made = rows()
        wanted = plimsoll.fit(table(made), ratio=0.3, bootstrap=0).files[0].text
        columns = {name: [row[name] for row in made] for name, _ in COLUMNS}
        tried = 0
        try:
            import polars
        except ImportError:
            pass
        else:
            frame = polars.DataFrame(columns)
            self.assertEqual(plimsoll.fit(frame, ratio=0.3, bootstrap=0).files[0].text, wanted)
            frame = frame.with_columns(polars.col("dataset").cast(polars.Categorical))
            self.assertEqual(plimsoll.fit(frame, ratio=0.3, bootstrap=0).files[0].text, wanted)
            self.assertEqual(polars.DataFrame(table(made)).height, len(made))
            tried += 1
        try:
            import pandas
        except ImportError:
            pass
        else:
            if hasattr(pandas.DataFrame, "__arrow_c_stream__"):
                self.assertEqual(plimsoll.fit(pandas.DataFrame(columns), ratio=0.3, bootstrap=0).files[0].text, wanted)
                tried += 1
        try:
            import pyarrow
        except ImportError:
            pass
        else:
            whole = pyarrow.table(columns)
            self.assertEqual(plimsoll.fit(whole, ratio=0.3, bootstrap=0).files[0].text, wanted)
            batches = whole.to_batches(max_chunksize=100)
            # Python code makes these batches while the command runs.
            reader = pyarrow.RecordBatchReader.from_batches(whole.schema, (batch for batch in batches))
            self.assertEqual(plimsoll.fit(reader, ratio=0.3, bootstrap=0).files[0].text, wanted)
            self.assertEqual(pyarrow.table(table(made)).num_rows, len(made))
            tried += 1
        try:
            import duckdb
        except ImportError:
            pass
        else:
            relation = duckdb.read_csv(str(self.scores))
            self.assertEqual(plimsoll.fit(relation, ratio=0.3, bootstrap=0).files[0].text, wanted)
            tried += 1
        if not tried:
            self.skipTest("neither polars, pandas, pyarrow nor duckdb is there")

    def test_evaluate_and_transfer(self) -> None:
        out = self.folder / "out"
        run = program("evaluate", "--scores", str(self.scores), "--bootstrap", "20", "--out", str(out))
        self.assertEqual(run.returncode, 0, run.stderr)
        evaluation = plimsoll.evaluate(self.scores, bootstrap=20)
        self.assertEqual(
            evaluation.alignment.to_dicts(), plimsoll.Table.read_parquet(out / "tables" / "alignment.parquet").to_dicts()
        )
        self.assertIn("<table>", evaluation._repr_html_())
        run = program(
            "transfer", "--scores", str(self.scores), "--ratio", "0.3", "--repeats", "1", "--bootstrap", "0", "--json",
            "--out", str(out),
        )  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr)
        transfer = plimsoll.transfer(table(rows()), ratio=0.3, repeats=1, bootstrap=0)
        self.assertEqual(transfer.summary, json.loads(run.stdout)["summary"])
        self.assertEqual(
            transfer.thresholds.to_dicts(), plimsoll.Table.read_parquet(out / "tables" / "transfer.parquet").to_dicts()
        )
        self.assertIn("<table>", transfer._repr_html_())

    def test_check(self) -> None:
        fitted = plimsoll.fit(table(rows()), ratio=0.3, bootstrap=0)
        checked = plimsoll.check(fitted.files[0], table(rows(6000, seed=3)))
        self.assertEqual((checked.status, checked.holds), ("holds", True))
        poor = rows(6000, seed=4)
        for row in poor:
            row["confidence"] = 0.01
        checked = plimsoll.check(fitted.files[0].save(self.folder), table(poor))
        self.assertEqual((checked.status, checked.holds), ("does_not_hold", False))
        self.assertEqual(checked.points[0].status, "does_not_hold")
        self.assertIn("does_not_hold", checked._repr_html_())

    def test_run(self) -> None:
        pipeline = self.folder / "mine.yaml"
        pipeline.write_text(PIPELINE, encoding="utf-8")
        tasks = set()
        run = plimsoll.run(
            pipeline, out=self.folder / "run", set={"thresholds.routing_ratio": [0.25]},
            progress=lambda task, done, total, message: tasks.add(task),
        )  # fmt: skip
        self.assertEqual([point.target_value for point in run.operating_points], [0.25])
        self.assertIn("scores", run.table_names)
        self.assertEqual(len(run.table("scores")), 1200)
        self.assertTrue(run.report.is_file())
        self.assertTrue(tasks - {""})


PIPELINE = """\
name: mine
seed: 1
import:
  files:
    log: {path: scores.csv}
  sql: SELECT question_id, dataset, method, confidence, slm_correct, llm_correct, _file, _row FROM log
calibration: {bins: 30, fraction: 0.5}
thresholds: {routing_ratio: [0.5]}
evaluation: {transfer: [leave_one_dataset_out], repeats: 1, bootstrap: 0}
"""


class Problems(unittest.TestCase):
    def test_rows_that_cannot_be_used(self) -> None:
        made = rows(5)
        made[1]["confidence"] = 1.5
        made[3]["question_id"] = ""
        with self.assertRaises(plimsoll.PlimsollError) as caught:
            plimsoll.fit(table(made))
        error = caught.exception
        self.assertEqual(error.exit_code, 3)
        self.assertEqual([(problem.file, problem.row) for problem in error.problems], [("data frame", 2), ("data frame", 4)])
        self.assertIn("question_id is missing", error.problems[1].reason)
        self.assertIn("2 rows cannot be used", str(error))

    def test_arguments(self) -> None:
        with self.assertRaises(plimsoll.PlimsollError) as caught:
            plimsoll.fit(table(rows(5)), ratio=1.5)
        self.assertEqual((caught.exception.exit_code, caught.exception.problems), (2, []))
        self.assertIn("between 0 and 1", str(caught.exception))
        with self.assertRaises(plimsoll.PlimsollError) as caught:
            plimsoll.fit("nowhere.csv")
        self.assertIn("nowhere.csv", str(caught.exception))
        others: list[Any] = [5, {"question_id": ["1"]}, [], None]
        for other in others:
            with self.assertRaises(TypeError):
                plimsoll.fit(other)

    def test_what_a_progress_function_raises_ends_the_command(self) -> None:
        def stop(task: str, done: int, total: int | None, message: str) -> None:
            raise RuntimeError("enough")

        with self.assertRaises(RuntimeError):
            plimsoll.fit(table(rows()), progress=stop)

    def test_progress_never_goes_back(self) -> None:
        seen: list[tuple[str, int, int]] = []

        def progress(task: str, done: int, total: int | None, message: str) -> None:
            if total is not None:
                seen.append((task, done, total))

        plimsoll.transfer(table(rows(12000)), repeats=200, bootstrap=0, progress=progress)
        # Three datasets held out in turn, and the draws before; there is but one series.
        steps = [done for task, done, total in seen if (task, total) == ("transfer", 4 * 200)]
        self.assertTrue(steps)
        self.assertEqual(steps, sorted(steps))
        self.assertLessEqual(max(steps), 4 * 200)

    @unittest.skipIf(os.name == "nt", "there are no signals")
    def test_ctrl_c_is_heard(self) -> None:
        made = table(rows(12000))
        # A shell that runs the tests in the background has them ignore the signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        begun = threading.Event()

        def progress(task: str, done: int, total: int | None, message: str) -> None:
            # Early in the work, and not in here: the signal is heard while the call waits.
            if total is not None and 0 < done < total / 2:
                begun.set()

        def interrupt() -> None:
            if begun.wait(timeout=300):
                os.kill(os.getpid(), signal.SIGINT)

        interrupter = threading.Thread(target=interrupt)
        self.addCleanup(interrupter.join)
        with tempfile.TemporaryDirectory() as folder:
            interrupter.start()
            with self.assertRaises(KeyboardInterrupt):
                plimsoll.transfer(made, repeats=1000, bootstrap=0, out=folder, progress=progress)
            self.assertEqual(list(Path(folder).glob("tables/*.parquet")), [])
            # The folder is free again.
            plimsoll.fit(made, bootstrap=0, out=folder)


class Program(unittest.TestCase):
    def test_exit_codes_and_help(self) -> None:
        self.assertEqual(program("--version").stdout.strip(), f"plimsoll {plimsoll.__version__}")
        self.assertEqual(program("fitt").returncode, 2)
        self.assertIn("fit", program("--help").stdout)

    @unittest.skipIf(os.name == "nt", "there are no signals")
    def test_ctrl_c_ends_the_program(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            scores, out = Path(folder, "scores.csv"), Path(folder, "out")
            write_csv(scores, rows(12000))
            command = [sys.executable, "-m", "plimsoll", "transfer", f"--scores={scores}", "--repeats=1000", "--bootstrap=0"]
            with subprocess.Popen([*command, f"--out={out}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                while not out.exists():
                    self.assertIsNone(running.poll(), "it ended before it began")
                    time.sleep(0.01)
                running.send_signal(signal.SIGINT)
                self.assertEqual(running.wait(timeout=60), -signal.SIGINT)
            self.assertEqual(list(out.glob("tables/*.parquet")), [])


if __name__ == "__main__":
    unittest.main()
