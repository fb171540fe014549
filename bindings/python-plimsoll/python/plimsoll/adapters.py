"""Results of other programs as tables of scores: objects of LM-Polygraph and uqlm, and files of lm-evaluation-harness, RouteLLM
and LLMRouter, which ``plimsoll import`` reads.
"""

from __future__ import annotations

import math
import numbers
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Union, cast

from plimsoll import _native
from plimsoll.results import Table
from plimsoll.types import PathLike

Files = Union[PathLike, Sequence[PathLike]]
"""A path, a pattern (``logs/*.jsonl``), or several."""

Map = Literal["exp_neg", "one_minus", "reciprocal", "sigmoid_neg"]
"""A decreasing map from an uncertainty u to a confidence: exp(-u), 1 - u, 1 / (1 + u), 1 / (1 + exp(u))."""

_COLUMNS = [
    ("question_id", "text"),
    ("dataset", "text"),
    ("slm", "text"),
    ("method", "text"),
    ("confidence", "float"),
    ("slm_correct", "bool"),
]
# What uqlm's results hold beside scores.
_NO_SCORES = {"prompts", "responses", "sampled_responses", "raw_responses", "raw_sampled_responses", "correct"}


# What is higher for a worse response: a confidence by a map alone.
_UQLM_UNCERTAINTIES = {"discrete_entropy_values", "tokenprob_entropy_values", "num_semantic_sets"}


class UEManager(Protocol):
    """`lm_polygraph.utils.manager.UEManager`, as far as it is read."""

    estimations: Any
    gen_metrics: Any


class UQResult(Protocol):
    """`uqlm.utils.results.UQResult`, as far as it is read."""

    data: Any


def _number(value: object) -> float | None:
    """A number; ``None`` for what is missing."""
    if value is None:
        return None
    number = float(cast(float, value))
    return None if math.isnan(number) else number


def _is_numeric(values: Sequence[object]) -> bool:
    # NumPy registers its numbers.
    return all(value is None or isinstance(value, numbers.Real) for value in values) and any(
        value is not None for value in values
    )


def _grades(values: Iterable[object], correct_from: float | None, name: str) -> list[bool | None]:
    grades: list[bool | None] = []
    for row, value in enumerate(values):
        number = _number(value)
        if number is None:
            grades.append(None)
        elif correct_from is not None:
            grades.append(number >= correct_from)
        elif number in (0.0, 1.0):
            grades.append(number == 1.0)
        else:
            raise ValueError(
                f"{name} of row {row} is {number}, neither 0 nor 1: say from which value on an answer is correct (correct_from)"
            )
    return grades


def _ids(question_ids: Sequence[object] | None, count: int) -> list[str]:
    ids = list(range(count)) if question_ids is None else list(question_ids)
    if len(ids) != count:
        raise ValueError(f"there are {len(ids)} question_ids for {count} answers")
    return [str(one) for one in ids]


def _table(
    methods: Mapping[str, Sequence[float | None]], ids: list[str], grades: list[bool | None], dataset: str, slm: str | None
) -> Table:
    rows = []
    for method, confidences in methods.items():
        if not len(confidences) == len(ids) == len(grades):
            raise ValueError(f"{method} has {len(confidences)} values, and there are {len(grades)} grades of {len(ids)} answers")
        for question, confidence, grade in zip(ids, confidences, grades):
            values = [question, dataset, slm, method, confidence, grade]
            rows.append({name: value for (name, _), value in zip(_COLUMNS, values)})
    return Table.from_rows(rows, _COLUMNS)


def scores_from_lm_polygraph(
    manager: UEManager,
    *,
    map: Map | Mapping[str, Map],
    metric: str | None = None,
    correct_from: float | None = None,
    estimators: Sequence[str] | None = None,
    dataset: str = "dataset",
    slm: str | None = None,
    question_ids: Sequence[object] | None = None,
) -> Table:
    """Scores of an LM-Polygraph `UEManager`: of one that has run, or of a saved one by ``UEManager.load(path)``.

    Its estimators of the level ``sequence`` are uncertainties, most without a bound, so ``map`` says how they become
    confidences: one map, or one for each estimator. The map stands in the method's name, ``lm-polygraph:Perplexity:exp_neg``,
    and so in the thresholds file. An uncertainty that a map is not for is an error. ``metric`` is the generation metric that
    says whether an answer is correct (needed where there are several), ``correct_from`` from which value on.

    >>> class Manager:
    ...     estimations = {("sequence", "Perplexity"): [0.0, 1.0, float("nan")]}
    ...     gen_metrics = {("sequence", "Accuracy"): [1, 0, 1]}
    >>> table = scores_from_lm_polygraph(Manager(), map="exp_neg")
    >>> [(row["method"], row["confidence"]) for row in table.to_dicts()][1:]
    [('lm-polygraph:Perplexity:exp_neg', 0.36787944117144233), ('lm-polygraph:Perplexity:exp_neg', None)]
    """
    found: dict[str, Sequence[object]] = {
        str(name): values for (level, name), values in manager.estimations.items() if level == "sequence"
    }
    wanted = list(found) if estimators is None else list(estimators)
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise ValueError(f"there are no uncertainties {unknown}; of the level sequence there are: {', '.join(found)}")
    metrics: dict[str, Sequence[object]] = {
        str(name): values for (level, name), values in manager.gen_metrics.items() if level == "sequence"
    }
    if metric is None and len(metrics) == 1:
        metric = next(iter(metrics))
    if metric is None or metric not in metrics:
        raise ValueError(f"which metric says whether an answer is correct (metric)? There are: {', '.join(metrics)}")
    grades = _grades(metrics[metric], correct_from, metric)
    methods: dict[str, Sequence[float | None]] = {}
    for name in wanted:
        if not isinstance(map, str) and name not in map:
            raise ValueError(f"map has no map for {name}, an uncertainty; there are: {_native.confidence_maps()}")
        chosen = map if isinstance(map, str) else map[name]
        values = [_number(value) for value in found[name]]
        method, confidences = _native.mapped("lm-polygraph", name, chosen, values)
        methods[method] = confidences
    return _table(methods, _ids(question_ids, len(grades)), grades, dataset, slm)


