"""What transformers' logits warpers leave of some logits, and log-probabilities.

    python3 crates/engine/tests/goldens/text/write_sampling.py
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

assert transformers.__version__ == "5.24.0", transformers.__version__

CASES = [
    dict(temperature=1.0),
    dict(temperature=0.7),
    dict(temperature=1.0, top_k=1),
    dict(temperature=1.0, top_k=5),
    dict(temperature=1.0, top_k=1000),
    dict(temperature=1.0, top_p=0.9),
    dict(temperature=1.5, top_p=0.5),
    dict(temperature=1.0, top_p=0.01),
    dict(temperature=1.0, min_p=0.1),
    dict(temperature=2.0, min_p=0.5),
    dict(temperature=0.8, top_k=20, top_p=0.8, min_p=0.05),
]


def main():
    generator = torch.Generator().manual_seed(50)
    found = []
    for scale in [1.0, 4.0]:
        # Eighths are the same in every type and text, and no two are equal: which of equals a sort puts first is
        # chance there and a rule here.
        logits = (torch.randperm(48, generator=generator) - 24) / 8 * scale
        logprobs = torch.log_softmax(logits.double(), -1).tolist()
        cases = []
        for case in CASES:
            scores = TemperatureLogitsWarper(case["temperature"])(None, logits[None].double())
            if "top_k" in case:
                scores = TopKLogitsWarper(case["top_k"])(None, scores)
            if "top_p" in case:
                scores = TopPLogitsWarper(case["top_p"])(None, scores)
            if "min_p" in case:
                scores = MinPLogitsWarper(case["min_p"])(None, scores)
            probabilities = torch.softmax(scores[0], -1)
            kept = [token for token in range(len(logits)) if torch.isfinite(scores[0, token])]
            cases.append(case | dict(kept=kept, probabilities=[float(probabilities[token]) for token in kept]))
        found.append(dict(logits=logits.tolist(), logprobs=logprobs, cases=cases))
    (Path(__file__).parent / "sampling.json").write_text(json.dumps(found) + "\n")


main()
