"""Tiny random models in GGUF files, with their logits by transformers and by llama.cpp.

    python models.py

Writes `model-NAME.gguf` beside itself. Each is a model of `transformers` whose weights were renamed, reordered
and packed as GGUF wants them, with a vocabulary that works, and with the golden numbers as metadata:

- `golden.config`: what transformers writes as config.json;
- `golden.tokens` and `golden.positions`: a prompt, and where logits were taken;
- `golden.transformers`: the logits of the model with the weights as unpacked by the `gguf` package;
- `golden.llama_cpp`: those of llama.cpp on this very file.
"""

import ctypes
import math
import os
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Format

import vocabularies

HERE = Path(__file__).parent
VERSIONS = {"torch": "2.15.0", "transformers": "5.24.0", "numpy": "2.4.6"} | vocabularies.VERSIONS

VOCABULARY = 288
MERGES = VOCABULARY - 256 - len(vocabularies.SPECIALS)

GGML = ctypes.CDLL(Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so")
GGML.ggml_quantize_chunk.restype = ctypes.c_size_t

# llama.cpp's names of what transformers names otherwise.
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
NAMES_GEMMA3 = NAMES | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def name_of(name, names):
    """llama.cpp's name of a tensor."""
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, stem = stem.split(".", 3)
        return f"blk.{layer}.{names[stem]}.{kind}"
    return f"{names[stem]}.{kind}"


def interleaved(rows, heads):
    """Rows of queries or keys in llama.cpp's order for `llama` and `granite`: the halves of a head's rotated
    pairs side by side."""
    head = rows.shape[0] // heads
    return rows.reshape(heads, 2, head // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def in_halves(rows, heads):
    """The inverse."""
    head = rows.shape[0] // heads
    return rows.reshape(heads, head // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def packed(values, wanted):
    """The bytes of a tensor and its format: as wanted where its rows allow that, else the next best."""
    row = values.shape[-1]
    if values.ndim == 1:
        wanted = Format.F32
    elif row % gguf.GGML_QUANT_SIZES[wanted][0]:
        wanted = {Format.Q4_K: Format.Q5_0}.get(wanted, Format.Q8_0)
    if wanted.name.endswith("_K"):
        size = values.size // 256 * gguf.GGML_QUANT_SIZES[wanted][1]
        data = np.zeros(size, np.uint8)
        values = np.ascontiguousarray(values, np.float32)
        GGML.ggml_quantize_chunk(
            int(wanted),
            values.ctypes.data_as(ctypes.c_void_p),
            data.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int64(0),
            ctypes.c_int64(values.size // row),
            ctypes.c_int64(row),
            None,
        )
        return data.reshape(*values.shape[:-1], -1), wanted
    return gguf.quants.quantize(values, wanted), wanted


def randomise(model, spread):
    """Weights that make logits differ by about one; norms around one, biases around nought."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("norm.weight"):
                around = 0.0 if model.config.model_type.startswith("gemma") else 1.0
                weight.copy_(around + 0.2 * noise)
            elif weight.ndim == 1:
                weight.copy_(0.3 * noise)
            elif "embed_tokens" in name:
                weight.copy_(noise * (0.4 if model.config.tie_word_embeddings else 1.0))
            else:
                weight.copy_(spread * noise / math.sqrt(weight.shape[1]))


class Case:
    """A model, how it is packed, and what it is asked."""

    def __init__(self, name, architecture, config, formats=Format.F32, keys=None, extra=None, tokens=None, **rest):
        self.name = name
        self.architecture = architecture
        self.config = config
        self.formats = formats if callable(formats) else lambda _: formats
        self.keys = keys or {}
        self.extra = extra or {}
        self.tokens = tokens or [256 + MERGES, 72, 105, 270, 33, 10, 84, 104, 270, 5, 200, 17]
        self.positions = rest.get("positions") or [5, len(self.tokens) - 1]
        self.context = rest.get("context") or 256

    def permuted(self):
        return self.architecture in ("llama", "granite")

    def tensors(self, model):
        """Each tensor as it goes into the file, and the model's weights as they come out again."""
        config = model.config
        names = NAMES_GEMMA3 if self.architecture == "gemma3" else NAMES
        shift = 1.0 if self.architecture == "gemma3" else 0.0
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        for name, weight in model.named_parameters():
            values = weight.detach().numpy()
            head = heads.get(name.split(".")[-2]) if self.permuted() else None
            if head:
                values = interleaved(values, head)
            if name.endswith("norm.weight"):
                values = values + np.float32(shift)
            file_name = name_of(name, names)
            data, used = packed(values, self.formats(file_name))
            yield file_name, data, used
            back = gguf.quants.dequantize(data, used).reshape(values.shape)
            if head:
                back = in_halves(back, head)
            if name.endswith("norm.weight"):
                back = back - np.float32(shift)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(np.ascontiguousarray(back)))

    def head(self, writer):
        config = self.config
        arch = self.architecture
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        vocabularies.add_byte_level(writer, "qwen2", vocabularies.QWEN2, False, MERGES)
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(config.hidden_size)
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_block_count(config.num_hidden_layers)
        writer.add_head_count(config.num_attention_heads)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_vocab_size(config.vocab_size)
        if arch in ("llama", "phi3", "granite"):
            writer.add_rope_dimension_count(head_dim)
        if head_dim * config.num_attention_heads != config.hidden_size or arch in ("gemma3", "qwen3"):
            writer.add_key_length(head_dim)
            writer.add_value_length(head_dim)
        for key, value in self.keys.items():
            getattr(writer, f"add_{key}")(value)
        for name, values in self.extra.items():
            writer.add_tensor(name, np.asarray(values, np.float32))

    def by_transformers(self, model):
        with torch.no_grad():
            logits = model(torch.tensor([self.tokens])).logits[0, self.positions]
        return logits.float().numpy()

    def by_llama_cpp(self, path):
        model = llama_cpp.Llama(
            str(path), n_ctx=self.context, logits_all=True, verbose=False, n_threads=1, type_k=0, type_v=0
        )
        model.eval(self.tokens)
        return np.array(model.scores[self.positions])

    def write(self):
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(self.config, attn_implementation="eager").eval()
        randomise(model, 1.0)
        tensors = list(self.tensors(model))
        path = HERE / f"model-{self.name}.gguf"
        goldens = {}
        for _ in range(2):
            writer = gguf.GGUFWriter(path, self.architecture)
            # Not after the case: llama.cpp treats vocabularies of models called phi3 in a way of their own.
            writer.add_name("made up")
            self.head(writer)
            for key, value in goldens.items():
                add = writer.add_string if isinstance(value, str) else writer.add_array
                add(f"golden.{key}", value)
            for name, data, used in tensors:
                writer.add_tensor(name, data, raw_dtype=used)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            if not goldens:
                reference, other = self.by_transformers(model), self.by_llama_cpp(path)
                goldens = {
                    "config": self.config.to_json_string(use_diff=False),
                    "tokens": self.tokens,
                    "positions": self.positions,
                    "transformers": [float(logit) for logit in reference.ravel()],
                    "llama_cpp": [float(logit) for logit in other.ravel()],
                }
        spread = reference.std()
        apart = np.abs(reference - other).max()
        print(f"{self.name:22} {os.path.getsize(path):7} bytes, spread {spread:.2f}, llama.cpp {apart:.2e} off")


def llama(hidden=16, heads=2, kv=1, ff=32, **rest):
    fields = {
        "vocab_size": VOCABULARY,
        "hidden_size": hidden,
        "intermediate_size": ff,
        "num_hidden_layers": 1,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    }
    return fields | rest


def llama3_factors(head_dim):
    """What llama.cpp's converter makes of Llama 3's scaling (factor 8, low 1, high 4, original length 64)."""
    factors = []
    for at in range(0, head_dim, 2):
        wavelength = 2 * math.pi * 10000.0 ** (at / head_dim)
        if wavelength < 64 / 4:
            factors.append(1.0)
        elif wavelength > 64 / 1:
            factors.append(8.0)
        else:
            smooth = (64 / wavelength - 1) / (4 - 1)
            factors.append(1 / ((1 - smooth) / 8 + smooth))
    return factors


LONG_TOKENS = [(7 * at * at + 3 * at) % 256 for at in range(300)]


def phi3(**rest):
    long, short = [1.0, 1.5, 3.0, 6.0], [1.0, 1.05, 1.1, 1.3]
    scale = math.sqrt(1 + math.log(512 / 256) / math.log(256))
    config = transformers.Phi3Config(
        **llama(pad_token_id=0)
        | {
            "tie_word_embeddings": False,
            "eos_token_id": 1,
            "original_max_position_embeddings": 256,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "long_factor": long,
                "short_factor": short,
                "factor": 2.0,
            },
        }
    )
    keys = {
        "rope_freq_base": 10000.0,
        "rope_scaling_attn_factors": scale,
        "rope_scaling_orig_ctx_len": 256,
        "sliding_window": 0,
    }
    extra = {"rope_factors_long.weight": long, "rope_factors_short.weight": short}
    return {"architecture": "phi3", "config": config, "keys": keys, "extra": extra} | rest


def architectures():
    base = {"rope_freq_base": 10000.0}
    yield Case("llama", "llama", transformers.LlamaConfig(**llama(hidden=32, heads=4, kv=2)), keys=base)
    scaled = llama(
        num_hidden_layers=2,
        attention_bias=True,
        mlp_bias=True,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    )
    factors = {"rope_freqs.weight": llama3_factors(8)}
    yield Case("llama3", "llama", transformers.LlamaConfig(**scaled), keys=base, extra=factors)
    wide = llama(heads=3, head_dim=16)
    yield Case("mistral", "llama", transformers.MistralConfig(**wide, sliding_window=None), keys=base)
    yield Case("phi3-short", **phi3())
    yield Case("phi3-long", **phi3(tokens=LONG_TOKENS, positions=[40, 299], context=512))
    yield Case("qwen2", "qwen2", transformers.Qwen2Config(**llama()), keys=base)
    yield Case("qwen3", "qwen3", transformers.Qwen3Config(**llama(head_dim=16)), keys=base)
    multipliers = {
        "embedding_multiplier": 3.0,
        "attention_multiplier": 0.2,
        "residual_multiplier": 0.4,
        "logits_scaling": 2.0,
    }
    granite = transformers.GraniteConfig(**llama(), **multipliers)
    keys = {"embedding_scale": 3.0, "attention_scale": 0.2, "residual_scale": 0.4, "logit_scale": 2.0}
    yield Case("granite", "granite", granite, keys=base | keys)
    gemma3 = transformers.Gemma3TextConfig(
        **llama(head_dim=16, ff=16, num_hidden_layers=7)
        | {
            "sliding_window": 6,
            "query_pre_attn_scalar": 16,
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0},
            },
        }
    )
    keys = {
        "rope_freq_base": 1000000.0,
        "rope_scaling_type": gguf.RopeScalingType.LINEAR,
        "rope_scaling_factor": 8.0,
        "sliding_window": 6,
    }
    yield Case("gemma3", "gemma3", gemma3, keys=keys)