def scores_from_uqlm(
    result: UQResult,
    *,
    correct: Iterable[object],
    correct_from: float | None = None,
    scorers: Sequence[str] | None = None,
    map: Mapping[str, Map] | None = None,
    dataset: str = "dataset",
    slm: str | None = None,
    question_ids: Sequence[object] | None = None,
) -> Table:
    """Scores of a uqlm `UQResult`, whose scorers give confidences in [0, 1]. It does not know which responses are right:
    ``correct`` says it, one value a response. The entropies of `SemanticEntropy` are uncertainties, and are left out but for
    those for which ``map`` has a map.

    >>> class Result:
    ...     data = {"prompts": ["a", "b"], "responses": ["x", "y"], "min_probability": [0.25, 0.75]}
    >>> scores_from_uqlm(Result(), correct=[False, True]).to_dicts()[1]["method"]
    'uqlm:min_probability'
    """
    found = {
        str(name): list(values)
        for name, values in result.data.items()
        if name not in _NO_SCORES and isinstance(values, (list, tuple)) and _is_numeric(values)
    }
    maps = dict(map or {})
    given = [name for name in found if name not in _UQLM_UNCERTAINTIES or name in maps]
    wanted = given if scorers is None else list(scorers)
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise ValueError(f"there are no scores {unknown}; there are: {', '.join(found)}")
    grades = _grades(correct, correct_from, "correct")
    methods: dict[str, Sequence[float | None]] = {}
    for name in wanted:
        if name in _UQLM_UNCERTAINTIES and name not in maps:
            raise ValueError(f"{name} is an uncertainty, and map has no map for it; there are: {_native.confidence_maps()}")
        method, confidences = _native.mapped("uqlm", name, maps.get(name), [_number(value) for value in found[name]])
        methods[method] = confidences
    return _table(methods, _ids(question_ids, len(grades)), grades, dataset, slm)


def _imported(tool: str, files: Files, options: Mapping[str, object], others: Mapping[str, Files | None]) -> Table:
    """What ``plimsoll import`` writes; what it notes about the files is a warning."""
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    for name, more in others.items():
        given += [] if more is None else [f"--{name}={path}" for path in _listed(more)]
    with tempfile.TemporaryDirectory(prefix="plimsoll-") as folder:
        out = Path(folder, "scores.parquet")
        _, notes = _native.call(["import", f"--from={tool}", f"--out={out}", *given, "--", *_listed(files)])
        for note in notes:
            # Shown at the line that called scores_from_*.
            warnings.warn(note, stacklevel=3)
        return Table.read_parquet(out)


def _listed(files: Files) -> list[str]:
    return [os.fspath(files)] if isinstance(files, (str, os.PathLike)) else [os.fspath(path) for path in files]


def scores_from_lm_eval(
    files: Files,
    *,
    llm: Files | None = None,
    slm_id: str | None = None,
    llm_id: str | None = None,
    metric: str | None = None,
    correct_from: float | None = None,
) -> Table:
    """Scores of the files ``samples_TASK_DATE.jsonl`` of lm-evaluation-harness (``--log_samples``), of tasks with choices: the
    largest probability of a choice, and its margin over the second. ``llm`` are the large model's files on the same tasks.
    ``metric`` says whether an answer is correct (without it the first of each file), ``correct_from`` from which value on.
    """
    options = {"slm-id": slm_id, "llm-id": llm_id, "metric": metric, "correct-from": correct_from}
    return _imported("lm-eval", files, options, {"llm": llm})


def scores_from_routellm(
    files: Files, *, slm_id: str, llm_id: str, routers: Sequence[str] = (), correct_from: float | None = None
) -> Table:
    """Scores of responses as RouteLLM's evaluations write them, CSV or Parquet: the column ``prompt``, the grades of the weak and
    the strong model in the columns ``slm_id`` and ``llm_id``, and a column of win rates for each router::

        responses["mf"] = controller.batch_calculate_win_rate(responses["prompt"], "mf")

    The confidence is 1 less the win rate. ``routers`` are the columns of win rates; without it those that are named like a
    router of RouteLLM. The dataset is the file's name, less ``_responses``.
    """
    options = {"slm-id": slm_id, "llm-id": llm_id, "correct-from": correct_from}
    return _imported("routellm", files, options, {"router": list(routers)})


def scores_from_llmrouter(
    files: Files, *, slm_id: str, llm_id: str, routing: Files | None = None, correct_from: float | None = None
) -> Table:
    """Scores of LLMRouter: of routing data (``routing_data_*.jsonl``) with ``routing``, what ``llmrouter infer --router hybrid_llm``
    writes; or of AutoMix's ``router_automix_llamapair_ver_outputs.jsonl``, whose self-verification is the confidence. Errors of a
    server, which LLMRouter grades as wrong answers, are missing grades.
    """
    options = {"slm-id": slm_id, "llm-id": llm_id, "correct-from": correct_from}
    return _imported("llmrouter", files, options, {"routing": routing})
