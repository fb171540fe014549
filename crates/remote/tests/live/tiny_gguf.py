"""Writes a tiny Llama in GGUF form, with seeded random weights, for a real server to serve.

    python tiny_gguf.py tiny.gguf
    python -m llama_cpp.server --model tiny.gguf --model_alias tiny --logits_all true --n_ctx 2048 --seed 1 --chat_format chatml
    PLIMSOLL_OPENAI_BASE_URL=http://127.0.0.1:8000/v1 PLIMSOLL_OPENAI_MODEL=tiny cargo test -p plimsoll-remote --test live
"""

import importlib.metadata
import sys

import gguf
import numpy as np

assert importlib.metadata.version("gguf") == "0.19.0", importlib.metadata.version("gguf")

WIDTH, HEADS, LAYERS, INNER, CONTEXT = 64, 4, 2, 128, 2048
WORDS = ["True", "False", "It", "is", "Yes", "No", "the", "answer"]

tokens = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL)]
tokens += [(f"<0x{byte:02X}>", gguf.TokenType.BYTE) for byte in range(256)]
tokens += [(text, gguf.TokenType.NORMAL) for text in ["\u2581"] + [chr(c) for c in range(33, 127)]]
tokens += [(prefix + word, gguf.TokenType.NORMAL) for word in WORDS for prefix in ("", "\u2581")]

random = np.random.default_rng(50)


def weights(*shape):
    return (random.standard_normal(shape) * 0.3).astype(np.float32)


writer = gguf.GGUFWriter(sys.argv[1], "llama")
writer.add_name("tiny")
writer.add_vocab_size(len(tokens))
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(INNER)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_file_type(gguf.LlamaFileType.ALL_F32)
writer.add_tokenizer_model("llama")
writer.add_token_list([text for text, _ in tokens])
writer.add_token_scores([-float(place) for place in range(len(tokens))])
writer.add_token_types([int(kind) for _, kind in tokens])
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)

writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
writer.add_tensor("output.weight", weights(len(tokens), WIDTH))
for layer in range(LAYERS):
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.{layer}.{name}.weight", weights(WIDTH, WIDTH))
    writer.add_tensor(f"blk.{layer}.ffn_gate.weight", weights(INNER, WIDTH))
    writer.add_tensor(f"blk.{layer}.ffn_up.weight", weights(INNER, WIDTH))
    writer.add_tensor(f"blk.{layer}.ffn_down.weight", weights(WIDTH, INNER))
    writer.add_tensor(f"blk.{layer}.attn_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor(f"blk.{layer}.ffn_norm.weight", np.ones(WIDTH, dtype=np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
