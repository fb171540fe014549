"""Thresholds that say when a small language model should defer to a large one, and tests of them.

The rule: keep iff ``confidence >= threshold``; otherwise, or if the confidence is missing, defer.

Every function is a command of the program ``plimsoll``, with the same results to the last bit.
"""

from plimsoll._commands import check, evaluate, fit, run, transfer
from plimsoll._native import PlimsollError, Problem, __version__
from plimsoll.adapters import (
    scores_from_llmrouter,
    scores_from_lm_eval,
    scores_from_lm_polygraph,
    scores_from_routellm,
    scores_from_uqlm,
)
from plimsoll.results import (
    Check,
    CheckedPoint,
    Evaluation,
    Fit,
    OperatingPoint,
    Run,
    Table,
    ThresholdsFile,
    Transfer,
)

__all__ = [
    "Check",
    "CheckedPoint",
    "Evaluation",
    "Fit",
    "OperatingPoint",
    "PlimsollError",
    "Problem",
    "Run",
    "Table",
    "ThresholdsFile",
    "Transfer",
    "__version__",
    "check",
    "evaluate",
    "fit",
    "run",
    "scores_from_llmrouter",
    "scores_from_lm_eval",
    "scores_from_lm_polygraph",
    "scores_from_routellm",
    "scores_from_uqlm",
    "transfer",
]
