"""Scores of what other programs gave: the files of `tests/foreign`, or objects with their values."""

from __future__ import annotations

import json
import math
import random
import tempfile
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


class Files(unittest.TestCase):
    """Each is what the program reads: `crates/import` tests the values."""

    def test_one_call_a_program(self) -> None:
        samples = {name: FOREIGN / "lm-eval" / name / "samples_colours_2026-01-01T00-00-00.000000.jsonl" for name in ("small", "large")}
        router = FOREIGN / "llmrouter"
        tables = [
            plimsoll.scores_from_lm_eval(samples["small"], llm=[samples["large"]], slm_id="small", llm_id="large"),
            plimsoll.scores_from_routellm(FOREIGN / "routellm" / "*.csv", slm_id="openai/small", llm_id="openai/large", routers=["bert"]),
            plimsoll.scores_from_llmrouter(
                router / "routing_data_test.jsonl", routing=router / "hybrid_llm.jsonl", slm_id="small", llm_id="large"
            ),
            plimsoll.scores_from_llmrouter(router / "router_automix_llamapair_ver_outputs.jsonl", slm_id="small", llm_id="large"),
        ]
        methods = [
            {"lm-eval:choice_probability", "lm-eval:choice_margin"},
            {"routellm:bert:one_minus"},
            {"llmrouter:router_score"},
            {"llmrouter:p_ver_13b"},
        ]
        for table, expected in zip(tables, methods, strict=True):
            rows = table.to_dicts()
            self.assertEqual({row["method"] for row in rows}, expected)
            self.assertEqual(len(rows), 12 * len(expected))
            self.assertTrue(any(row["llm_correct"] for row in rows))
            plimsoll.fit(table, ratio=0.5, bootstrap=0)

    def test_what_is_noted_is_a_warning(self) -> None:
        name = "samples_colours_2026-01-01T00-00-00.000000.jsonl"
        with tempfile.TemporaryDirectory() as folder:
            large = Path(folder, name)
            lines = (FOREIGN / "lm-eval" / "large" / name).read_text(encoding="utf-8").splitlines(keepends=True)
            large.write_text("".join(lines[:-2]), encoding="utf-8")
            with self.assertWarnsRegex(UserWarning, "2 questions have no answer of the LLM") as caught:
                plimsoll.scores_from_lm_eval(FOREIGN / "lm-eval" / "small" / name, llm=large, slm_id="small", llm_id="large")
        self.assertEqual(caught.filename, __file__)

    def test_what_cannot_be_read(self) -> None:
        with self.assertRaisesRegex(plimsoll.PlimsollError, "batch_calculate_win_rate"), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "r.csv")
            path.write_text("prompt,a,b\nq,True,False\n", encoding="utf-8")
            plimsoll.scores_from_routellm(path, slm_id="a", llm_id="b")
        with self.assertRaisesRegex(plimsoll.PlimsollError, "no file matches"):
            plimsoll.scores_from_lm_eval("nowhere/*.jsonl")


if __name__ == "__main__":
    unittest.main()
