"""Trains small tokenizers of the kinds that models have on made-up text, and writes what they do.

`NAME.json` is a `tokenizer.json`; `expected.json` has per tokenizer the ids and byte offsets of texts, with and without
special tokens, and the decodings of token lists, as the `tokenizers` package gives them.

    python3 crates/engine/tests/goldens/text/write_tokenizers.py
"""

import json
import random
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

assert tokenizers.__version__.startswith("0.2"), tokenizers.__version__

HERE = Path(__file__).parent
WORDS = "the ferry left port at noon with 12 crates of tea; 3,450 kg in all. Where is it? naïve café Öl 東京 に 行く ship’s log — “yes” no\n".split(" ")
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = [
    "",
    " ",
    "the ferry",
    " the ferry left port",
    "12 crates of tea; 3,450 kg",
    "naïve café 東京 に 行く",
    "emoji 🛳️🇳🇴 and a family 👩‍👩‍👧",
    "tabs\tand\n\nlines\r\n  indented",
    "ship's log — “yes”",
    "<|start|>the ferry<|end|>",
    "<s> not a beginning </s>",
    "e\u0301 combined, \u00a0 hard space, \ufeff mark",
    "x" * 50,
]


def corpus():
    generator = random.Random(50)
    for _ in range(2000):
        yield " ".join(generator.choice(WORDS) for _ in range(12))


def byte_level(pre_tokenizer, post_processor):
    tokenizer = Tokenizer(models.BPE(ignore_merges=False))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|start|>", "<|end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False))
    if post_processor:
        tokenizer.post_processor = processors.TemplateProcessing(single="<|start|> $A", special_tokens=[("<|start|>", tokenizer.token_to_id("<|start|>"))])
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def gpt2():
    return byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), False)


def llama3():
    split = pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated", invert=False)
    return byte_level(pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), True)


def sentencepiece():
    """As Llama 2 and Mistral: merges on characters, bytes where there is none, a space put before the text."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=460, special_tokens=special[:3], initial_alphabet=[], show_progress=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.train_from_iterator(corpus(), trainer)
    saved = json.loads(tokenizer.to_str())
    vocabulary = saved["model"]["vocab"]
    ordered = special + [token for token in vocabulary if token not in special]
    saved["model"]["vocab"] = {token: index for index, token in enumerate(ordered)}
    for token in saved["added_tokens"]:
        token["id"] = special.index(token["content"])
    saved["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(saved))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(corpus(), trainers.UnigramTrainer(vocab_size=120, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    tokenizer.add_tokens([AddedToken("ferry left", normalized=False, lstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    # Settings that must not be applied: nothing is cut or filled in silence.
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=9)
    return tokenizer


def byte_offsets(text, offsets):
    starts = [len(text[:place].encode()) for place in range(len(text) + 1)]
    return [[starts[start], starts[end]] for start, end in offsets]


def main():
    expected = {}
    for name, make in dict(gpt2=gpt2, llama3=llama3, sentencepiece=sentencepiece, unigram=unigram, wordpiece=wordpiece).items():
        tokenizer = make()
        (HERE / f"{name}.json").write_text(tokenizer.to_str() + "\n")
        tokenizer.no_truncation()
        tokenizer.no_padding()
        encoded = []
        for text in TEXTS:
            bare, special = tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(text)
            encoded.append(dict(text=text, bare=bare.ids, offsets=byte_offsets(text, bare.offsets), special=special.ids))
        generator = random.Random(7)
        size = tokenizer.get_vocab_size()
        lists = [[generator.randrange(size) for _ in range(generator.randrange(1, 24))] for _ in range(60)]
        lists += [one["special"] for one in encoded]
        expected[name] = dict(encoded=encoded, decoded=[dict(ids=ids, text=tokenizer.decode(ids)) for ids in lists])
    (HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
