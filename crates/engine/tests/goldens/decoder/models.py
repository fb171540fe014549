"""Writes one tiny random model a folder, with what transformers says about it.

    python models.py            # writes all of them, beside this file
    python models.py llama phi3_short  # writes these

NAME/config.json          as transformers 5 writes it (`rope_parameters`, `dtype`)
NAME/config.hub.json      the same in the dialect of most files on the hub (`rope_scaling`, `torch_dtype`);
                          this script asserts that transformers reads both alike
NAME/model.safetensors    weights, exact in bf16; or shards with an index
NAME/expected.safetensors `logits` [tokens, vocabulary] and `hidden.L` [tokens, hidden] in f32,
                          `logits_bf16` of the same model computed in bf16
NAME/expected.json        prompt, prompt and continuation of greedy decoding, each step a whole forward
"""

import json
import shutil
import sys
import warnings
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

assert transformers.__version__ == "5.24.0", transformers.__version__
assert torch.__version__.startswith("2.15.0"), torch.__version__
assert safetensors.__version__ == "0.8.0", safetensors.__version__

HERE = Path(__file__).resolve().parent
VOCABULARY = 61
PROMPT = 23
GREEDY_PROMPT = 12
GREEDY_TOKENS = 10
# A greedy token is only a fair test where rounding cannot turn it.
LEAST_MARGIN = 1e-3

SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128, rms_norm_eps=1e-5,
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)


def longrope(original):
    return dict(
        original_max_position_embeddings=original,
        rope_parameters=dict(
            rope_type="longrope", rope_theta=10000.0,
            short_factor=[1.0, 1.1, 1.2, 1.35], long_factor=[1.5, 2.25, 3.5, 6.0],
        ),
    )


LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=32)

