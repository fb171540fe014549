"""The confidences of 100 questions by all methods, slowly and plainly, from transformers' logits and texts.

    python goldens.py           # writes goldens.json, trained_probe.safetensors, ood_probe.safetensors

The model is what `model.py` left in model/. Every greedy token comes from a whole forward over all tokens so far, in
f32; log-probabilities are taken in f64 over the whole vocabulary. A question is kept only if no greedy choice of it was
closer than LEAST_MARGIN, so that rounding cannot turn one. Samples are given texts: they need no agreement of random
numbers. The weights of the two probes are seeded and untrained; the training of probes is tested elsewhere.

LM-Polygraph's estimators are run on the same model and chats. Where they differ from ours, and how that is undone:

Perplexity     is the mean negative log-likelihood, not its exponential, of more tokens: the end-of-sequence token counts.
               Its calculator forbids that token at the first two places. A reply of less than two tokens is thus another
               reply there (`same_tokens` is false) and is compared with nothing; in all others the first two tokens
               are likelier by what the forbidden one had (`forbidden`, the sum of their logarithms' shifts).
PTrue          is minus the log-probability of one token, neither divided by what True and False have together nor summed
               over spellings. That token is `False` here: `True` is two tokens to this model, which its calculator
               refuses (ours takes the first of the two). The end-of-sequence token is forbidden here too
               (`p_true_forbidden`). The chat is ours, not the one it would write.
DegMat         with Jaccard_score is 1 minus ours, but two empty answers share nothing there (0) and all here (1). Its
               LexicalSimilarity over ROUGE or BLEU is another measure of the same samples, of which no value of ours
               follows.
"""

import json
import logging
import random
import re
from pathlib import Path

import numpy
import safetensors
import torch
import transformers
from importlib.metadata import version
from lm_polygraph.estimators import DegMat, Perplexity, PTrue
from lm_polygraph.stat_calculators.greedy_probs import GreedyProbsCalculator
from lm_polygraph.stat_calculators.prompt import PromptCalculator
from lm_polygraph.utils.model import WhiteboxModel
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import corpus

assert transformers.__version__ == "5.24.0", transformers.__version__
assert torch.__version__.startswith("2.15.0"), torch.__version__
assert safetensors.__version__ == "0.8.0", safetensors.__version__
assert version("lm-polygraph") == "0.7.0", version("lm-polygraph")

HERE = Path(__file__).resolve().parent
# The choices count most: only there has an answer a span.
COUNTS = {"choice": 40, "number": 20, "boolean": 20, "span": 20}
ANSWER_TOKENS, REPLY_TOKENS, LAYER, SAMPLES = 24, 32, -8, 5
LEAST_MARGIN = 1e-3
# Between two orders of summing, in the precision in which the slower side was computed.
F32, F64 = 1e-5, 1e-12
METHODS = ["average_token_probability", "perplexity", "min_token_probability", "token_margin", "token_entropy", "p_true",
           "jaccard_degree", "verbalization_1s", "verbalization_2s", "trained_probe", "ood_probe"]
# The likeliest tokens of which margin and entropy are taken, at each position of the answer.
LIKELIEST = 5
# Samples by hand: empty ones, case, spaces of several kinds, letters whose lower case is longer.
BY_HAND = [
    ["", "", "red", "", "Red"],
    ["   ", "\n", "a b", "b a", "a  b b"],
    ["The SEA is grey", "the sea\tis Grey", "Grey\u00a0sea", "sea", "the"],
    ["STRASSE Straße", "straße", "ΟΔΟΣ", "οδος οδοσ", "İzmir"],
    ["B", "B.", "b", "(B)", "B"],
]


