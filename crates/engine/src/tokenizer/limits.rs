//! Limits on what a `tokenizer.json` may contain.
//!
//! The library does whatever a file says. Looked at beforehand is what could make a short text endless, take the
//! same text apart in another way each time, or give up without a word.

use serde::Deserialize;

use super::expressions::BYTE_LEVEL;

/// Maximum number of steps of a normalizer, a pre-tokenizer or a decoder. Known ones have up to ten.
const MAX_STEPS: usize = 64;
/// How many times longer normalizer and pre-tokenizer together may make a text, and a decoder a token. Known ones
/// reach 12, where `▁` stands for spaces.
const MAX_GROWTH: f64 = 256.0;
/// Maximum number of bytes of an expression. Known ones have up to 500.
const MAX_EXPRESSION: usize = 4096;
/// Maximum number of bytes of a precompiled table of characters, and of a text that is put before others. Known tables have 0.3 MB.
const MAX_TABLE: usize = 1 << 20;
const MAX_PREPENDED: usize = 1024;

/// The parts of the file that are looked at.
#[derive(Deserialize)]
struct TokenizerFile {
    #[serde(default)]
    normalizer: Option<PipelineStep>,
    #[serde(default)]
    pre_tokenizer: Option<PipelineStep>,
    #[serde(default)]
    decoder: Option<PipelineStep>,
    #[serde(default)]
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    dropout: Option<f64>,
}

/// A normalizer, pre-tokenizer or decoder of any kind: the fields that matter.
#[derive(Deserialize)]
struct PipelineStep {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    normalizers: Vec<PipelineStep>,
    #[serde(default)]
    pretokenizers: Vec<PipelineStep>,
    #[serde(default)]
    decoders: Vec<PipelineStep>,
    #[serde(default)]
    pattern: Option<Pattern>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    prepend: Option<String>,
    #[serde(default)]
    precompiled_charsmap: Option<String>,
    #[serde(default)]
    use_regex: Option<bool>,
}

#[derive(Deserialize)]
struct Pattern {
    #[serde(default, rename = "String")]
    string: Option<String>,
    #[serde(default, rename = "Regex")]
    expression: Option<String>,
}

/// Says why a file is refused, and otherwise which expressions of its pre-tokenizer may give up.
pub(super) fn check(json: &[u8]) -> Result<Vec<String>, String> {
    let file: TokenizerFile = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if file.model.and_then(|model| model.dropout).is_some_and(|dropout| dropout != 0.0) {
        return Err("its `dropout` takes a text apart in another way each time".to_owned());
    }
    let mut inspection = Inspection::default();
    let parts = [("normalizer", &file.normalizer), ("pre_tokenizer", &file.pre_tokenizer)];
    let mut growth = 1.0;
    for (part, step) in parts {
        growth *= inspection.walk(part, step.as_slice())?;
    }
    for (growth, what) in [(growth, "text"), (inspection.walk("decoder", file.decoder.as_slice())?, "token")]
    {
        if growth > MAX_GROWTH {
            return Err(format!(
                "it can make a {what} {growth:.0} times longer; at most {MAX_GROWTH} is allowed"
            ));
        }
    }
    Ok(inspection.may_give_up)
}

#[derive(Default)]
struct Inspection {
    steps: usize,
    may_give_up: Vec<String>,
}

impl Inspection {
    /// How many times longer these steps can make a text.
    fn walk(&mut self, part: &'static str, steps: &[PipelineStep]) -> Result<f64, String> {
        let mut growth = 1.0;
        for step in steps {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(format!("it has more than {MAX_STEPS} steps"));
            }
            self.expression(part, step)?;
            for (bytes, max) in [(&step.prepend, MAX_PREPENDED), (&step.precompiled_charsmap, MAX_TABLE)] {
                if let Some(bytes) = bytes.as_ref().map(String::len).filter(|bytes| *bytes > max) {
                    return Err(format!(
                        "a step of its {part} holds {bytes} bytes; at most {max} are allowed"
                    ));
                }
            }
            growth *= step.growth();
            for steps in [&step.normalizers, &step.pretokenizers, &step.decoders] {
                growth *= self.walk(part, steps)?;
            }
        }
        Ok(growth)
    }

    fn expression(&mut self, part: &'static str, step: &PipelineStep) -> Result<(), String> {
        if part == "pre_tokenizer" && step.is_byte_level() && step.use_regex != Some(false) {
            self.may_give_up.push(BYTE_LEVEL.to_owned());
        }
        let expression = step.pattern.as_ref().and_then(|pattern| pattern.expression.as_ref());
        let Some(source) = expression else { return Ok(()) };
        if source.len() > MAX_EXPRESSION {
            let bytes = source.len();
            return Err(format!("an expression has {bytes} bytes; at most {MAX_EXPRESSION} are allowed"));
        }
        if backtracks(source) {
            // What the others change is not looked at on its way.
            if part != "pre_tokenizer" {
                let shown: String = source.chars().take(80).flat_map(char::escape_debug).collect();
                return Err(format!("the expression `{shown}` of its {part} needs backtracking"));
            }
            self.may_give_up.push(source.clone());
        }
        Ok(())
    }
}

impl PipelineStep {
    fn is_byte_level(&self) -> bool {
        self.kind.as_deref() == Some("ByteLevel")
    }

    fn growth(&self) -> f64 {
        let content = self.content.as_ref().map_or(0, String::len) as f64;
        match &self.pattern {
            // It may match between any two characters.
            Some(Pattern { expression: Some(_), .. }) => 1.0 + content,
            Some(Pattern { string: Some(string), .. }) => (content / string.len().max(1) as f64).max(1.0),
            _ if self.is_byte_level() => 2.0,
            _ => 1.0,
        }
    }
}

/// Whether an expression has what a plain automaton cannot do: look-around, references, atomic groups,
/// possessive repetition, ends of words. Without these it takes linear time and never gives up. Where the same signs stand for
/// themselves the answer is yes, which costs time only.
fn backtracks(source: &str) -> bool {
    const SIGNS: [&str; 15] = [
        "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?(", "(?P=", "(?P>", "(?&", "(?~", "(*", "*+", "++", "?+",
        "}+",
    ];
    let escapes = source.as_bytes().windows(2);
    let mut referring = escapes
        .filter(|two| two[0] == b'\\' && (two[1].is_ascii_digit() || b"kgKGZeRXbB<>".contains(&two[1])));
    referring.next().is_some() || SIGNS.iter().any(|sign| source.contains(sign))
}
