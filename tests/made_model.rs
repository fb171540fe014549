//! Synthetic models: a Llama of random weights, and one whose weights make it answer in one word.

use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::harness::Sandbox;

const TEMPLATE: &str = "{% for message in messages %}<|start|>{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}\
{% if add_generation_prompt %}assistant:{% endif %}";

/// The token that ends an answer, in the tokenizer of the tests.
const END: usize = 1;

/// Reference files of the engine's tests.
pub(crate) fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/goldens")
}

/// The size of a model.
#[derive(Clone, Copy)]
struct Shape {
    vocabulary: usize,
    hidden: usize,
    inner: usize,
    layers: usize,
    context: usize,
    tied: bool,
}

/// What [`write_random`] writes.
const RANDOM: Shape = Shape { vocabulary: 512, hidden: 16, inner: 24, layers: 2, context: 128, tied: true };

impl Shape {
    fn config(self) -> Value {
        json!({
            "model_type": "llama", "vocab_size": self.vocabulary, "hidden_size": self.hidden,
            "intermediate_size": self.inner, "num_hidden_layers": self.layers, "num_attention_heads": 2,
            "num_key_value_heads": 1, "hidden_act": "silu", "max_position_embeddings": self.context,
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": self.tied,
            "torch_dtype": "float32", "eos_token_id": END,
        })
    }

    /// Names and shapes of the tensors.
    fn tensors(self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.hidden, self.inner);
        let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![self.vocabulary, hidden])];
        shapes.push(("model.norm.weight".to_owned(), vec![hidden]));
        for layer in 0..self.layers {
            for (part, shape) in [
                ("input_layernorm", vec![hidden]),
                ("post_attention_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![hidden, hidden]),
                ("self_attn.k_proj", vec![hidden / 2, hidden]),
                ("self_attn.v_proj", vec![hidden / 2, hidden]),
                ("self_attn.o_proj", vec![hidden, hidden]),
                ("mlp.gate_proj", vec![inner, hidden]),
                ("mlp.up_proj", vec![inner, hidden]),
                ("mlp.down_proj", vec![hidden, inner]),
            ] {
                shapes.push((format!("model.layers.{layer}.{part}.weight"), shape));
            }
        }
        if !self.tied {
            shapes.push(("lm_head.weight".to_owned(), vec![self.vocabulary, hidden]));
        }
        shapes
    }

    /// Writes the model with these weights, a tokenizer and a chat template.
    fn write(self, sandbox: &Sandbox, folder: &str, weights: impl Fn(usize, &str, &[usize]) -> Vec<f32>) {
        let tensors: Vec<_> = self
            .tensors()
            .into_iter()
            .enumerate()
            .map(|(index, (name, shape))| {
                let data: Vec<u8> =
                    weights(index, &name, &shape).into_iter().flat_map(f32::to_le_bytes).collect();
                (name, data, shape)
            })
            .collect();
        let views = tensors.iter().map(|(name, data, shape)| {
            (name.clone(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        });
        sandbox.write(&format!("{folder}/model.safetensors"), safetensors::serialize(views, None).unwrap());
        sandbox.write(&format!("{folder}/config.json"), self.config().to_string());
        sandbox.write(&format!("{folder}/tokenizer.json"), tokenizer());
        let special = json!({"chat_template": TEMPLATE, "eos_token": "<|end|>"});
        sandbox.write(&format!("{folder}/tokenizer_config.json"), special.to_string());
    }
}

fn tokenizer() -> Vec<u8> {
    std::fs::read(goldens().join("text/gpt2.json")).unwrap()
}

/// Values from -0.5 to 0.5 that look random and are the same on every machine.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// Writes a Llama of random weights with a tokenizer and a chat template.
pub(crate) fn write_random(sandbox: &Sandbox, folder: &str) {
    RANDOM.write(sandbox, folder, |index, _, shape| values(shape.iter().product(), index as u64 + 1));
}

/// The words that [`write_talker`]'s model says.
pub(crate) const WORDS: [&str; 6] = ["A", "B", "yes", "no", "1", "2"];

/// Writes a Llama that answers any prompt with one of [`WORDS`] and ends there. Which one it is, and how sure it
/// is of it, follows from the prompt by weights that are random otherwise.
///
/// Two dimensions of the hidden state are written by embeddings alone: the first says that the token at hand is one of
/// the words, upon which the end follows; the second is always 1, and keeps all other tokens unlikely.
pub(crate) fn write_talker(sandbox: &Sandbox, folder: &str, layers: usize, seed: u64) {
    const SAID: usize = 0;
    const ONE: usize = 1;
    let shape = Shape { vocabulary: 384, hidden: 16, inner: 24, layers, context: 1024, tied: false };
    let known: Value = serde_json::from_slice(&tokenizer()).unwrap();
    let id = |word: &str| usize::try_from(known["model"]["vocab"][word].as_u64().unwrap()).unwrap();
    let words = WORDS.map(id);
    shape.write(sandbox, folder, |index, name, dimensions| {
        let mut data = values(dimensions.iter().product(), seed * 1000 + index as u64 + 1);
        let width = shape.hidden;
        if name.ends_with("norm.weight") {
            data.fill(1.0);
        } else if name.contains("embed_tokens") {
            for (token, row) in data.chunks_mut(width).enumerate() {
                row[SAID] = if words.contains(&token) { 40.0 } else { 0.0 };
                row[ONE] = 1.0;
            }
        } else if name.contains("lm_head") {
            for (token, row) in data.chunks_mut(width).enumerate() {
                let is_word = words.contains(&token);
                for weight in &mut *row {
                    *weight *= if is_word { 3.0 } else { 0.5 };
                }
                row[SAID] = if token == END { 6.0 } else { -6.0 };
                row[ONE] = if is_word { 0.0 } else { -8.0 };
            }
        } else if name.contains("o_proj") || name.contains("down_proj") {
            let columns = dimensions[1];
            data[SAID * columns..(ONE + 1) * columns].fill(0.0);
        } else {
            for weight in &mut data {
                *weight *= 2.0;
            }
        }
        data
    });
}
