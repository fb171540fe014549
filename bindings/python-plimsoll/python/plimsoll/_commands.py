"""The functions: a command of the program each."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union

from plimsoll import _native
from plimsoll._progress import Bar, reporter
from plimsoll.results import (
    Check,
    CheckedPoint,
    Evaluation,
    Fit,
    Run,
    Table,
    ThresholdsFile,
    Transfer,
    _points,
)
from plimsoll.types import PathLike, Progress, Risk, Scores

_Number = Union[int, float]
# What the exit code 5 is for: the command did its work, and something does not hold.
_LIMIT = 5


def _paths(scores: Scores) -> list[str] | None:
    """The paths, or nothing for a table in memory."""
    if isinstance(scores, (str, os.PathLike)):
        return [os.fspath(scores)]
    if hasattr(scores, "__arrow_c_stream__"):
        return None
    if isinstance(scores, Sequence) and scores and all(isinstance(path, (str, os.PathLike)) for path in scores):
        return [os.fspath(path) for path in scores]
    raise TypeError(
        f"scores is a {type(scores).__name__}: give a data frame or table with __arrow_c_stream__ (polars, pandas 2.2, pyarrow, "
        "duckdb), a path, or a list of paths"
    )


def _call(
    arguments: Sequence[str], scores: Scores, progress: Progress, file: PathLike | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Runs a command on scores."""
    paths = _paths(scores)
    # Written with `=`, a path that begins with a dash is no option.
    given = [f"--scores={path}" for path in (["data frame"] if paths is None else paths)]
    return _run([*arguments, *given], scores if paths is None else None, progress, file)


def _run(
    arguments: Sequence[str], in_memory: object | None, progress: Progress, file: PathLike | None = None
) -> tuple[dict[str, Any], list[str]]:
    last = [] if file is None else ["--", os.fspath(file)]
    report = reporter(progress)
    try:
        document, notes = _native.call([*arguments, *last], scores=in_memory, progress=report)
    finally:
        if isinstance(report, Bar):
            report.clear()
    found: dict[str, Any] = json.loads(document or "{}")
    return found, notes


def _numbers(option: str, values: _Number | Sequence[_Number]) -> list[str]:
    given = values if isinstance(values, Sequence) else [values]
    return [f"{option}={float(value)!r}" for value in given]


def _fit_options(
    ratio: _Number | Sequence[_Number],
    accuracy: _Number | Sequence[_Number],
    llm_gap: _Number | Sequence[_Number],
    cost: _Number | Sequence[_Number],
    risk: Risk | Sequence[Risk],
    options: Mapping[str, _Number],
) -> list[str]:
    arguments = [*_numbers("--ratio", ratio), *_numbers("--accuracy", accuracy)]
    arguments += [*_numbers("--llm-gap", llm_gap), *_numbers("--cost", cost)]
    risks = [risk] if isinstance(risk, tuple) and len(risk) == 3 and isinstance(risk[0], str) else risk
    for kind, alpha, delta in risks:
        arguments.append(f"--risk={kind}:{float(alpha)!r}:{float(delta)!r}")
    return arguments + [f"--{name}={value!r}" for name, value in options.items()]


@contextlib.contextmanager
def _folder(out: PathLike | None) -> Iterator[str]:
    """The output folder, or one that is gone afterwards."""
    if out is not None:
        yield os.fspath(out)
        return
    with tempfile.TemporaryDirectory(prefix="plimsoll-") as folder:
        yield folder


def _table(folder: str, name: str) -> Table:
    return Table.read_parquet(Path(folder, "tables", f"{name}.parquet"))


def fit(
    scores: Scores,
    *,
    ratio: _Number | Sequence[_Number] = (),
    accuracy: _Number | Sequence[_Number] = (),
    llm_gap: _Number | Sequence[_Number] = (),
    cost: _Number | Sequence[_Number] = (),
    risk: Risk | Sequence[Risk] = (),
    bins: int = 30,
    fraction: float = 0.1,
    seed: int = 50,
    bootstrap: int = 1000,
    out: PathLike | None = None,
    progress: Progress = None,
) -> Fit:
    """Fits thresholds on a table of scores, as ``plimsoll fit``.

    The columns are ``question_id``, ``dataset``, ``method``, ``confidence`` in [0, 1] (higher = more likely correct, null =
    missing), ``slm_correct``, and where there are any ``domain``, ``slm``, ``llm``, ``llm_correct``, ``cluster_id``,
    ``slm_cost``, ``llm_cost``. Without a target, routing ratios from 0.1 to 0.9 are fitted. ``risk`` is a triple such as
    ``("selective_error", 0.1, 0.1)``, or a list of them. With ``out`` the files are kept there, as the program writes them.

    >>> scores = Table.from_rows(
    ...     [
    ...         {"question_id": str(i), "dataset": "d", "method": "m", "confidence": i / 1000, "slm_correct": i % 1000 > 300}
    ...         for i in range(1000)
    ...     ],
    ...     [("question_id", "text"), ("dataset", "text"), ("method", "text"), ("confidence", "float"), ("slm_correct", "bool")],
    ... )
    >>> fitted = fit(scores, ratio=0.3, fraction=1.0, bootstrap=0)
    >>> fitted.point("routing_ratio=0.3").threshold
    0.2995
    """
    options = {"bins": bins, "fraction": float(fraction), "seed": seed, "bootstrap": bootstrap}
    arguments = ["fit", *_fit_options(ratio, accuracy, llm_gap, cost, risk, options)]
    with _folder(out) as folder:
        document, notes = _call([*arguments, f"--out={folder}"], scores, progress)
        files = []
        for file in document["files"]:
            path = Path(file["path"])
            text = path.read_bytes().decode()
            files.append(ThresholdsFile(path.name, text, file["sha256"], file["slm"], file["llm"]))
        calibration = _table(folder, "calibration")
    return Fit(files, _points(document["operating_points"]), calibration, notes)