# Replies by hand, to the prompt that asks for both and to the second turn.
REPLIES_BOTH = [
    "Answer: B\nConfidence: 0.8", "Answer: B\nConfidence: 85%", "Confidence: 0.2\nAnswer: 4\nConfidence: 0.9",
    "Answer: 12", "", "  \n", "Answer: B\nConfidence:", "Answer: B\nConfidence: high", "Answer: B\nConfidence: 85",
    "Answer: B\nConfidence: 7/10", "Answer: B\nconfidence : 100 percent", "Answer: B\nConfidence: at least 0.5",
    "Answer: 0.4\nCONFIDENCE: 0", "Answer: B\nConfidence: 0.7 or 0.8", "Answer: B\nConfidence: 1.5",
    "Answer: B\nConfidence: 9 out of 10", "Answer: B\nConfidence: 0.85 (85%)", "Answer: B\n  Confidence: 1",
]
REPLIES_SURE = [
    "0.8", "85%", "85", "1", "0", "I am 90% sure.", "Probability: 0.7", "very sure", "0.6 or 0.7", "at least 0.5",
    "more than 90%", "9/10", "8 out of 10", "40 %", "40 percent", "Confidence: 0.35", "", "\n", "2", "100%", "101%",
    "0.5.", "The answer is right with a probability of 0.75", "0.25 (25%)",
]


class TooClose(Exception):
    """A greedy choice that rounding could turn."""


class Asker:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(HERE / "model")
        model = AutoModelForCausalLM.from_pretrained(HERE / "model", dtype=torch.float32)
        self.model = model.eval()
        self.stop = self.tokenizer.eos_token_id

    def chat(self, messages):
        messages = [{"role": m["role"], "content": m["text"]} for m in messages]
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def encode(self, text):
        return self.tokenizer(text)["input_ids"]

    def forward(self, ids):
        with torch.no_grad():
            return self.model(input_ids=torch.tensor([ids]), output_hidden_states=True)

    def logprobs(self, ids):
        return torch.log_softmax(self.forward(ids).logits[0, -1].double(), dim=-1)

    def forbidden(self, messages, tokens):
        """By how much the log-probabilities of these first tokens rise if the stop token is as unlikely as the least
        likely one there: what LM-Polygraph makes of a token that it forbids."""
        ids, rise = self.encode(self.chat(messages)), 0.0
        for token in tokens:
            logprobs = self.logprobs(ids)
            rest = logprobs.clone()
            rest[self.stop] = torch.cat([logprobs[: self.stop], logprobs[self.stop + 1 :]]).min()
            rise -= float(torch.logsumexp(rest, 0))
            ids = ids + [token["id"]]
        return rise

    def greedy(self, messages, most):
        """The reply, its tokens with log-probabilities, and how it ended."""
        ids = self.encode(self.chat(messages))
        tokens = []
        for _ in range(most):
            logprobs = self.logprobs(ids + [token["id"] for token in tokens])
            top = torch.topk(logprobs, LIKELIEST).values.tolist()
            if top[0] - top[1] < LEAST_MARGIN:
                raise TooClose
            tokens.append({"id": int(logprobs.argmax()), "logprob": top[0], "top": top})
            if tokens[-1]["id"] == self.stop:
                return self.text(tokens[:-1]), tokens, "stop"
        return self.text(tokens), tokens, "length"

    def text(self, tokens):
        return self.tokenizer.decode([token["id"] for token in tokens])

    def spellings(self, own, other):
        """Tokens that tell a side: whole spellings, else first tokens that tell it alone."""
        texts = [self.tokenizer.decode([token]) for token in range(len(self.tokenizer))]
        told = set()
        for spelling in own:
            whole = [token for token, text in enumerate(texts) if text == spelling]
            first = self.encode(spelling)[0]
            if whole:
                told.update(whole)
            elif first not in {self.encode(text)[0] for text in other} and texts[first].strip():
                told.add(first)
        return sorted(told)


def answer_logprobs(asker, tokens):
    """Of the tokens that make up the text: not the one that stops."""
    return [token["logprob"] for token in tokens if token["id"] != asker.stop]


