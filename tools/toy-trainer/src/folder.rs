//! A trained model as a folder in the hub's layout, which the engine loads like any other.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};

use super::error::TrainError;
use super::shape::{MatrixKind, ModelShape, ParameterLayout};
use super::vocabulary::{ASSISTANT, BEGIN, END, SPECIAL, USER};

/// The number format of written weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightFormat {
    /// 32-bit floats, as trained.
    F32,
    /// Rounded to bfloat16: what is released.
    Bf16,
}

/// Writes a model.
///
/// # Errors
/// [`TrainError::Io`], [`TrainError::Damaged`] if the parameters do not fit the shape.
pub fn write(
    folder: &Path,
    shape: &ModelShape,
    parameters: &[f32],
    tokenizer: &Value,
    format: WeightFormat,
) -> Result<(), TrainError> {
    fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    let path = folder.join("model.safetensors");
    let bytes = weights(shape, parameters, format).map_err(|error| TrainError::damaged(&path, &error))?;
    whole(&path, &bytes)?;
    let dtype = if format == WeightFormat::F32 { "float32" } else { "bfloat16" };
    whole_json(&folder.join("config.json"), &config(shape, dtype))?;
    whole_json(&folder.join("tokenizer.json"), tokenizer)?;
    let end = json!({"bos_token": BEGIN, "eos_token": END, "pad_token": END});
    whole_json(&folder.join("tokenizer_config.json"), &with(end, "model_max_length", &json!(shape.context)))?;
    whole_json(
        &folder.join("generation_config.json"),
        &json!({"eos_token_id": id(END), "do_sample": false}),
    )?;
    whole(&folder.join("chat_template.jinja"), template().as_bytes())
}

fn weights(shape: &ModelShape, parameters: &[f32], format: WeightFormat) -> candle_core::Result<Vec<u8>> {
    let mut tensors = BTreeMap::new();
    for entry in ParameterLayout::new(shape).entries() {
        let dims = if entry.kind == MatrixKind::Norm {
            vec![entry.columns]
        } else {
            vec![entry.rows, entry.columns]
        };
        let tensor = Tensor::from_slice(entry.values(parameters), dims, &Device::Cpu)?;
        let dtype = if format == WeightFormat::F32 { DType::F32 } else { DType::BF16 };
        tensors.insert(entry.name.clone(), tensor.to_dtype(dtype)?);
    }
    Ok(safetensors::serialize(tensors, Some([("format".to_owned(), "pt".to_owned())].into()))?)
}

fn id(special: &str) -> usize {
    SPECIAL.iter().position(|text| *text == special).unwrap_or(0)
}

fn config(shape: &ModelShape, dtype: &str) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head(),
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.norm_epsilon,
        "rope_theta": shape.rope_theta,
        "attention_bias": false,
        "attention_dropout": 0.0,
        "mlp_bias": false,
        "tie_word_embeddings": true,
        "bos_token_id": id(BEGIN),
        "eos_token_id": id(END),
        "torch_dtype": dtype,
    })
}

fn with(mut map: Value, key: &str, value: &Value) -> Value {
    map[key] = value.clone();
    map
}

/// One special token begins each turn. A space stands before a reply, so that a word of it is the token that
/// the word is inside a text.
fn template() -> String {
    format!(
        "{{%- for message in messages -%}}\n\
         {{%- if message['role'] == 'assistant' -%}}\n\
         {{{{- '{ASSISTANT} ' ~ message['content'] | trim ~ '{END}' -}}}}\n\
         {{%- else -%}}\n\
         {{{{- '{USER}' ~ message['content'] -}}}}\n\
         {{%- endif -%}}\n\
         {{%- endfor -%}}\n\
         {{%- if add_generation_prompt -%}}\n\
         {{{{- '{ASSISTANT}' -}}}}\n\
         {{%- endif -%}}\n"
    )
}