# A model's seed is its position: new ones go to the end.
MODELS = {
    # Llama 3.2: tied, three queries a key, scaled rotary embedding.
    "llama": ("llama", dict(hidden_size=48, num_attention_heads=6, num_key_value_heads=2, head_dim=16,
                            tie_word_embeddings=True, rope_parameters=LLAMA3)),
    # SmolLM2: untied here, one query a key; stored in f32.
    "llama_plain": ("llama", dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    # Biases everywhere, eight queries for one key, heads of 6, linear scaling.
    "llama_biases": ("llama", dict(num_attention_heads=8, num_key_value_heads=1, head_dim=6,
                                   attention_bias=True, mlp_bias=True,
                                   rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0))),
    # Danube is a Mistral without window.
    "mistral": ("mistral", dict(num_key_value_heads=2, head_dim=10, sliding_window=None,
                                rope_parameters=dict(rope_type="default", rope_theta=100000.0))),
    "mistral_window": ("mistral", dict(num_key_value_heads=2, sliding_window=5,
                                       rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    # Phi-3.5 in its short and its long region, and where greedy decoding crosses from one to the other.
    "phi3_short": ("phi3", longrope(64)),
    "phi3_long": ("phi3", longrope(8)),
    "phi3_crossing": ("phi3", longrope(16)),
    # Phi-4-mini rotates a part of a head; a window too.
    "phi3_partial": ("phi3", dict(num_key_value_heads=2, sliding_window=7, rope_parameters=dict(
        rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.75))),
    "qwen2": ("qwen2", dict(num_key_value_heads=2, tie_word_embeddings=True, use_sliding_window=False,
                            sliding_window=4, max_window_layers=1,
                            rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen2_window": ("qwen2", dict(num_key_value_heads=2, use_sliding_window=True, sliding_window=4,
                                   max_window_layers=1,
                                   rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen3": ("qwen3", dict(num_key_value_heads=2, head_dim=12, tie_word_embeddings=True,
                            rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "granite": ("granite", dict(num_key_value_heads=2, embedding_multiplier=12.0, residual_multiplier=0.22,
                                attention_multiplier=0.25, logits_scaling=3.0, tie_word_embeddings=True,
                                rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "gemma3": ("gemma3_text", dict(num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=1,
                                   head_dim=12, query_pre_attn_scalar=9, sliding_window=6,
                                   hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
                                   sliding_window_pattern=2,
                                   rope_parameters=dict(
                                       sliding_attention=dict(rope_type="default", rope_theta=10000.0),
                                       full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0)))),
    "gemma3_capped": ("gemma3_text", dict(num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=8,
                                          sliding_window=128, final_logit_softcapping=2.5,
                                          hidden_activation="gelu_pytorch_tanh",
                                          tie_word_embeddings=False)),
    # What the models above leave open: three and eight queries a key, tied and untied, for each architecture.
    "mistral_tied": ("mistral", dict(hidden_size=48, num_attention_heads=6, num_key_value_heads=2, head_dim=14,
                                     sliding_window=9, tie_word_embeddings=True,
                                     rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "phi3_eight": ("phi3", dict(num_attention_heads=8, num_key_value_heads=1, hidden_size=64, tie_word_embeddings=True,
                                **longrope(8))),
    "qwen2_eight": ("qwen2", dict(num_attention_heads=8, num_key_value_heads=1, hidden_size=48,
                                  use_sliding_window=False,
                                  rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen3_plain": ("qwen3", dict(num_attention_heads=6, num_key_value_heads=2, head_dim=10,
                                  rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "granite_eight": ("granite", dict(num_attention_heads=8, num_key_value_heads=1, hidden_size=48,
                                      embedding_multiplier=2.0, residual_multiplier=0.5, attention_multiplier=0.3,
                                      logits_scaling=0.5,
                                      rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "gemma3_three": ("gemma3_text", dict(hidden_size=36, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
                                         query_pre_attn_scalar=11, sliding_window=6, sliding_window_pattern=2,
                                         hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True)),
    "ernie4_5": ("ernie4_5", dict(hidden_size=48, num_attention_heads=6, num_key_value_heads=2, head_dim=10,
                                  tie_word_embeddings=True,
                                  rope_parameters=dict(rope_type="default", rope_theta=500000.0))),
    "ernie4_5_biases": ("ernie4_5", dict(num_key_value_heads=1, head_dim=6, use_bias=True, tie_word_embeddings=False,
                                         rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0))),
}
# How weights are stored, where it is not in bf16.
STORED = {"llama_plain": torch.float32, "llama_biases": torch.float16}
SHARDED = {"granite"}


@torch.no_grad()
def randomise(model, generator, gemma):
    """Weights of such a size that attention is uneven and logits differ by several units; exact in bf16."""
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name:
            value = 0.2 * noise + (0.0 if gemma else 1.0)
        elif name.endswith("bias"):
            value = 0.5 * noise
        elif "embed" in name or "lm_head" in name:
            value = 0.5 * noise
        else:
            gain = 2.0 if any(part in name for part in ("q_proj", "k_proj", "qkv_proj")) else 1.2
            value = noise * gain / weight.shape[1] ** 0.5
        weight.copy_(value.to(torch.bfloat16).float())


def hub_dialect(config, sizes):
    """What a writer of 2024 would have written."""
    old = {key: value for key, value in config.items() if key not in ("rope_parameters", "dtype")}
    old["torch_dtype"] = config["dtype"]
    old["transformers_version"] = "4.46.0"
    rope = config["rope_parameters"]
    if "full_attention" in rope:
        old["rope_theta"] = rope["full_attention"]["rope_theta"]
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
        old["sliding_window_pattern"] = sizes.get("sliding_window_pattern", 6)
    else:
        old["rope_theta"] = rope["rope_theta"]
    for key in ("layer_types", "_sliding_window_pattern"):
        old.pop(key, None)
    if "partial_rotary_factor" in rope and rope["partial_rotary_factor"] != 1.0:
        old["partial_rotary_factor"] = rope["partial_rotary_factor"]
    scaling = {k: v for k, v in rope.items() if k not in ("rope_theta", "partial_rotary_factor")}
    if scaling["rope_type"] == "default":
        old["rope_scaling"] = None
    else:
        if scaling["rope_type"] == "longrope":
            scaling["type"] = scaling.pop("rope_type")
            scaling.pop("original_max_position_embeddings", None)
        old["rope_scaling"] = scaling
    return old


def forward(model, tokens):
    return model(torch.tensor([tokens]), use_cache=False, output_hidden_states=True)


def greedy(model, prompt):
    tokens, made = list(prompt), []
    for _ in range(GREEDY_TOKENS):
        logits = forward(model, tokens).logits[0, -1]
        best = torch.topk(logits, 2).values
        assert best[0] - best[1] > LEAST_MARGIN, "choose another seed"
        made.append(int(logits.argmax()))
        tokens.append(made[-1])
    return made


def load(folder, config, dtype):
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


@torch.no_grad()
def write(name, seed):
    kind, sizes = MODELS[name]
    sizes = {**SIZES, **sizes}
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(seed)
    config = AutoConfig.for_model(kind, **sizes)
    model = AutoModelForCausalLM.from_config(config)
    randomise(model, generator, kind.startswith("gemma"))
    model = model.to(STORED.get(name, torch.bfloat16))
    model.save_pretrained(folder, max_shard_size="9KB" if name in SHARDED else "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    written = json.loads((folder / "config.json").read_text())
    old = hub_dialect(written, sizes)

    prompt = torch.randint(3, VOCABULARY, (PROMPT,), generator=generator).tolist()
    exact = load(folder, None, torch.float32)
    out = forward(exact, prompt)
    again = forward(load(folder, old, torch.float32), prompt)
    assert torch.equal(out.logits, again.logits), f"{name}: the dialects differ"
    half = forward(load(folder, written, torch.bfloat16), prompt)

    tensors = {"logits": out.logits[0], "logits_bf16": half.logits[0].float()}
    for layer, hidden in enumerate(out.hidden_states):
        tensors[f"hidden.{layer}"] = hidden[0].float()
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "expected.safetensors")
    dump = lambda value: json.dumps(value, indent=1) + "\n"
    (folder / "config.json").write_text(dump(written))
    (folder / "config.hub.json").write_text(dump(old))
    (folder / "expected.json").write_text(json.dumps(dict(
        prompt=prompt, greedy_prompt=prompt[:GREEDY_PROMPT], greedy=greedy(exact, prompt[:GREEDY_PROMPT]),
    )) + "\n")
    spread = out.logits[0].std(-1).mean().item()
    worst = (half.logits[0].float() - out.logits[0]).abs().max().item()
    print(f"{name:16} logits spread {spread:.2f}, bf16 differs by {worst:.3f}")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    assert set(sys.argv[1:]) <= set(MODELS), sys.argv[1:]
    for seed, name in enumerate(MODELS):
        if name in sys.argv[1:] or not sys.argv[1:]:
            write(name, seed)
