"""The types of arguments and results, for annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, SupportsFloat, TypedDict, Union

Route = Literal["slm", "llm"]
"""Which model answers: the small one's answer is kept, or the question is deferred."""

Reason = Literal["missing", "below", "at_or_above", "certificate", "explored"]
"""Why. ``certificate``: a tracker would have kept it, the certificate's threshold does not. ``explored``: a coin."""

DriftState = Literal["unmonitored", "collecting", "normal", "alarm"]
"""``unmonitored``: the file has no alarm levels. ``collecting``: the first window is not yet full."""

Status = Literal[
    "not_utf8",
    "invalid_argument",
    "invalid_file",
    "other_model",
    "not_in_file",
    "no_threshold",
    "unavailable",
    "other_snapshot",
]
"""What kind of thing was refused."""


class _Id(TypedDict):
    id: str


class ModelIdentity(_Id, total=False):
    """What a device runs. Each key that the thresholds file records must be given and be equal."""

    revision: str | None
    weights_sha256: str | None
    tokenizer_sha256: str | None
    chat_template_sha256: str | None
    quantisation: str | None
    decoding: str | Mapping[str, Any] | None


class ChatLogprobs(Protocol):
    """``choice.logprobs`` of a chat completion: tokens with ``logprob`` and ``top_logprobs``."""

    @property
    def content(self) -> Sequence[Any] | None: ...


class CompletionLogprobs(Protocol):
    """``choice.logprobs`` of a completion."""

    @property
    def token_logprobs(self) -> Sequence[float | None] | None: ...

    @property
    def top_logprobs(self) -> Sequence[Mapping[str, float] | None] | None: ...


Logprobs = Union[Iterable["SupportsFloat | None"], Mapping[str, Any], ChatLogprobs, CompletionLogprobs, None]
"""Natural logs of the probabilities of an answer's tokens: numbers, an array of floats, or a server's ``logprobs``."""

Likeliest = Union[Iterable[Iterable["SupportsFloat | None"]], Mapping[str, Any], ChatLogprobs, CompletionLogprobs, None]
"""For each position those of the likeliest tokens: lists of numbers, an array, or a server's ``logprobs``."""
