//! Real model files, which are not part of the repository: `PLIMSOLL_REAL_MODELS` names the folder that holds them.

use std::path::PathBuf;

use plimsoll_core::Seed;
use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::chat::ChatForm;
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{GenerationOptions, LanguageModel, OpenedModel, Placement, Positions, StepRow};

use crate::model::now;

/// The real files, if a folder of them is named.
#[expect(clippy::print_stdout, reason = "says that nothing was tested")]
fn files() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("PLIMSOLL_REAL_MODELS") else {
        println!("SKIPPED, nothing was tested: PLIMSOLL_REAL_MODELS does not name a folder with .gguf files");
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "gguf")).collect();
    files.sort();
    files
}

fn said(model: &LanguageModel, prompt: &[u32], max_tokens: usize) -> String {
    let answer = GenerationOptions {
        sampling: Sampling::greedy(),
        max_tokens,
        stop_strings: Vec::new(),
        seed: Seed::new(0),
    };
    model.generate(prompt, &answer, &mut |_| ()).unwrap().text
}

/// Each file loads, gives a text its bytes back, and says what any model of its size knows.
#[test]
fn real_files_load_and_know_the_capital_of_france() {
    for path in files() {
        let opened = OpenedModel::open(&path).unwrap();
        let (form, problem) = (opened.description().form, opened.description().tokenizer_problem);
        assert_eq!(problem, None, "{}", path.display());
        let model = opened.load(Placement::cpu_f32()).unwrap();
        let text = "The ferry — 東京, déjà vu 🛳 — costs $4.50; def f(x): return x\n";
        let ids: Vec<u32> =
            model.tokenizer().encode(text, false).unwrap().into_iter().map(|piece| piece.id).collect();
        assert_eq!(model.tokenizer().decode(&ids).unwrap().trim_start(), text, "{}", path.display());
        // A base model goes on; one for chats answers.
        let (said, expected) = if form == ChatForm::Plain {
            (said(&model, &model.encode_text("Paris is the capital of").unwrap(), 8), "France")
        } else {
            let question = "What is the capital of France? Answer in one short sentence.".to_owned();
            let messages = [Message { role: Role::User, text: question }];
            (said(&model, &model.encode_chat(&messages, now()).unwrap(), 16), "Paris")
        };
        assert!(said.contains(expected), "{}: {said:?}", path.display());
    }
}

/// A prompt read at once and token by token has the same logits, to the bit: rows of packed products do not depend on
/// those beside them, and neither does attention. Of files of up to 300 MiB.
#[test]
fn real_files_say_the_same_token_by_token() {
    for path in files() {
        if std::fs::metadata(&path).unwrap().len() > 300 << 20 {
            continue;
        }
        let model = OpenedModel::open(&path).unwrap().load(Placement::cpu_f32()).unwrap();
        let tokens = model.encode_text("Wind and tide wait for nobody, least of all a late ferry.").unwrap();
        let decoder = model.decoder();
        let logits = |pieces: usize| -> Vec<f32> {
            let mut cache = decoder.cache();
            let mut last = None;
            for piece in tokens.chunks(pieces) {
                let mut row = StepRow::new(piece, &mut cache);
                row.logits = Positions::Last;
                last = decoder.step(&mut [row]).unwrap().remove(0).logits;
            }
            last.unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        let at_once = logits(tokens.len());
        for pieces in [1, 7] {
            assert!(logits(pieces) == at_once, "{} in pieces of {pieces}", path.display());
        }
    }
}
