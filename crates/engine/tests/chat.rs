//! Chats against what `transformers` makes of them (see goldens/chat).

#![expect(clippy::unwrap_used, reason = "the tests' own data; a panic is how a test fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_engine::chat::{Chat, ChatError, ChatTemplate, Data, Moment, SpecialTokenTexts};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    special: BTreeMap<String, String>,
    chats: Vec<GoldenChat>,
    families: Vec<Family>,
    feature_chat: GoldenChat,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct GoldenChat {
    #[serde(default)]
    name: String,
    messages: Vec<Data>,
    #[serde(default)]
    add_generation_prompt: bool,
    #[serde(default)]
    variables: BTreeMap<String, Data>,
}

#[derive(Deserialize)]
struct Family {
    template: String,
    results: Vec<Expected>,
}

#[derive(Deserialize)]
struct Feature {
    source: String,
    /// How it is known to differ (see features.py).
    differs: Option<String>,
    #[serde(flatten)]
    expected: Expected,
}

/// One of the three.
#[derive(Deserialize, Debug)]
struct Expected {
    text: Option<String>,
    raised: Option<String>,
    fails: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/chat")
}

fn goldens() -> Goldens {
    let text = std::fs::read_to_string(folder().join("goldens.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn special(goldens: &Goldens) -> SpecialTokenTexts {
    SpecialTokenTexts::new(goldens.special.iter().map(|(name, text)| (name.as_str(), text.clone())))
}

fn chat(golden: &GoldenChat) -> Chat {
    Chat {
        messages: golden.messages.clone(),
        add_generation_prompt: golden.add_generation_prompt,
        variables: golden.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        now: Moment::date(2025, 2, 6).unwrap().at(15, 4, 9).unwrap(),
    }
}

/// What differs from what is expected.
fn difference(expected: &Expected, got: &Result<String, ChatError>) -> Option<String> {
    let same = match (expected, got) {
        (Expected { text: Some(text), .. }, Ok(got)) => text == got,
        (Expected { raised: Some(raised), .. }, Err(ChatError::Raised { message })) => raised == message,
        (Expected { fails: Some(_), .. }, Err(error)) => !matches!(error, ChatError::Raised { .. }),
        _ => false,
    };
    let said = match got {
        Ok(text) => format!("{text:?}"),
        Err(ChatError::Render { source } | ChatError::Syntax { source }) => format!("{source}"),
        Err(error) => format!("{error}"),
    };
    (!same).then(|| format!("  expected {expected:?}\n  got      {said}"))
}

#[test]
fn families_are_rendered_as_transformers_does() {
    let goldens = goldens();
    assert!(goldens.families.len() >= 10 && goldens.chats.len() >= 40);
    let mut differences = Vec::new();
    for family in &goldens.families {
        let source = std::fs::read_to_string(folder().join("templates").join(&family.template)).unwrap();
        let template = ChatTemplate::from_source(&source, special(&goldens)).unwrap();
        for (golden, expected) in goldens.chats.iter().zip(&family.results) {
            if let Some(difference) = difference(expected, &template.render(&chat(golden))) {
                differences.push(format!("{}, {}:\n{difference}", family.template, golden.name));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn features_are_rendered_as_transformers_does() {
    let goldens = goldens();
    let chat = chat(&goldens.feature_chat);
    let mut differences = Vec::new();
    for feature in &goldens.features {
        let template = ChatTemplate::from_source(&feature.source, special(&goldens));
        let got = template.and_then(|template| template.render(&chat));
        let how = difference(&feature.expected, &got).map(|difference| {
            let how = match (&feature.expected.text, &got) {
                (Some(_), Err(_)) => "fails",
                (None, Ok(_)) => "lenient",
                _ => "prints",
            };
            (how, difference)
        });
        if how.as_ref().map(|(how, _)| *how) != feature.differs.as_deref() {
            let (how, difference) = how.unwrap_or(("the same", String::new()));
            let known = feature.differs.as_deref().unwrap_or("the same");
            differences.push(format!("{}\n  known as {known}, is {how}\n{difference}", feature.source));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
