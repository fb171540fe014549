"""What the functions return."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from plimsoll import _native

_SHOWN_ROWS = 20
_Row = TypeVar("_Row")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(str(value))


def _html(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], total: int) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row.get(column))}</td>" for column in columns) + "</tr>" for row in rows)
    more = f"<p>{total} rows; {len(rows)} are shown</p>" if total > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


class Table:
    """A table, which every reader of the Arrow C stream takes: ``polars.DataFrame(table)``, ``pyarrow.table(table)``,
    ``pandas.DataFrame.from_arrow(table)``, and in DuckDB's SQL by its name.

    >>> table = Table.from_rows([{"a": 0.5, "b": None}], [("a", "float"), ("b", "text")])
    >>> len(table), table.column_names, table.to_dicts()
    (1, ['a', 'b'], [{'a': 0.5, 'b': None}])
    """

    def __init__(self, native: _native.Table) -> None:
        self._native = native

    @classmethod
    def read_parquet(cls, path: str | os.PathLike[str]) -> Table:
        """A Parquet file that Plimsoll wrote."""
        return cls(_native.Table.read_parquet(path))

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, object]], columns: Sequence[tuple[str, str]]) -> Table:
        """Rows with the names and types of the columns: ``text``, ``float`` or ``bool``."""
        lines = "\n".join(json.dumps(row, allow_nan=False) for row in rows)
        return cls(_native.Table.from_json_lines(lines, columns))

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return self._native.column_names

    def __len__(self) -> int:
        return len(self._native)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def to_dicts(self, rows: int | None = None) -> list[dict[str, Any]]:
        """The first rows as dictionaries; all without a number."""
        found: list[dict[str, Any]] = json.loads(self._native.to_json(rows))
        return found

    def __repr__(self) -> str:
        return f"<Table of {len(self)} rows: {', '.join(self.column_names)}>"

    def _repr_html_(self) -> str:
        return _html(self.to_dicts(_SHOWN_ROWS), self.column_names, len(self))


def _from_row(kind: Callable[..., _Row], names: Sequence[str], row: Mapping[str, Any]) -> _Row:
    # A newer program may add keys.
    return kind(**{name: row[name] for name in names})


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, what it was fitted for, and what it achieved on the calibration set, with 95 % intervals.

    ``threshold`` is ``None`` where the target is infeasible; ``status`` says so.
    """

    slm: str
    llm: str | None
    method: str
    target_kind: str
    target_value: float
    target_delta: float | None
    status: str
    threshold: float | None
    achieved_routing_ratio: float | None
    achieved_routing_ratio_low: float | None
    achieved_routing_ratio_high: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None


_POINT = [(item.name, "float") for item in fields(OperatingPoint)]
_TEXTS = {"slm", "llm", "method", "target_kind", "status"}


def _points(rows: Sequence[Mapping[str, Any]]) -> list[OperatingPoint]:
    return [_from_row(OperatingPoint, [name for name, _ in _POINT], row) for row in rows]


def _points_table(points: Sequence[OperatingPoint]) -> Table:
    columns = [(name, "text" if name in _TEXTS else kind) for name, kind in _POINT]
    return Table.from_rows([vars(point) for point in points], columns)


@dataclass(frozen=True, repr=False)
class ThresholdsFile:
    """What you deploy: ``text`` is the file, byte for byte as the program writes it."""

    name: str
    text: str
    sha256: str
    slm: str
    llm: str | None

    def save(self, folder: str | os.PathLike[str] = ".") -> Path:
        """Writes it into a folder under its name; gives the path."""
        path = Path(folder, self.name)
        path.write_bytes(self.text.encode())
        return path

    def to_dict(self) -> dict[str, Any]:
        """Its keys; ``docs/thresholds-file.md`` says what they are."""
        document: dict[str, Any] = json.loads(self.text)
        return document

    def __repr__(self) -> str:
        return f"<ThresholdsFile {self.name}>"


