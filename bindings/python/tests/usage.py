"""Passes `mypy --strict` iff the stubs say what the package is. Not run."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll_router import PlimsollError, Router, token_entropy
from plimsoll_router.types import ModelIdentity, Reason, Route, Status


class Token:
    """A chat completion as another library has it."""

    logprob: float


class ChoiceLogprobs:
    content: list[Token] | None


def decide(router: Router, logprobs: Sequence[float], choice: ChoiceLogprobs) -> Route:
    growing = router.accumulator()
    growing.extend(logprobs)
    growing.extend(choice)
    if router.must_defer(growing, 64):
        return "llm"
    confidence: float | None = token_entropy([[-0.1, -2.0]], k=2)
    reason: Reason = router.tracker(horizon=100).decide("request", confidence).reason
    router.decide("0.9")  # type: ignore[arg-type]
    router.explore(0.9)  # type: ignore[call-arg]
    Router.open("file")  # type: ignore[call-arg]
    return router.decide(confidence).route if reason != "explored" else "slm"


def open_or_say(device: ModelIdentity) -> Status | None:
    try:
        Router.open("thresholds.json", device=device, method="perplexity", target="routing_ratio=0.3")
    except PlimsollError as error:
        return error.status
    return None