def evaluate(
    scores: Scores,
    *,
    thresholds: PathLike | None = None,
    bootstrap: int = 1000,
    seed: int = 50,
    out: PathLike | None = None,
    progress: Progress = None,
) -> Evaluation:
    """Evaluates confidences and routing curves on a table of scores, as ``plimsoll evaluate``."""
    arguments = ["evaluate", f"--bootstrap={bootstrap!r}", f"--seed={seed!r}"]
    if thresholds is not None:
        arguments.append(f"--thresholds={os.fspath(thresholds)}")
    with _folder(out) as folder:
        _, notes = _call([*arguments, f"--out={folder}"], scores, progress)
        names = ["alignment", "map_metrics", "curves", "curve_areas"]
        alignment, map_metrics, curves, curve_areas = (_table(folder, name) for name in names)
    return Evaluation(alignment, map_metrics, curves, curve_areas, notes)


def transfer(
    scores: Scores,
    *,
    by: Literal["dataset", "domain"] | Sequence[Literal["dataset", "domain"]] = "dataset",
    repeats: int = 3,
    ratio: _Number | Sequence[_Number] = (),
    accuracy: _Number | Sequence[_Number] = (),
    llm_gap: _Number | Sequence[_Number] = (),
    cost: _Number | Sequence[_Number] = (),
    risk: Risk | Sequence[Risk] = (),
    bins: int = 30,
    fraction: float = 0.1,
    seed: int = 50,
    bootstrap: int = 1000,
    out: PathLike | None = None,
    progress: Progress = None,
) -> Transfer:
    """Tests whether thresholds hold on datasets or domains that they were not fitted on, as ``plimsoll transfer``."""
    options = {"bins": bins, "fraction": float(fraction), "seed": seed, "bootstrap": bootstrap, "repeats": repeats}
    held_out = [f"--by={name}" for name in ([by] if isinstance(by, str) else by)]
    arguments = ["transfer", *held_out, *_fit_options(ratio, accuracy, llm_gap, cost, risk, options)]
    with _folder(out) as folder:
        document, notes = _call([*arguments, f"--out={folder}"], scores, progress)
        thresholds, curves = _table(folder, "transfer"), _table(folder, "transfer_curves")
    return Transfer(thresholds, curves, document["summary"], notes)


def check(
    thresholds: PathLike | ThresholdsFile,
    scores: Scores,
    *,
    method: str | None = None,
    target: str | None = None,
    tolerance: float = 0.05,
    delta: float = 0.05,
    progress: Progress = None,
) -> Check:
    """Checks whether a thresholds file holds on newly labelled rows, as ``plimsoll thresholds check``.

    A point that does not hold is a result, not an exception.
    """
    arguments = [f"--tolerance={float(tolerance)!r}", f"--delta={float(delta)!r}"]
    arguments += [] if method is None else [f"--method={method}"]
    arguments += [] if target is None else [f"--target={target}"]
    with _folder(None) as folder:
        path = thresholds.save(folder) if isinstance(thresholds, ThresholdsFile) else thresholds
        try:
            document, notes = _call(["thresholds", "check", *arguments], scores, progress, path)
        except _native.PlimsollError as error:
            if error.exit_code != _LIMIT or error.document is None:
                raise
            document, notes = json.loads(error.document), []
    points = [
        CheckedPoint(one["method"], point["id"], point["status"], point.get("rows_needed"))
        for one in document["methods"]
        for point in one["operating_points"]
    ]
    return Check(document["status"], points, document, notes)


def run(
    pipeline: PathLike,
    *,
    out: PathLike | None = None,
    until: str | None = None,
    set: Mapping[str, object] | None = None,
    store: str | None = None,
    strict: bool = False,
    progress: Progress = None,
) -> Run:
    """Runs a pipeline file, as ``plimsoll run``: from questions and models, or from scores, to thresholds and a report.

    ``set`` changes keys of the pipeline: ``{"thresholds.routing_ratio": [0.2, 0.4]}``. A run that was stopped, by Ctrl-C for
    instance, goes on from there when it is called again. A broken limit of the pipeline is a `PlimsollError` with the exit
    code 5; all outputs are written by then.
    """
    arguments = ["run"]
    arguments += [] if out is None else [f"--out={os.fspath(out)}"]
    arguments += [] if until is None else [f"--until={until}"]
    arguments += [f"--set={key}={json.dumps(value)}" for key, value in (set or {}).items()]
    arguments += [] if store is None else [f"--store={store}"]
    arguments += ["--strict"] if strict else []
    document, notes = _run(arguments, None, progress, pipeline)
    return Run(Path(document["out"]), document["stages"], _points(document["operating_points"]), document, notes)
