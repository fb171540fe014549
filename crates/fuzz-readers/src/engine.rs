//! Readers of model files.

use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::chat::{Chat, ChatError, ChatTemplate, SpecialTokenTexts, TEMPLATE_DATE};
use plimsoll_engine::gguf::{GgufHeader, Vocabulary};
use plimsoll_engine::tokenizer::Tokenizer;
use plimsoll_engine::{Safetensors, Tensors as _, read_config};

use crate::temporary::with_file;

/// Vocabulary of the model that a tokenizer is read for.
const VOCABULARY: usize = 300;

/// A text of several scripts, with white space at its ends.
const TEXT: &str = " Gr\u{fc}n, 12.5% of \u{65e5}\u{672c}\u{8a9e}\tand \u{1f600}\n";

/// A GGUF header with its metadata: every tensor lies inside the file, and a vocabulary becomes a tokenizer or an error.
pub fn gguf_header(bytes: &[u8]) {
    let length = bytes.len() as u64;
    let Ok(header) = GgufHeader::read(bytes, length) else { return };
    let Ok(vocabulary) = Vocabulary::new(&header.metadata) else { return };
    let _ = vocabulary.chat_template();
    let _ = vocabulary.special_tokens();
    if let Ok(parts) = vocabulary.tokenizer()
        && let Ok(tokenizer) = Tokenizer::from_parts(&parts, vocabulary.len())
    {
        encode(&tokenizer);
    }
}

/// A safetensors header: every tensor lies inside the file.
pub fn safetensors_header(bytes: &[u8]) {
    with_file("model.safetensors", bytes, |path| {
        let Ok(file) = Safetensors::open_file(path) else { return };
        for name in file.names() {
            assert!(file.shape(name).is_some(), "a tensor without a shape");
        }
        // The smallest type has half a byte for each element.
        assert!(file.elements() <= 2 * bytes.len() as u64, "more elements than bytes hold");
    });
}

/// A `tokenizer.json`: what it encodes are tokens with spans inside the text.
pub fn tokenizer_json(bytes: &[u8]) {
    if let Ok(tokenizer) = Tokenizer::from_json(bytes, VOCABULARY) {
        encode(&tokenizer);
    }
}

fn encode(tokenizer: &Tokenizer) {
    let Ok(tokens) = tokenizer.encode(TEXT, true) else { return };
    for token in &tokens {
        assert!(token.start <= token.end && token.end <= TEXT.len(), "a span outside the text: {token:?}");
    }
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let _ = tokenizer.decode(&ids);
}

/// A `config.json`: what is accepted is a valid spec.
pub fn model_config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(spec) = read_config(text) {
        assert!(spec.validate().is_ok(), "an accepted spec is not valid");
        let _ = spec.parameters();
    }
}

/// A chat template: rendering ends by what is counted (fuel, length, nesting), never by the clock.
pub fn chat_template(bytes: &[u8]) {
    let Ok(source) = str::from_utf8(bytes) else { return };
    let Ok(template) = ChatTemplate::from_source(source, SpecialTokenTexts::default()) else { return };
    let message = |role, text: &str| Message { role, text: text.to_owned() };
    let messages = [message(Role::User, "Why?"), message(Role::Assistant, "So."), message(Role::User, TEXT)];
    if let Err(error @ ChatError::TooSlow { .. }) = template.render(&Chat::new(&messages, TEMPLATE_DATE)) {
        panic!("{error}");
    }
}