def of_likeliest(asker, tokens):
    """The mean margin of the two likeliest tokens, and one minus the mean entropy of the likeliest ones and of the rest
    as one more outcome, in units of the entropy of that many equal outcomes."""
    margins, entropies = [], []
    for token in tokens:
        if token["id"] == asker.stop:
            continue
        listed = numpy.exp(token["top"])
        outcomes = numpy.append(listed, max(0.0, 1 - listed.sum()))
        margins.append(listed[0] - listed[1])
        entropies.append(-sum(p * numpy.log(p) for p in outcomes if p > 0))
    if not margins:
        return (None, "empty_answer"), (None, "empty_answer")
    certainty = 1 - numpy.mean(entropies) / numpy.log(LIKELIEST + 1)
    return (float(numpy.mean(margins)), None), (float(certainty), None)


def option_place(question, text):
    """First and last character of the option that a text ends up with: its letter, or else its words. A letter with the
    words of another option behind it says neither."""
    options = {choice["label"]: choice["text"] for choice in question["choices"]}
    letter = rf"\(?([{''.join(options)}])\)?(?:\. (\w+))?\.?$"
    for before in (r"[Aa]nswer is ", r"Answer: ", "^"):
        if found := re.search(before + letter, text):
            says_two = found[2] in options.values() and found[2] != options[found[1]]
            return None if says_two else found.span(1)
    found = re.search(rf"^({'|'.join(map(re.escape, options.values()))})\.?$", text)
    return found.span(1) if found else None


def option_tokens(asker, question, text, tokens):
    """The tokens that hold the option, as [first, behind the last]."""
    place = option_place(question, text)
    if place is None:
        return None
    ends = [len(asker.text(tokens[: count + 1])) for count in range(len(tokens))]
    starts = [0, *ends[:-1]]
    holds = [i for i in range(len(tokens)) if starts[i] < place[1] and ends[i] > place[0]]
    return [holds[0], holds[-1] + 1]


def stated(text, is_own_line):
    """The confidence that a text states, or (None, why not)."""
    if not text.strip():
        return None, "verbalized_empty"
    lines = re.findall(r"^\s*confidence\s*:[ \t]*(.*)$", text, re.I | re.M)
    if is_own_line and not lines:
        return None, "verbalized_no_confidence_line"
    text = lines[-1] if lines else re.sub(r"^\s*(probability|answer)\s*:", "", text, flags=re.I)
    number = r"\d+(?:\.\d+)?"
    values = []
    for one, whole, percent in re.findall(rf"({number})(?:\s*(?:/|out of)\s*({number}))?\s*(%|percent)?", text):
        values.append(float(one) / float(whole) if whole else float(one) / (100 if percent else 1))
    if not values:
        return None, "verbalized_no_number"
    if len(set(values)) > 1:
        return None, "verbalized_several_numbers"
    if re.search(r"\b(at least|at most|more than|less than|over|under|above|below)\s*" + number, text, re.I):
        return None, "verbalized_bound"
    if not 0 <= values[0] <= 1:
        return None, "verbalized_out_of_range"
    return values[0], None


def jaccard_degree(samples):
    sets = [set(sample.lower().split()) for sample in samples]
    total = 0.0
    for one in sets:
        for other in sets:
            total += len(one & other) / len(one | other) if one | other else 1.0
    return total / len(sets) ** 2