pub(crate) fn whole_json(path: &Path, value: &Value) -> Result<(), TrainError> {
    whole(path, format!("{value:#}\n").as_bytes())
}

/// Writes a file that is there whole or not at all.
pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // Readable as any other new file is; a temporary file is private by default.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(TrainError::io(path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(TrainError::io(path))?;
    file.persist(path).map_err(|error| error.error).map_err(TrainError::io(path))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use plimsoll_core::Seed;
    use plimsoll_core::prompt::{Message, Role};
    use plimsoll_engine::chat::Moment;
    use plimsoll_engine::{OpenedModel, Placement, Positions, StepRow};

    use super::*;
    use crate::network::TrainableDecoder;
    use crate::parameters;
    use crate::reader::DocumentReader;
    use crate::sample::TrainingSample;
    use crate::vocabulary::learn;

    /// Of a logit of a few blocks in f32, summed in another order.
    const LOGIT_TOLERANCE: f32 = 2e-4;

    const SHAPE: ModelShape = ModelShape {
        vocabulary: 300,
        hidden: 32,
        layers: 3,
        heads: 2,
        feed_forward: 48,
        context: 128,
        rope_theta: 1e4,
        norm_epsilon: 1e-5,
    };

    #[test]
    fn the_engine_loads_what_is_written_and_computes_the_same() {
        let texts = vec!["Lumo has 47 boats. Lumo has 12 nets.".to_owned()];
        let phrases = ["Question:".to_owned(), "\n\nAnswer (a few words):".to_owned()];
        let tokenizer = learn(&texts, &phrases, SHAPE.vocabulary).unwrap();
        let mut network = TrainableDecoder::new(SHAPE);
        let mut parameters = parameters::draw(&SHAPE, network.layout(), Seed::new(5)).unwrap();
        for parameter in &mut parameters {
            *parameter *= 2.0;
        }
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &SHAPE, &parameters, &tokenizer, WeightFormat::F32).unwrap();
        let model = OpenedModel::open(folder.path()).unwrap().load(Placement::cpu_f32()).unwrap();
        assert_eq!(model.stop_tokens(), [0]);

        let message = |role, text: &str| Message { role, text: text.to_owned() };
        let mut messages = vec![message(
            Role::User,
            "Read.\n\nLumo has 47 boats.\n\nQuestion: Has Lumo 12 boats?\n\nAnswer (a few words):",
        )];
        let mut reader = DocumentReader::new(&tokenizer, SHAPE.vocabulary).unwrap();
        let now = Moment::date(2026, 1, 1).unwrap();
        assert_eq!(reader.prompt(&messages).unwrap(), model.encode_chat(&messages, now).unwrap());
        messages.push(message(Role::Assistant, " no \n"));
        messages.push(message(Role::User, "Proposed answer: no\nIs it?"));
        let prompt = model.encode_chat(&messages, now).unwrap();
        assert_eq!(reader.prompt(&messages).unwrap(), prompt);
        let dialogue = reader.dialogue(&messages, &[("True", 1.0)], 0.0).unwrap();
        assert_eq!(dialogue.tokens[..prompt.len()], prompt);
        assert!(dialogue.weights[..prompt.len()].iter().all(|weight| *weight == 0.0));

        let weights = vec![1.0; dialogue.tokens.len()];
        let found = network
            .logits(&parameters, &TrainingSample { tokens: dialogue.tokens.clone(), weights })
            .to_vec();
        let mut cache = model.decoder().cache();
        let read = &dialogue.tokens[..dialogue.tokens.len() - 1];
        let mut row = StepRow { logits: Positions::All, ..StepRow::new(read, &mut cache) };
        let output = model.decoder().step(std::slice::from_mut(&mut row)).unwrap().remove(0);
        let expected = output.logits.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(found.len(), expected.len());
        let max = expected.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= LOGIT_TOLERANCE * max, "{found} {expected}");
        }
    }
}
