from collections.abc import Iterable
from os import PathLike
from typing import Any, Final, final

from plimsoll_router.types import DriftState, Likeliest, Logprobs, ModelIdentity, Reason, Route, Status

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

__version__: Final[str]

class PlimsollError(Exception):
    """What the library refuses. The message says what is wrong, where, and what to do; `status` is its kind."""

    status: Status

def perplexity(logprobs: Logprobs) -> float | None:
    """1 / perplexity of the answer's tokens.

    Log-probabilities are natural logs of the model's own distribution over its whole vocabulary, before temperature, without
    the stop token. A None or NaN among them makes the confidence missing (None).
    """

def average_token_probability(logprobs: Logprobs) -> float | None:
    """The mean probability of the answer's tokens; for multiple choice those of the option alone."""

def min_token_probability(logprobs: Logprobs) -> float | None:
    """The smallest probability of the answer's tokens."""

def token_margin(logprobs: Likeliest) -> float | None:
    """By how much the likeliest token leads the second at the positions of the answer, on average."""

def token_entropy(logprobs: Likeliest, k: int | None = None) -> float | None:
    """How far the next-token distributions are from uniform, on average, by the k likeliest tokens of each position.

    Without `k` by all that are given, which must be as many each time.
    """

def p_true(true_mass: float, false_mass: float) -> float | None:
    """P(True) / (P(True) + P(False))."""

def jaccard_degree(answers: list[str]) -> float | None:
    """How much sampled answers agree."""

