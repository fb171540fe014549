"""Vocabularies in GGUF files: one file a pre-tokenizer, with texts and what llama.cpp makes of them.

    python vocabularies.py

Writes `vocabulary-NAME.gguf` beside itself. Each is a vocabulary without weights, trained on made-up text,
with the golden numbers as metadata: `golden.texts`, `golden.counts` and `golden.ids` (the tokens of all texts
one after another, special tokens added and recognised).
"""

import itertools
import json
import os
from importlib import metadata
from pathlib import Path

import gguf
import llama_cpp
import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
VERSIONS = {"gguf": "0.19.0", "tokenizers": "0.23.3", "llama_cpp_python": "0.3.36"}

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

MADE_UP = [
    "The lighthouse keeper counted 1234 waves before breakfast, and then 56 more.",
    "It's what they'd said: we'll carry the ropes, she's got the lamp, I'm early, you've time.",
    "Grüße aus Köln! Der Fluß war hoch; zwölf Boote lagen quer.",
    "def keep(lamp, n):\n    return [lamp + i for i in range(n)]  # twice\n\n\nkeep(1, 20)",
    "the ropes, the lamps, the boats, the waves, the harbour, the keeper",
    "Ночью маяк горел, а утром море было тихим.",
    "灯台の光は遠くまで届く。海は静かだ。",
    "prices: $12.50, 3,000.75 and 1000000 units; e-mail keeper@light.house",
]

TEXTS = [
    "",
    "The lamp",
    " the keeper's lamp  and   ropes",
    "It'S WE'LL they'd I'M you'Ve",
    "1234567 waves, 12 boats and 3.14159",
    "line one\nline two\n\n\n  indented\r\n\ttab \n",
    "Grüße, naïve café, Ω and 灯台の光は",
    "smile 😀 and 👩‍🚀 go",
    "x = {'a': [1, 2], \"b\": (3)}; y += x['a'][0] ** 2 != 4",
    "<|turn|>keeper\nwho is there?<|end|>\n<|turn|>sea",
    "trailing spaces   ",
    "   leading spaces",
    "a\u00a0b\u3000c \u200b d",
    "$5 + 6 = 11 <= 12 ~ `tick` ^hat |bar|",
    "Ночью маяк 42 горел…",
]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

# Name of the pre-tokenizer in the file, the pattern to train with, whether a first token is added.
BYTE_LEVEL = [
    ("gpt-2", GPT2, False),
    ("llama-bpe", LLAMA3, True),
    ("qwen2", QWEN2, False),
    ("smollm", GPT2, False),
    ("refact", GPT2, False),
    ("command-r", GPT2, True),
    ("dbrx", LLAMA3, False),
    ("default", GPT2, False),
]

SPECIALS = ["<|begin|>", "<|end|>", "<|turn|>"]


def check_versions(versions):
    for package, version in versions.items():
        assert metadata.version(package) == version, (package, metadata.version(package))


def trained(pattern, merges):
    """Tokens and merges of a byte-level BPE trained on the made-up text."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + merges,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(MADE_UP * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return tokens, [" ".join(pair) for pair in model["merges"]]


def add_byte_level(writer, pre, pattern, add_bos, merges=150):
    """A byte-level vocabulary; returns its size."""
    tokens, pairs = trained(pattern, merges)
    types = [NORMAL] * len(tokens) + [CONTROL] * len(SPECIALS)
    tokens = tokens + SPECIALS
    first = len(tokens) - len(SPECIALS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(pairs)
    writer.add_bos_token_id(first)
    writer.add_eos_token_id(first + 1)
    writer.add_add_bos_token(add_bos)
    return len(tokens)


def sentence_pieces():
    """Pieces, scores and types as SentencePiece's BPE orders them: later merges score lower."""
    words = [word for text in MADE_UP for word in ("▁" + text.replace(" ", "▁▁")).replace("▁▁", " ▁").split(" ")]
    words = [list(word) for word in words if word]
    alphabet = sorted(set(itertools.chain.from_iterable(words)))
    pieces = []
    while len(pieces) < 120:
        counts = {}
        for word in words:
            for pair in itertools.pairwise(word):
                counts[pair] = counts.get(pair, 0) + 1
        best = max(sorted(counts), key=lambda pair: (counts[pair], -len("".join(pair))))
        pieces.append("".join(best))
        for word in words:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == best:
                    word[at : at + 2] = ["".join(best)]
                at += 1
    pieces = list(dict.fromkeys(pieces))
    tokens = ["<unk>", "<s>", "</s>", *SPECIALS[1:]]
    types = [UNKNOWN, CONTROL, CONTROL, CONTROL, USER_DEFINED]
    scores = [0.0] * len(tokens)
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [BYTE] * 256
    scores += [0.0] * 256
    normal = pieces + alphabet
    tokens += normal
    types += [NORMAL] * len(normal)
    scores += [-float(rank) for rank in range(len(normal))]
    return tokens, scores, types


def add_sentence_pieces(writer, add_space_prefix):
    tokens, scores, types = sentence_pieces()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(add_space_prefix)


def tokens_of(path):
    """What llama.cpp makes of the texts."""
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    return [model.tokenize(text.encode(), add_bos=True, special=True) for text in TEXTS]


def write(name, add_vocabulary):
    """Twice: without the golden numbers, for llama.cpp, and with them."""
    path = HERE / f"vocabulary-{name}.gguf"
    ids = None
    for with_goldens in (False, True):
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_name(f"made-up vocabulary {name}")
        add_vocabulary(writer)
        # What llama.cpp wants to see before it looks at a vocabulary.
        writer.add_context_length(64)
        writer.add_embedding_length(32)
        writer.add_feed_forward_length(32)
        writer.add_block_count(1)
        writer.add_head_count(1)
        writer.add_layer_norm_rms_eps(1e-5)
        if with_goldens:
            writer.add_array("golden.texts", TEXTS)
            writer.add_array("golden.counts", [len(tokens) for tokens in ids])
            writer.add_array("golden.ids", list(itertools.chain.from_iterable(ids)))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        if not with_goldens:
            ids = tokens_of(path)
    print(name, os.path.getsize(path), "bytes", sum(map(len, ids)), "tokens")


def main():
    check_versions(VERSIONS)
    for pre, pattern, add_bos in BYTE_LEVEL:
        write(pre, lambda writer: add_byte_level(writer, pre, pattern, add_bos))
    write("llama-spm", lambda writer: add_sentence_pieces(writer, True))
    write("gemma-spm", lambda writer: add_sentence_pieces(writer, False))


if __name__ == "__main__":
    main()
