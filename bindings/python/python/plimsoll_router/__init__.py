"""Keep a small language model's answer or defer to a large one, as a calibrated thresholds file says.

The rule: keep iff ``confidence >= threshold``; otherwise, or if the confidence is missing (None), defer.
"""

from plimsoll_router._native import (
    Accumulator,
    Decision,
    Drift,
    ErrorMonitor,
    Evidence,
    ExploredDecision,
    PlimsollError,
    Router,
    TrackedDecision,
    Tracker,
    WindowReport,
    __version__,
    average_token_probability,
    jaccard_degree,
    min_token_probability,
    p_true,
    perplexity,
    token_entropy,
    token_margin,
)

__all__ = [
    "Accumulator",
    "Decision",
    "Drift",
    "ErrorMonitor",
    "Evidence",
    "ExploredDecision",
    "PlimsollError",
    "Router",
    "TrackedDecision",
    "Tracker",
    "WindowReport",
    "__version__",
    "average_token_probability",
    "jaccard_degree",
    "min_token_probability",
    "p_true",
    "perplexity",
    "token_entropy",
    "token_margin",
]
