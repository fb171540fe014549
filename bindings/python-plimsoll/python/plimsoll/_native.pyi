"""What is built of Rust."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

__all__ = [
    "PlimsollError",
    "Problem",
    "Table",
    "__version__",
    "call",
    "confidence_maps",
    "main",
    "mapped",
]

__version__: str

class PlimsollError(Exception):
    exit_code: int
    problems: list[Problem]
    document: str | None

@final
class Problem:
    @property
    def file(self) -> str | None: ...
    @property
    def row(self) -> int: ...
    @property
    def line(self) -> int | None: ...
    @property
    def question_id(self) -> str | None: ...
    @property
    def reason(self) -> str: ...

@final
class Table:
    @staticmethod
    def read_parquet(path: str | PathLike[str]) -> Table: ...
    @staticmethod
    def from_json_lines(lines: str, columns: Sequence[tuple[str, str]]) -> Table: ...
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def to_json(self, rows: int | None = None) -> str: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any: ...

def call(
    arguments: Sequence[str],
    scores: object | None = None,
    name: str = "data frame",
    progress: Callable[[str, int, int | None, str], object] | None = None,
) -> tuple[str | None, list[str]]: ...
def confidence_maps() -> str: ...
def mapped(
    tool: str, name: str, map: str | None, values: Sequence[float | None]
) -> tuple[str, list[float | None]]: ...
def main(arguments: Sequence[str]) -> int: ...
