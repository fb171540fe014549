"""Scores of what LM-Polygraph and uqlm gave: objects with the values of `tests/foreign`, which `make.py` there had of them."""

from __future__ import annotations

import json
import math
import random
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import plimsoll

FOREIGN = Path(__file__).parents[3] / "tests" / "foreign"


def manager() -> SimpleNamespace:
    kept = json.loads((FOREIGN / "lm-polygraph" / "manager.json").read_text(encoding="utf-8"))
    as_dict = {name: {(level, key): values for level, key, values in items} for name, items in kept.items()}
    return SimpleNamespace(**as_dict)


def uq_result(name: str) -> SimpleNamespace:
    result: dict[str, Any] = json.loads((FOREIGN / "uqlm" / name).read_text(encoding="utf-8"))
    return SimpleNamespace(data=result["data"])


class LmPolygraph(unittest.TestCase):
    def test_each_estimator_is_a_method(self) -> None:
        run = manager()
        table = plimsoll.scores_from_lm_polygraph(run, map="exp_neg", correct_from=0.5, dataset="colours", slm="small")
        rows = table.to_dicts()
        self.assertEqual(len(rows), 12 * 3)
        values = run.estimations["sequence", "Perplexity"]
        mine = [row for row in rows if row["method"] == "lm-polygraph:Perplexity:exp_neg"]
        for row, value, grade in zip(mine, values, run.gen_metrics["sequence", "Rouge_rougeL"], strict=True):
            self.assertAlmostEqual(row["confidence"], math.exp(-value), places=15)
            self.assertEqual(row["slm_correct"], grade >= 0.5)
        self.assertEqual({row["slm"] for row in rows}, {"small"})

    def test_what_must_be_said(self) -> None:
        with self.assertRaisesRegex(ValueError, "neither 0 nor 1.*correct_from"):
            graded = manager()
            graded.gen_metrics = {("sequence", "Rouge"): [0.5] * 12}
            plimsoll.scores_from_lm_polygraph(graded, map="exp_neg")
        with self.assertRaisesRegex(ValueError, "no map for MaximumSequenceProbability.*exp_neg = .*sigmoid_neg = "):
            plimsoll.scores_from_lm_polygraph(manager(), map={"Perplexity": "exp_neg"}, correct_from=0.5)
        with self.assertRaisesRegex(ValueError, "the map one_minus is for u in "):
            plimsoll.scores_from_lm_polygraph(manager(), map="one_minus", correct_from=0.5)
        with self.assertRaisesRegex(ValueError, "`rank` is no map.*exp_neg"):
            plimsoll.scores_from_lm_polygraph(manager(), map="rank", correct_from=0.5)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ValueError, "of the level sequence there are: .*Perplexity"):
            plimsoll.scores_from_lm_polygraph(manager(), map="exp_neg", estimators=["Perplexities"], correct_from=0.5)

    def test_the_thresholds_file_says_how_the_confidence_is_made(self) -> None:
        draw = random.Random(1)
        run = SimpleNamespace(
            estimations={("sequence", "Perplexity"): [draw.random() for _ in range(500)]},
            gen_metrics={("sequence", "Accuracy"): [float(draw.random() < 0.5) for _ in range(500)]},
        )
        fitted = plimsoll.fit(plimsoll.scores_from_lm_polygraph(run, map="exp_neg"), ratio=0.3, bootstrap=0)
        method = fitted.files[0].to_dict()["methods"][0]
        self.assertEqual(method["id"], "lm-polygraph:Perplexity:exp_neg")
        self.assertEqual(
            method["definition"], "the uncertainty `Perplexity` of lm-polygraph, u, as the confidence exp(-u) (`exp_neg`)"
        )


class Uqlm(unittest.TestCase):
    def test_each_scorer_is_a_method(self) -> None:
        for name, scorers in (
            ("white_box.json", {"sequence_probability", "min_probability", "min_token_negentropy"}),
            ("black_box.json", {"exact_match"}),
        ):
            result = uq_result(name)
            table = plimsoll.scores_from_uqlm(result, correct=[number % 2 == 0 for number in range(12)])
            rows = table.to_dicts()
            self.assertEqual({row["method"] for row in rows}, {f"uqlm:{scorer}" for scorer in scorers})
            for scorer in scorers:
                own = [row["confidence"] for row in rows if row["method"] == f"uqlm:{scorer}"]
                self.assertEqual(own, result.data[scorer])

    def test_entropies_are_uncertainties(self) -> None:
        result = SimpleNamespace(data={"discrete_entropy_values": [0.0, 0.5], "discrete_confidence_scores": [1.0, 0.4]})
        methods = plimsoll.scores_from_uqlm(result, correct=[1, 0]).to_dicts()
        self.assertEqual({row["method"] for row in methods}, {"uqlm:discrete_confidence_scores"})
        with self.assertRaisesRegex(ValueError, "is an uncertainty, and map has no map for it"):
            plimsoll.scores_from_uqlm(result, correct=[1, 0], scorers=["discrete_entropy_values"])
        both = plimsoll.scores_from_uqlm(result, correct=[1, 0], map={"discrete_entropy_values": "exp_neg"}).to_dicts()
        self.assertIn("uqlm:discrete_entropy_values:exp_neg", {row["method"] for row in both})
        with self.assertRaisesRegex(ValueError, "2 values, and there are 3 grades"):
            plimsoll.scores_from_uqlm(result, correct=[1, 0, 1], question_ids=[1, 2, 3])


if __name__ == "__main__":
    unittest.main()
