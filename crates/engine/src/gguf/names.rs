//! What llama.cpp calls a tensor, and what transformers calls it.

use super::architecture::GgufArchitecture;

/// Parts of a layer that all architectures have under the same name.
const PARTS: &[(&str, &str)] = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_qkv", "self_attn.qkv_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// What rotary frequencies are divided by, for texts of any length.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";
/// The same for texts longer than the original context.
pub(super) const ROPE_FACTORS_LONG: &str = "rope_factors_long.weight";
/// The same for texts that are not.
pub(super) const ROPE_FACTORS_SHORT: &str = "rope_factors_short.weight";
/// Tensors that are part of the spec and not weights.
pub(super) const ROPE_DIVISORS: [&str; 3] = [ROPE_FACTORS, ROPE_FACTORS_LONG, ROPE_FACTORS_SHORT];

/// transformers' name of a tensor of a file, if the architecture has such a one.
pub(super) fn by_transformers(name: &str, architecture: GgufArchitecture) -> Option<String> {
    match name {
        "token_embd.weight" => return Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => return Some("model.norm.weight".to_owned()),
        "output.weight" => return Some("lm_head.weight".to_owned()),
        _ => {}
    }
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let number: u32 = layer.parse().ok()?;
    if number.to_string() != layer {
        return None;
    }
    let (part, kind) = rest.split_once('.')?;
    if kind != "weight" && kind != "bias" {
        return None;
    }
    let part = transformers_part(part, architecture)?;
    Some(format!("model.layers.{layer}.{part}.{kind}"))
}

fn transformers_part(part: &str, architecture: GgufArchitecture) -> Option<&'static str> {
    let gemma = architecture == GgufArchitecture::Gemma3;
    match part {
        "ffn_up" if architecture == GgufArchitecture::Phi3 => Some("mlp.gate_up_proj"),
        "ffn_up" => Some("mlp.up_proj"),
        "ffn_norm" if gemma => Some("pre_feedforward_layernorm"),
        "ffn_norm" => Some("post_attention_layernorm"),
        "post_attention_norm" if gemma => Some("post_attention_layernorm"),
        "post_ffw_norm" if gemma => Some("post_feedforward_layernorm"),
        part => {
            let mut parts = PARTS.iter();
            parts.find(|(ours, _)| *ours == part).map(|(_, theirs)| *theirs)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_on_the_architecture_where_they_must() {
        let norm = "blk.3.ffn_norm.weight";
        let up = "blk.11.ffn_up.weight";
        for (name, architecture, expected) in [
            (norm, GgufArchitecture::Llama, "model.layers.3.post_attention_layernorm.weight"),
            (norm, GgufArchitecture::Gemma3, "model.layers.3.pre_feedforward_layernorm.weight"),
            (up, GgufArchitecture::Phi3, "model.layers.11.mlp.gate_up_proj.weight"),
            (up, GgufArchitecture::Qwen2, "model.layers.11.mlp.up_proj.weight"),
            ("blk.0.attn_q.bias", GgufArchitecture::Qwen2, "model.layers.0.self_attn.q_proj.bias"),
        ] {
            assert_eq!(by_transformers(name, architecture).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_no_model_has_has_no_name() {
        for name in [
            "blk.0.attn_sub_norm.weight",
            "blk.00.attn_q.weight",
            "blk.+1.attn_q.weight",
            "blk.0.ffn_gate_exps.weight",
            "blk.0.attn_q.scale",
            "blk.0.post_ffw_norm.weight",
            "",
        ] {
            assert_eq!(by_transformers(name, GgufArchitecture::Llama), None, "{name}");
        }
    }
}