def probe(name, seed, states):
    """An untrained network, written as a file of ours; the confidence of each state."""
    torch.manual_seed(seed)
    widths = [states.shape[1], 256, 128, 64, 1]
    layers = [torch.nn.Linear(*pair) for pair in zip(widths, widths[1:])]
    with torch.no_grad():
        # Away from one half, which an untrained network says of everything.
        layers[-1].weight *= 40
    mean = states.mean(0)
    scale = (1 / states.double().std(0, correction=0)).float()
    parts = {"standard.mean": mean.numpy(), "standard.scale": scale.numpy()}
    for index, layer in enumerate(layers):
        parts[f"layers.{index}.weight"] = layer.weight.detach().numpy()
        parts[f"layers.{index}.bias"] = layer.bias.detach().numpy()
    parts["trained_on"] = numpy.array([1, 2, 3], dtype=numpy.uint64)
    origin = {"method": name, "model": "tiny", "weights_sha256": "0" * 64, "layer": LAYER,
              "position": "last_prompt_token", "datasets": ["elsewhere"]}
    header = json.dumps({"version": 1, "origin": origin}, separators=(",", ":"))
    save_file(parts, HERE / f"{name}.safetensors", metadata={"plimsoll_probe": header})
    values = ((states - mean) * scale).double()
    with torch.no_grad():
        for layer in layers:
            values = values @ layer.weight.double().T + layer.bias.double()
            if layer is not layers[-1]:
                values = torch.where(values < 0, values * 0.01, values)
        return torch.sigmoid(values[:, 0]).tolist()


class Polygraph:
    """LM-Polygraph's three estimators, by its own calculators."""

    def __init__(self, asker):
        self.asker = asker
        self.model = WhiteboxModel(asker.model, asker.tokenizer)
        self.greedy = GreedyProbsCalculator(output_attentions=False)
        self.p_true = PromptCalculator()
        self.p_true.prompt, self.p_true.expected = "{q}", "False"
        [self.false] = asker.encode("False")

    def of(self, messages, p_true_messages, samples, tokens):
        chat, p_true_chat = self.asker.chat(messages), self.asker.chat(p_true_messages)
        greedy = self.greedy({}, [chat], self.model, max_new_tokens=ANSWER_TOKENS)
        texts = {"input_texts": [p_true_chat], "greedy_texts": [""]}
        p_true = self.p_true(texts, [p_true_chat], self.model)
        return {
            "perplexity": float(Perplexity()(greedy)[0]),
            "forbidden": self.asker.forbidden(messages, tokens[:2]),
            "p_true_forbidden": self.asker.forbidden(p_true_messages, [{"id": self.false}]),
            "same_tokens": greedy["greedy_tokens"][0] == [token["id"] for token in tokens],
            "p_true": float(PTrue()(p_true)[0]),
            "jaccard": float(DegMat(similarity_score="Jaccard_score")({"sample_texts": [samples]})[0]),
        }


