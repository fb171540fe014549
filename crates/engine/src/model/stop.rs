//! What ends an answer, and what a GGUF file says of its chats.

use serde_json::{Map, Value};

use super::ModelFiles;
use crate::chat::{ChatTemplate, SpecialTokenTexts, Templates};
use crate::error::{EngineError, Result};
use crate::gguf::{BlockFormat, GgufFile, GgufWeights, Vocabulary};
use crate::tokenizer::Tokenizer;

/// One token or several.
fn tokens(value: &Value) -> Option<Vec<u32>> {
    let token = |value: &Value| value.as_u64().and_then(|token| u32::try_from(token).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(token).collect(),
        other => token(other).map(|token| vec![token]),
    }
}

/// The tokens that end an answer: `eos_token_id` of `generation_config.json`, else of `config.json`, and the
/// `eos_token` of `tokenizer_config.json`, which chat models end their turns with.
pub(super) fn from_folder(files: &ModelFiles, tokenizer: Option<&Tokenizer>) -> Result<Vec<u32>> {
    let mut stop = Vec::new();
    for name in ["generation_config.json", "config.json"] {
        if stop.is_empty()
            && let Some(bytes) = files.read(name)?
        {
            let damaged = |problem| EngineError::Damaged { path: files.folder.join(name), problem };
            let keys: Map<String, Value> =
                serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
            stop = tokens(keys.get("eos_token_id").unwrap_or(&Value::Null))
                .ok_or_else(|| damaged("`eos_token_id` is no token".to_owned()))?;
        }
    }
    let special = SpecialTokenTexts::from_folder(&files.folder)?;
    let named = special.get("eos_token").zip(tokenizer).and_then(|(text, tokenizer)| tokenizer.token(text));
    stop.extend(named);
    stop.sort_unstable();
    stop.dedup();
    Ok(stop)
}

/// The chat template of a GGUF file, and the tokens that end an answer. A file without a vocabulary has
/// neither.
pub(super) fn gguf_template_and_stop(
    file: &GgufFile,
    vocabulary: Option<&Vocabulary<'_>>,
) -> Result<(ChatTemplate, Vec<u32>)> {
    let failed = |source| file.vocabulary_error(source);
    let Some(vocabulary) = vocabulary else {
        return Ok((ChatTemplate::plain(), Vec::new()));
    };
    let special = vocabulary.special_tokens().map_err(failed)?;
    let named = [
        ("bos_token", special.bos),
        ("eos_token", special.eos),
        ("unk_token", special.unknown),
        ("pad_token", special.padding),
    ];
    let texts = named.into_iter().filter_map(|(name, id)| Some((name, vocabulary.text(id?)?.to_owned())));
    let templates = match vocabulary.chat_template().map_err(failed)? {
        Some(source) => Templates::single(source),
        None => Templates::default(),
    };
    Ok((ChatTemplate::new(&templates, SpecialTokenTexts::new(texts))?, special.stop))
}

/// The file's name for its mixture of formats, else the format of most parameters.
pub(super) fn file_type(weights: &GgufWeights) -> String {
    let header = weights.file().header();
    let named = header.metadata.count("general.file_type").ok().flatten().and_then(mixture);
    let max = || {
        let of = |format: BlockFormat| -> u64 {
            let same = header.tensors.values().filter(|info| info.format == format);
            same.map(|info| info.shape.iter().product::<usize>() as u64).sum()
        };
        BlockFormat::all().max_by_key(|format| of(*format)).map_or("?", BlockFormat::name)
    };
    named.unwrap_or_else(max).to_owned()
}

/// Names of mixtures, by the numbers that llama.cpp gives them.
fn mixture(number: usize) -> Option<&'static str> {
    const NAMES: [(usize, &str); 18] = [
        (0, "F32"),
        (1, "F16"),
        (2, "Q4_0"),
        (3, "Q4_1"),
        (7, "Q8_0"),
        (8, "Q5_0"),
        (9, "Q5_1"),
        (10, "Q2_K"),
        (11, "Q3_K_S"),
        (12, "Q3_K_M"),
        (13, "Q3_K_L"),
        (14, "Q4_K_S"),
        (15, "Q4_K_M"),
        (16, "Q5_K_S"),
        (17, "Q5_K_M"),
        (18, "Q6_K"),
        (21, "Q2_K_S"),
        (32, "BF16"),
    ];
    NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}
