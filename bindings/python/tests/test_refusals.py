"""What is refused, and how; changed files too."""

from __future__ import annotations

import json
import math
import random
import threading
import unittest
from typing import Any

import plimsoll_router
from plimsoll_router import Accumulator, Decision, PlimsollError, Router
from test_conformance import FILE, opened

RATIO = "routing_ratio=0.3"


class Refusals(unittest.TestCase):
    def refused(self, status: str, message: str, call: Any, *arguments: Any, **named: Any) -> None:
        with self.assertRaisesRegex(PlimsollError, message) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.status, status)

    def test_files_devices_and_points(self) -> None:
        point: dict[str, Any] = {"device": "small", "method": "perplexity", "target": RATIO}
        cases: list[tuple[str, str, dict[str, Any]]] = [
            ("other_model", "this device has `other`", {"device": "other"}),
            ("invalid_argument", "missing field `id`", {"device": {}}),
            ("invalid_argument", "unknown field `size`", {"device": {"id": "small", "size": "1"}}),
            ("not_in_file", "it has: perplexity", {"method": "p_true"}),
            ("not_in_file", "no operating point", {"target": "accuracy=0.5"}),
            ("no_threshold", "infeasible", {"target": "selective_error=0.01:0.1"}),
            ("invalid_argument", "target `0.3`", {"target": "0.3"}),
        ]
        for status, message, change in cases:
            self.refused(status, message, Router.open, FILE, **{**point, **change})
        self.refused("invalid_file", "is empty", Router.from_json, "", **point)
        self.refused("invalid_file", "cut off", Router.from_json, '{"format": ', **point)
        self.refused("invalid_file", "no JSON", Router.from_json, str(FILE), **point)
        self.refused("not_utf8", "UTF-8", Router.from_json, b"\xff", **point)
        with self.assertRaises(FileNotFoundError):
            Router.open(FILE.parent / "none.json", **point)
        for wrong in (7, None, ["small"]):
            with self.assertRaises(TypeError):
                Router.open(FILE, **{**point, "device": wrong})
            with self.assertRaises(TypeError):
                Router.from_json(wrong, **point)  # type: ignore[arg-type]
        text = FILE.read_text(encoding="utf-8")
        for file in (text, text.encode()):
            router = Router.from_json(file, **{**point, "device": {"id": "small", "revision": None}})
            self.assertEqual(router.threshold_id, f"perplexity/{RATIO}")
        self.assertEqual((router.method, len(router.thresholds_sha256)), ("perplexity", 64))
        self.assertIn("quantisation", router.unverified)

    def test_numbers(self) -> None:
        router = opened(f"perplexity/{RATIO}")
        for value in (-0.1, 1.5, math.inf, -math.inf):
            for call in (router.decide, router.record, router.observe, router.probability):
                self.refused("invalid_argument", "is not a finite number", call, value)
            self.refused("invalid_argument", "share", router.explore, 0.5, value)
            self.refused("invalid_argument", "not in", router.explore, 0.5, 0.1, value)
        self.assertEqual(router.decide(math.nan), router.decide(None))
        self.assertEqual(repr(router.decide(1)), "Decision(route='slm', reason='at_or_above')")
        for wrong in ("0.9", [0.9]):
            with self.assertRaises(TypeError):
                router.decide(wrong)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            Decision()
        with self.assertRaises(TypeError):
            Router()
        self.refused("invalid_argument", "horizon", router.tracker, horizon=0.5)
        self.refused("invalid_argument", "certificate", router.tracker, certificate_z=2.0)
        self.refused("invalid_argument", "snapshot cannot", router.tracker, snapshot="{}")
        self.refused("unavailable", "no bound", router.error_monitor)
        self.refused("invalid_argument", "together", router.error_monitor, alpha=0.1)
        self.refused("invalid_argument", "its own", router.error_monitor, alpha=0.1, delta=0.1, snapshot="{}")
        self.refused("unavailable", "p_true", Accumulator, "p_true")
        self.refused("invalid_argument", "k must", plimsoll_router.token_entropy, [[-0.1]], 0)
        other = Accumulator("average_token_probability")
        self.refused("invalid_argument", "decides by `perplexity`", router.must_defer, other, 5)
        with self.assertRaises(OverflowError):
            router.must_defer(router.accumulator(), -1)
        snapshot = router.tracker().snapshot()
        self.refused("other_snapshot", "threshold_id", opened("perplexity/routing_ratio=0.7").tracker, snapshot=snapshot)

    def test_a_point_is_described_and_a_window_goes_on(self) -> None:
        router, other = opened(f"perplexity/{RATIO}"), opened(f"perplexity/{RATIO}")
        described = router.describe()
        self.assertEqual((described["method"], described["point"]["status"]), ("perplexity", "reached"))
        self.assertEqual(described["point"]["threshold"], router.threshold)
        router.observe(0.5)
        other.resume_drift(router.drift_snapshot())
        self.assertEqual(other.drift_snapshot(), router.drift_snapshot())
        elsewhere = opened("perplexity/routing_ratio=0.7")
        self.refused("other_snapshot", "threshold_id", elsewhere.resume_drift, router.drift_snapshot())
        self.refused("invalid_argument", "snapshot cannot", elsewhere.resume_drift, "{}")

    def test_a_tracker_counts_an_early_exit_once(self) -> None:
        tracker = opened(f"perplexity/{RATIO}").tracker()
        growing = Accumulator("perplexity")
        self.assertFalse(tracker.must_defer(growing, 4))
        growing.push(-50.0)
        self.assertTrue(tracker.must_defer(growing, 4))
        state = json.loads(tracker.snapshot())["state"]
        self.assertEqual((state["n"], state["routed"]), (1, 1))
        self.refused("unavailable", "no decision", tracker.record)

    def test_exploration_draws_from_the_system(self) -> None:
        router = opened(f"perplexity/{RATIO}")
        explored = [router.explore(0.9, 0.5) for _ in range(4000)]
        other = sum(decision.reason == "explored" for decision in explored)
        # Six standard deviations about a quarter.
        self.assertLess(abs(other - 1000), 6 * math.sqrt(4000 * 0.25 * 0.75))

    def test_threads_share_a_router(self) -> None:
        router = opened(f"perplexity/{RATIO}")
        reports: list[int] = []

        def observe() -> None:
            for _ in range(3000):
                report = router.observe(0.5).report
                if report is not None:
                    reports.append(report.window)

        threads = [threading.Thread(target=observe) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(reports), list(range(4 * 3000 // 300)))

    def test_changed_files_are_refused_with_a_reason_or_change_nothing(self) -> None:
        random.seed(1)
        file, refused = FILE.read_bytes(), 0
        for _ in range(2000):
            changed, kind = bytearray(file), random.randrange(4)
            if kind == 0:
                changed = changed[: random.randrange(len(changed) + 1)]
            elif kind == 1:
                changed = bytearray(random.randbytes(random.randrange(200)))
            else:
                for _ in range(random.randint(1, 4)):
                    changed[random.randrange(len(changed))] = random.randrange(256)
            try:
                Router.from_json(bytes(changed), device="small", method="perplexity", target=RATIO)
            except PlimsollError as error:
                refused += 1
                self.assertTrue(str(error))
        self.assertGreater(refused, 1900)


if __name__ == "__main__":
    unittest.main()
