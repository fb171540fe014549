"""A bar, where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable

from plimsoll.types import Progress

Report = Callable[[str, int, "int | None", str], object]
_WIDTH = 24


class Bar:
    """One line that is written over; it vanishes at the end."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, task: str, done: int, total: int | None, message: str) -> None:
        if not task:
            return
        if total:
            filled = _WIDTH * min(done, total) // total
            line = f"{task:9} [{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total} {message}"
        else:
            line = f"{task:9} {done or ''} {message}"
        if line != self._shown:
            sys.stderr.write("\r" + line.ljust(len(self._shown)))
            sys.stderr.flush()
            self._shown = line

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * len(self._shown) + "\r")
            sys.stderr.flush()


def _in_notebook() -> bool:
    # Set by IPython where it runs; no module is imported to find out.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def reporter(progress: Progress) -> Report | None:
    """What is called with how far a command is."""
    if callable(progress):
        return progress
    # Without a console, as on Windows under pythonw, there is no standard error.
    seen = sys.stderr is not None and (sys.stderr.isatty() or _in_notebook())
    return Bar() if progress or (progress is None and seen) else None