@dataclass(frozen=True, repr=False)
class Fit:
    """Thresholds. Taken as a table it is the operating points."""

    files: list[ThresholdsFile]
    operating_points: list[OperatingPoint]
    calibration: Table
    notes: list[str] = field(default_factory=list)

    def point(self, target: str, method: str | None = None) -> OperatingPoint:
        """The one operating point of a target, such as ``routing_ratio=0.3`` or ``selective_error=0.1:0.1``; of a method,
        where there are several."""
        kind, _, numbers = target.partition("=")
        wanted = [float(number) for number in numbers.split(":")] if numbers else []
        found = [
            point
            for point in self.operating_points
            if point.target_kind == kind
            and [point.target_value, *([] if point.target_delta is None else [point.target_delta])] == wanted
            and method in (None, point.method)
        ]
        if len(found) != 1:
            known = ", ".join(f"{point.method} {point.target_kind}={point.target_value}" for point in self.operating_points)
            raise KeyError(f"{len(found)} operating points are {target}; there are: {known}")
        return found[0]

    @property
    def table(self) -> Table:
        """The operating points as a table."""
        return _points_table(self.operating_points)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        names = ", ".join(file.name for file in self.files)
        return f"<Fit of {len(self.operating_points)} operating points on {len(self.calibration)} rows: {names}>"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


@dataclass(frozen=True, repr=False)
class Evaluation:
    """How well confidences rank right answers first, how well they are calibrated, and what routing by them buys."""

    alignment: Table
    map_metrics: Table
    curves: Table
    curve_areas: Table
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Evaluation: {len(self.alignment)} rows of alignment, {len(self.curves)} of curves>"

    def _repr_html_(self) -> str:
        columns = ["slm", "llm", "method", "dataset", "rows", "accuracy", "roc_auc", "prr", "aurc"]
        known = [column for column in columns if column in self.alignment.column_names]
        return _html(self.alignment.to_dicts(_SHOWN_ROWS), known or self.alignment.column_names, len(self.alignment))


@dataclass(frozen=True, repr=False)
class Transfer:
    """Whether thresholds hold on datasets or domains that they were not fitted on."""

    thresholds: Table
    curves: Table
    summary: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Transfer of {len(self.thresholds)} thresholds>"

    def _repr_html_(self) -> str:
        plain = [{key: value for key, value in row.items() if not isinstance(value, (dict, list))} for row in self.summary]
        columns = list(dict.fromkeys(key for row in plain for key in row))
        return _html(plain, columns, len(plain))


@dataclass(frozen=True)
class CheckedPoint:
    """What new rows say of an operating point: ``holds``, ``does_not_hold`` or ``too_few_rows``."""

    method: str
    id: str
    status: str
    rows_needed: int | None


@dataclass(frozen=True, repr=False)
class Check:
    """Whether a thresholds file still holds. ``status`` is that of the worst point; ``too_few_rows`` is worse than
    ``holds``."""

    status: str
    points: list[CheckedPoint]
    document: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every point was shown to hold."""
        return self.status == "holds"

    def __repr__(self) -> str:
        return f"<Check of {len(self.points)} operating points: {self.status}>"

    def _repr_html_(self) -> str:
        return _html([vars(point) for point in self.points], ["id", "status", "rows_needed"], len(self.points))


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run. Its tables are read from its folder when they are asked for."""

    folder: Path
    stages: list[dict[str, Any]]
    operating_points: list[OperatingPoint]
    document: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def table_names(self) -> list[str]:
        """The tables that the run wrote in one file each."""
        return sorted(path.stem for path in Path(self.folder, "tables").glob("*.parquet"))

    def table(self, name: str) -> Table:
        """A table of the run; ``docs/tables.md`` is the data dictionary."""
        return Table.read_parquet(Path(self.folder, "tables", f"{name}.parquet"))

    @property
    def report(self) -> Path:
        """The report, one page of HTML."""
        return Path(self.folder, "report.html")

    def __repr__(self) -> str:
        return f"<Run in {self.folder} with {len(self.operating_points)} operating points>"

    def _repr_html_(self) -> str:
        return _points_table(self.operating_points)._repr_html_()
