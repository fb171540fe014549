"""Log-probabilities as Python has them, all of which are one number."""

from __future__ import annotations

import array
import importlib
import math
import unittest
from types import SimpleNamespace as Object
from typing import Any

from plimsoll_router import (
    Accumulator,
    average_token_probability,
    min_token_probability,
    perplexity,
    token_entropy,
    token_margin,
)

CHOSEN = [-0.25, -1.5, -0.125]
LIKELIEST = [[-0.25, -2.0, -3.0], [-1.0, -1.5, -2.0], [-0.125, -4.0, -4.0]]


def chat(make: Any) -> Any:
    """`choice.logprobs` of a chat completion; the lists are in no order."""
    tokens = []
    for chosen, likeliest in zip(CHOSEN, LIKELIEST):
        top = [make(token="t", logprob=logprob, bytes=None) for logprob in reversed(likeliest)]
        tokens.append(make(token="t", logprob=chosen, bytes=None, top_logprobs=top))
    return make(content=tokens, refusal=None)


def completion(make: Any) -> Any:
    top = [{str(index): logprob for index, logprob in enumerate(likeliest)} for likeliest in LIKELIEST]
    return make(tokens=["t"] * 3, token_logprobs=CHOSEN, top_logprobs=top, text_offset=[0, 1, 2])


class Logprobs(unittest.TestCase):
    def test_every_form_of_chosen_tokens_is_one_number(self) -> None:
        expected = math.exp(sum(CHOSEN) / 3)
        doubles, floats = array.array("d", CHOSEN), array.array("f", CHOSEN)
        forms: list[Any] = [CHOSEN, tuple(CHOSEN), iter(CHOSEN), doubles, floats, memoryview(doubles)]
        forms += [memoryview(array.array("d", [x for value in CHOSEN for x in (value, 9.0)]))[::2]]
        forms += [chat(dict), chat(Object), completion(dict), completion(Object)]
        for form in forms:
            found = perplexity(form)
            assert found is not None
            self.assertAlmostEqual(found, expected, delta=1e-15, msg=repr(form))
        growing = Accumulator("perplexity")
        growing.extend(chat(Object))
        self.assertEqual((growing.confidence(), growing.tokens), (perplexity(CHOSEN), 3))
        self.assertEqual(min_token_probability(chat(dict)), math.exp(-1.5))
        self.assertEqual(average_token_probability(floats), average_token_probability(CHOSEN))

    def test_every_form_of_likeliest_tokens_is_one_number(self) -> None:
        flat = array.array("d", [logprob for position in LIKELIEST for logprob in position])
        square = memoryview(flat).cast("B").cast("d", [3, 3])
        forms: list[Any] = [LIKELIEST, iter(LIKELIEST), square, chat(dict), chat(Object), completion(dict), completion(Object)]
        for form in forms[2:]:
            self.assertEqual(token_margin(form), token_margin(LIKELIEST))
            self.assertEqual(token_entropy(form, k=2), token_entropy([position[:2] for position in LIKELIEST]))
        for form in forms:
            self.assertEqual(token_entropy(form, 3), token_entropy(LIKELIEST))
        self.assertIsNone(token_entropy(LIKELIEST, 4), "more than were listed")

    def test_what_is_missing_is_none(self) -> None:
        none: list[Any] = [None, [], {"content": None}, Object(content=None), {"token_logprobs": None}, array.array("d")]
        none += [[-0.1, None], [-0.1, math.nan], [0.5], {"content": [{"token": "t"}]}, {"token_logprobs": [None, -0.1]}]
        for form in none:
            self.assertIsNone(perplexity(form), repr(form))
            self.assertIsNone(min_token_probability(form), repr(form))
        pairs: list[Any] = [None, [], [[]], [[-0.1]], [[-0.1, None]], [[-0.1, -2.0], [-0.1]], {"content": None}]
        pairs += [{"content": [{"logprob": -0.1}]}, {"content": [{"logprob": -0.1, "top_logprobs": []}]}]
        pairs += [{"token_logprobs": [-0.1], "top_logprobs": None}, {"top_logprobs": [None]}]
        for form in pairs:
            self.assertIsNone(token_margin(form), repr(form))
            self.assertIsNone(token_entropy(form, k=2), repr(form))
        self.assertIsNone(token_entropy([[-0.1, -2.0], [-0.1]]))

    def test_what_holds_no_log_probabilities_is_a_type_error(self) -> None:
        wrong: list[Any] = ["-0.1", b"123", bytearray(8), {"a": -0.1}, 7, ["-0.1"], [[-0.1]], {"content": "text"}, object()]
        for form in wrong:
            with self.assertRaises(TypeError, msg=repr(form)):
                perplexity(form)
        with self.assertRaises(TypeError):
            perplexity(memoryview(array.array("d", [0.0] * 4)).cast("B").cast("d", [2, 2]))
        for form in ["text", array.array("d", [-0.1]), [-0.1], {"top_logprobs": [[-0.1]]}]:
            with self.assertRaises(TypeError, msg=repr(form)):
                token_margin(form)  # type: ignore[arg-type]

    def test_numpy(self) -> None:
        try:
            numpy: Any = importlib.import_module("numpy")
        except ImportError:
            self.skipTest("NumPy is not installed")
        for kind in (numpy.float64, numpy.float32, numpy.float16):
            self.assertEqual(perplexity(numpy.array(CHOSEN, dtype=kind)), perplexity(CHOSEN))
            self.assertEqual(token_entropy(numpy.array(LIKELIEST, dtype=kind)), token_entropy(LIKELIEST))
            self.assertEqual(token_margin(numpy.array(LIKELIEST, dtype=kind).T.copy().T), token_margin(LIKELIEST))
        self.assertEqual(perplexity(numpy.array(CHOSEN, dtype=">f8")), perplexity(CHOSEN))


if __name__ == "__main__":
    unittest.main()
