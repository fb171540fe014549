"""Teaches a tiny Llama to answer as `corpus.py` does, and writes it beside this file.

    python model.py             # writes model/

Two runs on two machines do not give the same weights, and need not: `goldens.py` starts from what is here.
The weights are exact in bf16. Twelve blocks, so that there is an eighth layer from the end.
"""

import random
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from corpus import chats

assert transformers.__version__ == "5.24.0", transformers.__version__
assert torch.__version__.startswith("2.15.0"), torch.__version__

FOLDER = Path(__file__).resolve().parent / "model"
VOCABULARY = 448
STEPS, BATCH, RATE = 800, 16, 5e-3
SPECIAL = ["<pad>", "<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] | trim }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def written(chat):
    return "<s>" + "".join(f"<|{role}|>\n{text.strip()}<|end|>\n" for role, text in chat)


def tokenizer(texts):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="<|end|>", pad_token="<pad>", padding_side="left",
        clean_up_tokenization_spaces=False, chat_template=TEMPLATE)


def main():
    rng = random.Random(1)
    torch.manual_seed(1)
    texts = [written(chat) for _ in range(4000) for chat in chats(rng)]
    tokens = tokenizer(texts)
    rows = [tokens(text, add_special_tokens=False)["input_ids"] for text in texts]
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=12, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, dtype="float32")
    model = LlamaForCausalLM(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS, pct_start=0.1)
    for step in range(STEPS):
        batch = rng.sample(rows, BATCH)
        width = max(map(len, batch))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in batch])
        seen = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
        loss = model(input_ids=ids, attention_mask=seen, labels=ids.masked_fill(seen == 0, -100)).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(step, round(loss.item(), 3), flush=True)
    model.to(torch.bfloat16).save_pretrained(FOLDER)
    tokens.save_pretrained(FOLDER)


if __name__ == "__main__":
    main()