@final
class Decision:
    @property
    def route(self) -> Route: ...
    @property
    def reason(self) -> Reason: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class ExploredDecision:
    @property
    def route(self) -> Route: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def propensity(self) -> float:
        """The probability with which this route was taken."""

    @property
    def record(self) -> str:
        """The line of the decision log, JSON."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class TrackedDecision:
    """A decision by a tracker, with all that is needed to repeat it."""

    @property
    def route(self) -> Route: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def z(self) -> float | None:
        """The confidence on the pool's scale; None if it is missing."""

    @property
    def u(self) -> float:
        """The number in [0, 1) that breaks ties."""

    @property
    def t(self) -> float:
        """The threshold on the pool's scale that was in force."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class WindowReport:
    """A full window of the drift monitor."""

    @property
    def window(self) -> int: ...
    @property
    def psi(self) -> float: ...
    @property
    def ks(self) -> float: ...
    @property
    def missing_share(self) -> float: ...
    @property
    def psi_alarm(self) -> bool: ...
    @property
    def ks_alarm(self) -> bool: ...
    @property
    def missing_alarm(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Drift:
    @property
    def state(self) -> DriftState: ...
    @property
    def report(self) -> WindowReport | None:
        """The window that this observation filled; None for all others."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Evidence:
    """What an error monitor has seen."""

    @property
    def kept(self) -> int:
        """Kept answers with a label."""

    @property
    def wrong(self) -> int:
        """Of these, wrong."""

    @property
    def log_e(self) -> float:
        """Natural logarithm of the evidence that P(wrong | kept) exceeds alpha."""

    @property
    def p_value(self) -> float:
        """Valid at every moment."""

    @property
    def alarm(self) -> bool:
        """True from the first alarm on."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Accumulator:
    """A confidence that grows token by token, with the bits of the closed form."""

    def __new__(cls, method: str) -> Accumulator:
        """For `perplexity`, `average_token_probability` and `min_token_probability`."""

    def push(self, logprob: float | None) -> None:
        """Takes the natural-log probability of the next token; None or NaN makes the confidence missing for good."""

    def extend(self, logprobs: Logprobs) -> None:
        """Takes those of several tokens, for instance of a chunk of a stream."""

    def confidence(self) -> float | None: ...
    def upper_bound(self, max_tokens: int) -> float | None:
        """No answer of at most `max_tokens` tokens that begins with these gets a larger confidence; None if it gets none."""

    @property
    def method(self) -> str: ...
    @property
    def tokens(self) -> int:
        """How many were pushed."""

@final
class Router:
    """One operating point of a thresholds file. May be used by several threads at once."""

    @staticmethod
    def open(path: str | PathLike[str], *, device: str | ModelIdentity, method: str, target: str) -> Router:
        """Opens a thresholds file and checks it.

        Checked are schema, version, hash, that it was fitted for the model that this device runs, and that the point has a
        threshold. A `device` that is a string is the model's id alone. Raises OSError if the file cannot be read,
        PlimsollError for all else.
        """

    @staticmethod
    def from_json(thresholds: str | bytes, *, device: str | ModelIdentity, method: str, target: str) -> Router:
        """As `open`, with the text of the file."""

    def decide(self, confidence: float | None) -> Decision:
        """Keeps iff confidence >= threshold; otherwise, or if it is missing (None, NaN), defers."""

    def record(self, confidence: float | None) -> str:
        """The decision as a line of the decision log, JSON."""

    def explore(self, confidence: float | None, share: float, u: float | None = None) -> ExploredDecision:
        """Decides, and takes the other route where a coin says so, so that thresholds can be fitted anew on the log.

        `share` is in [0, 1], 0.02 to 0.1 is usual; half of these questions take the other route. `u` is uniform in [0, 1),
        from the system's generator unless it is given.
        """

    def describe(self) -> dict[str, Any]:
        """The operating point that it decides by, as the file has it, under `point`; with the file's hash and what was not verified.

        Look at `["point"]["status"]` before you ship: `tied` and `missing_share` defer another share than was asked for.
        """

    def observe(self, confidence: float | None) -> Drift:
        """Counts a decided question in the drift monitor, once.

        `state` is that of the latest full window, so an alarm lasts until the next is full; `report` is there once a window.
        """

    def drift_snapshot(self) -> str:
        """What the drift monitor has counted, as JSON, so that a window may outlive the process."""

    def resume_drift(self, snapshot: str) -> None:
        """Goes on from what `drift_snapshot` gave."""

    def must_defer(self, accumulator: Accumulator, max_tokens: int) -> bool:
        """The exact early exit: whether `decide` defers every answer of at most `max_tokens` tokens that begins with these.

        Only where the confidence is over all tokens of the answer. An answer that was cut is neither observed nor recorded.
        """

    def accumulator(self) -> Accumulator:
        """A confidence of this router's method that grows token by token."""

    def tracker(
        self, *, horizon: float | None = None, certificate_z: float | None = None, snapshot: str | None = None
    ) -> Tracker:
        """A tracker that keeps to the point's routing ratio, from a snapshot where one is given."""

    def error_monitor(
        self, *, alpha: float | None = None, delta: float | None = None, snapshot: str | None = None
    ) -> ErrorMonitor:
        """An alarm about the error of kept answers; alpha and delta are the point's unless both are given."""

    def probability(self, confidence: float | None) -> float | None:
        """The confidence through the file's isotonic map: an estimate of P(correct), never to be compared with the threshold."""

    @property
    def drift_state(self) -> DriftState: ...
    @property
    def threshold(self) -> float: ...
    @property
    def threshold_id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def thresholds_sha256(self) -> str: ...
    @property
    def unverified(self) -> list[str]:
        """Identity fields about which nothing was checked, since the file does not record them."""

@final
class Tracker:
    """Keeps to a routing ratio on traffic never seen. One thread at a time."""

    def decide(self, id: str, confidence: float | None) -> TrackedDecision:
        """Decides about one question and counts it. The request's id breaks ties."""

    def must_defer(self, accumulator: Accumulator, max_tokens: int) -> bool:
        """As `Router.must_defer`. Where it is true, the decision is counted: do not call `decide` for this question."""

    def record(self) -> str:
        """The latest decision as a line of the decision log, JSON."""

    def snapshot(self) -> str:
        """The state as JSON, with the file and point that it belongs to."""

@final
class ErrorMonitor:
    """An alarm about the error of kept answers, valid at every moment. One thread at a time."""

    def observe(self, correct: bool) -> Evidence:
        """Counts a kept answer whose label has arrived, once."""

    def snapshot(self) -> str: ...
