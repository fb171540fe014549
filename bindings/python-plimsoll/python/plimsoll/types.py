"""The types of arguments, for annotations."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, Union


class ArrowStream(Protocol):
    """A data frame or table of polars, pandas 2.2, pyarrow, duckdb, or whatever else has the Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


PathLike = Union[str, "os.PathLike[str]"]
"""The path of a file."""

Scores = Union[ArrowStream, PathLike, Sequence[PathLike]]
"""A table of scores: in memory, or files, patterns and folders of partitions."""

Progress = Union[bool, Callable[[str, int, "int | None", str], object], None]
"""``None``: a bar where a person looks, in terminals and notebooks. ``True``, ``False``: always, never. Or a function of
task, steps done, steps in all (``None`` where that is not known) and a message; what it raises ends the command."""

Target = Literal["routing_ratio", "accuracy", "llm_gap", "cost", "selective_error", "joint_error", "regret"]
"""What a threshold is fitted for, as the thresholds file names it."""

Risk = tuple[Literal["selective_error", "joint_error", "regret"], float, float]
"""A risk, the bound alpha, and the probability delta that the bound is broken."""
