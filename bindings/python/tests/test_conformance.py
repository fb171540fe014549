"""The conformance vectors through Python: `python -m unittest discover tests`, with PLIMSOLL_VECTORS=schemas/conformance."""

from __future__ import annotations

import json
import math
import os
import unittest
from pathlib import Path
from typing import Any

import plimsoll_router as plimsoll
from plimsoll_router import Accumulator, Router

FOLDER = Path(os.environ.get("PLIMSOLL_VECTORS") or Path(__file__).parents[3] / "schemas" / "conformance")
FILE = FOLDER / "example.thresholds.json"


def vectors(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def opened(threshold_id: str) -> Router:
    method, target = threshold_id.split("/", 1)
    return Router.open(FILE, device="small", method=method, target=target)


class Conformance(unittest.TestCase):
    def near(self, found: float | None, expected: float | None, tolerance: float) -> None:
        if found is None or expected is None:
            self.assertIs(found, expected)
        else:
            self.assertLessEqual(abs(found - expected), tolerance)

    def test_decide(self) -> None:
        document = vectors("decide.json")
        for case in document["cases"]:
            router = opened(case["threshold_id"])
            decision = router.decide(case["confidence"])
            self.assertEqual((decision.route, decision.reason), (case["route"], case["reason"]))
            record = json.loads(router.record(case["confidence"]))
            for key in ("route", "reason", "confidence", "threshold", "threshold_id"):
                self.assertEqual(record[key], case[key])
            self.assertEqual(record["thresholds_sha256"], document["sha256"])
            self.assertEqual(router.threshold, case["threshold"])

    def test_confidence(self) -> None:
        document = vectors("confidence.json")
        tolerance = document["tolerance"]
        for method in ("perplexity", "average_token_probability", "min_token_probability"):
            score = getattr(plimsoll, method)
            for case in document[method]:
                logprobs = case["logprobs_nats"]
                self.near(score(logprobs), case["confidence"], tolerance)
                growing = Accumulator(method)
                for logprob in logprobs:
                    growing.push(logprob)
                self.assertEqual(growing.confidence(), score(logprobs), "token by token to the last bit")
        for method in ("token_margin", "token_entropy"):
            score = getattr(plimsoll, method)
            for case in document[method]:
                self.near(score(case["likeliest_nats"]), case["confidence"], tolerance)
        for case in document["p_true"]:
            self.near(plimsoll.p_true(case["true_mass"], case["false_mass"]), case["confidence"], tolerance)
        for case in document["jaccard_degree"]:
            self.near(plimsoll.jaccard_degree(case["answers"]), case["confidence"], tolerance)

    def test_exploration(self) -> None:
        document = vectors("exploration.json")
        router = opened(f"{document['method']}/{document['target']}")
        for case in document["cases"]:
            explored = router.explore(case["confidence"], case["share"], case["u"])
            found = (explored.route, explored.reason, explored.propensity)
            self.assertEqual(found, (case["route"], case["reason"], case["propensity"]))
            record = json.loads(explored.record)
            self.assertEqual(found, (record["route"], record["reason"], record["propensity"]))

    def test_map(self) -> None:
        document = vectors("map.json")
        router = opened("perplexity/routing_ratio=0.3")
        for case in document["cases"]:
            self.near(router.probability(case["confidence"]), case["isotonic"], document["tolerance"])

    def test_drift(self) -> None:
        document = vectors("drift.json")
        router = opened("perplexity/routing_ratio=0.3")
        self.assertEqual(router.drift_state, "collecting")
        drifts = [router.observe(value) for value in document["observed"]]
        found = [(drift.state, drift.report) for drift in drifts if drift.report is not None]
        self.assertEqual(len(found), len(document["reports"]))
        for (state, report), expected in zip(found, document["reports"]):
            for key in ("psi", "ks", "missing_share"):
                self.near(getattr(report, key), expected[key], document["tolerance"])
            alarms = (report.psi_alarm, report.ks_alarm, report.missing_alarm)
            self.assertEqual(alarms, tuple(expected[f"{key}_alarm"] for key in ("psi", "ks", "missing")))
            self.assertEqual((report.window, state), (expected["window"], "alarm" if any(alarms) else "normal"))

    def test_tracker(self) -> None:
        document = vectors("tracker.json")
        router = opened("perplexity/routing_ratio=0.3")
        for sequence in document["sequences"]:
            certificate = sequence["certificate_z"]
            tracker = router.tracker(certificate_z=certificate)
            for step in sequence["steps"]:
                decided = tracker.decide(step["id"], step["confidence"])
                for key in ("route", "reason", "z", "u", "t"):
                    self.assertEqual(getattr(decided, key), step[key], "to the last bit")
                if step["state"] is None:
                    continue
                snapshot = tracker.snapshot()
                self.assertEqual(json.loads(snapshot)["state"], step["state"])
                self.assertEqual(json.loads(tracker.record())["t"], decided.t)
                tracker = router.tracker(certificate_z=certificate, snapshot=snapshot)
        tracker = router.tracker()
        del router
        for tie in document["ties"]:
            self.assertEqual(tracker.decide(tie["id"], 0.5).u, tie["u"])

    def test_error_monitor(self) -> None:
        document = vectors("error_monitor.json")
        router = opened("perplexity/selective_error=0.2:0.1")
        for sequence in document["sequences"]:
            monitor = router.error_monitor(alpha=sequence["alpha"], delta=sequence["delta"])
            for step in sequence["steps"]:
                found = monitor.observe(step["correct"])
                self.near(found.log_e, step["log_e"], document["tolerance"])
                self.assertEqual(found.alarm, step["alarm"])
                state = step["state"]
                if state is None:
                    continue
                self.assertEqual((found.kept, found.wrong), (state["kept"], state["wrong"]))
                self.near(-math.log(found.p_value), state["max_log_e"], 1e-6)
                monitor = router.error_monitor(snapshot=monitor.snapshot())

    def test_streaming(self) -> None:
        document = vectors("streaming.json")
        for sequence in document["sequences"]:
            growing, max_tokens = Accumulator(sequence["method"]), sequence["max_tokens"]
            threshold_id = sequence["threshold_id"]
            router = None if threshold_id is None else opened(threshold_id)
            for step in sequence["steps"]:
                growing.push(step["logprob_nats"])
                bound = growing.upper_bound(max_tokens)
                self.near(growing.confidence(), step["confidence"], document["tolerance"])
                self.near(bound, step["upper_bound"], document["tolerance"])
                self.assertEqual(bound is None or bound < sequence["threshold"], step["must_defer"])
                if router is not None:
                    self.assertEqual(router.must_defer(growing, max_tokens), step["must_defer"])


if __name__ == "__main__":
    unittest.main()