def by_part(mix):
    """Formats by what stands in a tensor's name."""
    return lambda name: next((used for part, used in mix.items() if part in name), Format.F32)


def formats():
    base = {"rope_freq_base": 10000.0}
    for used in (Format.F16, Format.BF16, Format.Q4_0, Format.Q4_1, Format.Q5_0, Format.Q5_1, Format.Q8_0):
        width = 32 if used in (Format.F16, Format.BF16) else 64
        config = transformers.LlamaConfig(**llama(hidden=width, heads=4, kv=2, ff=width))
        yield Case(f"llama-{used.name.lower()}", "llama", config, used, base)
    narrow = llama(hidden=256, heads=4, kv=2, head_dim=16, ff=32)
    low = {"ffn": Format.Q2_K, "attn": Format.Q3_K, "token": Format.Q3_K}
    high = {"ffn": Format.Q4_K, "attn": Format.Q5_K, "token": Format.Q6_K}
    for name, mix in (("k-low", low), ("k-high", high)):
        yield Case(f"llama-{name}", "llama", transformers.LlamaConfig(**narrow), by_part(mix), base)

    def as_q4_k_m(name):
        """Most in Q4_K, values and the way down in Q6_K, and what has no rows of 256 in what replaces them."""
        return Format.Q6_K if "attn_v" in name or "ffn_down" in name else Format.Q4_K

    wide = llama(hidden=576, heads=2, kv=1, head_dim=16, ff=256)
    yield Case("llama-q4_k_m-576", "llama", transformers.LlamaConfig(**wide), as_q4_k_m, base)


def main():
    vocabularies.check_versions({**VERSIONS, "torch": metadata_of_torch()})
    for case in (*architectures(), *formats()):
        case.write()


def metadata_of_torch():
    """torch's version carries the build it was made for."""
    from importlib import metadata

    version = metadata.version("torch")
    assert version.split("+")[0] == VERSIONS["torch"], version
    return version


if __name__ == "__main__":
    main()