def observed(asker, polygraph, sides, question, index, rng):
    """All that is seen of a question, and all confidences but the probes'."""
    prompt, verbalized_prompt = corpus.prompts(question, index)
    text, tokens, finish = asker.greedy(prompt["messages"], ANSWER_TOKENS)
    verbalized, _, _ = asker.greedy(verbalized_prompt["messages"], ANSWER_TOKENS)

    def second_turn(follow_up):
        before = prompt["messages"] + [{"role": "assistant", "text": text}] if follow_up["continues"] else []
        return before + [{"role": "user", "text": follow_up["template"].replace("{answer}", text.strip(), 1)}]

    ask_true, ask_sure = map(second_turn, prompt["follow_ups"])
    first = asker.logprobs(asker.encode(asker.chat(ask_true))).exp()
    true_mass, false_mass = (float(first[tokens].sum()) for tokens in sides)
    second, _, _ = asker.greedy(ask_sure, REPLY_TOKENS)

    samples = BY_HAND[index // 4 % 5] if index % 4 == 0 else [corpus.answer(question, rng) for _ in range(SAMPLES)]
    option = option_tokens(asker, question, text, tokens) if question["choices"] else None
    logprobs = answer_logprobs(asker, tokens)
    probabilities = numpy.exp(logprobs)
    missing = None if logprobs else "empty_answer"
    average = (float(probabilities.mean()), None) if logprobs else (None, missing)
    if question["choices"]:
        average = (float(probabilities[slice(*option)].mean()), None) if option else (None, "no_option_span")
    margin, entropy = of_likeliest(asker, tokens)
    state = asker.forward(asker.encode(asker.chat(prompt["messages"]))).hidden_states[LAYER][0, -1]
    return {
        "question": question, "prompt": prompt, "verbalized_prompt": verbalized_prompt, "samples": samples,
        "text": text, "tokens": tokens, "finish": finish, "option": option, "verbalized": verbalized, "second": second,
        "true_mass": true_mass, "false_mass": false_mass, "state": state,
        # Of the one token that LM-Polygraph looks at.
        "false_alone": float(first[asker.encode("False")].sum()),
        "lm_polygraph": polygraph.of(prompt["messages"], ask_true, samples, tokens),
        "confidences": {
            "average_token_probability": average,
            "perplexity": (float(numpy.exp(numpy.mean(logprobs))), None) if logprobs else (None, missing),
            "min_token_probability": (float(probabilities.min()), None) if logprobs else (None, missing),
            "token_margin": margin,
            "token_entropy": entropy,
            "p_true": (true_mass / (true_mass + false_mass), None),
            "jaccard_degree": (jaccard_degree(samples), None),
            "verbalization_1s": stated(verbalized, True),
            "verbalization_2s": stated(second, False),
        },
    }


def check(row):
    """LM-Polygraph's numbers are ours, once the known differences are undone."""
    theirs, ours = row["lm_polygraph"], row["confidences"]
    every = [token["logprob"] for token in row["tokens"]]
    if theirs["same_tokens"]:
        assert abs(theirs["perplexity"] + (sum(every) + theirs["forbidden"]) / len(every)) < F32, (theirs, every)
    empty = sum(not sample.split() for sample in row["samples"])
    both_empty = empty * (empty - 1) / SAMPLES**2
    assert abs(1 - theirs["jaccard"] + both_empty - ours["jaccard_degree"][0]) < F64, theirs
    assert abs(numpy.exp(-theirs["p_true"] - theirs["p_true_forbidden"]) - row["false_alone"]) < F32, theirs


def main():
    for name in ("httpx", "lm_polygraph"):
        logging.getLogger(name).setLevel(logging.ERROR)
    asker, rng = Asker(), random.Random(2)
    polygraph = Polygraph(asker)
    sides = [asker.spellings(corpus.TRUE, corpus.FALSE), asker.spellings(corpus.FALSE, corpus.TRUE)]
    rows, dropped = [], 0
    for kind, count in COUNTS.items():
        kept = 0
        while kept < count:
            question = corpus.question(len(rows), kind, rng)
            try:
                row = observed(asker, polygraph, sides, question, len(rows), rng)
            except TooClose:
                dropped += 1
                continue
            check(row)
            rows.append(row)
            kept += 1
    states = torch.stack([row.pop("state") for row in rows])
    for name, seed in (("trained_probe", 3), ("ood_probe", 4)):
        for row, confidence in zip(rows, probe(name, seed, states)):
            row["confidences"][name] = (confidence, None)
    for row, state in zip(rows, states):
        row["state"] = [float(f"{value:.9g}") for value in state.tolist()]
    golden = {
        "answer_tokens": ANSWER_TOKENS, "reply_tokens": REPLY_TOKENS, "layer": LAYER, "samples": SAMPLES,
        "likeliest": LIKELIEST,
        "replies_both": [(text, *stated(text, True)) for text in REPLIES_BOTH],
        "replies_sure": [(text, *stated(text, False)) for text in REPLIES_SURE],
        "true_tokens": sides[0], "false_tokens": sides[1], "questions": rows,
    }
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":"))
    # A line a question, so that a change can be seen.
    (HERE / "goldens.json").write_text(text.replace('{"question":{', '\n{"question":{') + "\n", encoding="utf-8")
    print(f"{len(rows)} questions, {dropped} dropped as too close")
    for method in METHODS:
        values = [row["confidences"][method] for row in rows]
        numbers = [value for value, _ in values if value is not None]
        reasons = sorted({reason for _, reason in values if reason})
        print(f"{method}: {len(numbers)} from {min(numbers):.4f} to {max(numbers):.4f}", reasons)


if __name__ == "__main__":
    main()
