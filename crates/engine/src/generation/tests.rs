//! Answers from scripted logits.

use std::path::Path;

use plimsoll_core::Seed;
use proptest::prelude::*;

use super::*;

fn tokenizer(name: &str) -> Tokenizer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/goldens/text/{name}.json"));
    Tokenizer::from_json(&std::fs::read(path).unwrap(), 1000).unwrap()
}

/// An answer whose tokens are these, as far as it goes.
fn scripted(tokenizer: &Tokenizer, tokens: &[u32], stop: StopRules) -> Generated {
    let mut sequence = Sequence::new(tokenizer, Sampling::greedy(), stop, Seed::new(1));
    for (index, token) in tokens.iter().enumerate() {
        let mut logits = vec![0.0f32; 1000];
        logits[*token as usize] = 1.0;
        let next = sequence.advance(&logits).unwrap();
        assert_eq!(sequence.len(), index + 1);
        assert_eq!(next.is_none(), sequence.is_finished());
        if next.is_none() {
            assert_eq!(sequence.advance(&logits).unwrap(), None, "an answer that ended stays so");
            break;
        }
    }
    sequence.finish().unwrap()
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    tokenizer.encode(text, false).unwrap().into_iter().map(|piece| piece.id).collect()
}

fn long() -> StopRules {
    StopRules { max_tokens: 1000, ..StopRules::default() }
}

/// Parts follow each other without gaps and fill the text.
#[track_caller]
fn assert_joined(generated: &Generated) {
    let mut end = 0;
    for token in &generated.tokens {
        assert_eq!(token.start, end);
        assert!(token.end >= token.start);
        end = token.end;
    }
    assert_eq!(end, generated.text.len());
    assert_eq!(generated.token_texts().collect::<String>(), generated.text);
}

#[test]
fn a_stop_token_is_listed_and_is_no_text() {
    let tokenizer = tokenizer("gpt2");
    let end = tokenizer.token("<|end|>").unwrap();
    let mut tokens = ids(&tokenizer, "the ferry left");
    tokens.extend([end, tokens[0]]);
    let generated = scripted(&tokenizer, &tokens, StopRules { tokens: vec![end], ..long() });
    assert_eq!((generated.text.as_str(), generated.finish), ("the ferry left", Finish::Stop));
    let last = generated.tokens.last().unwrap();
    assert_eq!((last.id, last.start, last.end), (end, 14, 14));
    assert_joined(&generated);
}

#[test]
fn length() {
    let tokenizer = tokenizer("gpt2");
    let tokens = ids(&tokenizer, "the ferry left port at noon");
    let generated = scripted(&tokenizer, &tokens, StopRules { max_tokens: 2, ..StopRules::default() });
    assert_eq!(
        (generated.text.as_str(), generated.finish, generated.tokens.len()),
        ("the ferry", Finish::Length, 2)
    );
    assert_joined(&generated);
    // The stop token at the last place is a stop.
    let stop = StopRules { max_tokens: 2, tokens: vec![tokens[1]], strings: Vec::new() };
    assert_eq!(scripted(&tokenizer, &tokens, stop).finish, Finish::Stop);
}

#[test]
fn stop_strings_that_span_tokens() {
    let tokenizer = tokenizer("gpt2");
    let tokens = ids(&tokenizer, "yes naïve café\nQ: no");
    for (string, text) in
        [("é\nQ", "yes naïve caf"), ("\nQ:", "yes naïve café"), ("yes", ""), ("ïve", "yes na")]
    {
        let stop =
            StopRules { strings: vec![string.to_owned(), "never".to_owned(), String::new()], ..long() };
        let generated = scripted(&tokenizer, &tokens, stop);
        assert_eq!((generated.text.as_str(), generated.finish), (text, Finish::Stop), "{string:?}");
        assert!(generated.tokens.len() <= tokens.len());
        assert_joined(&generated);
    }
    // The earliest of several counts.
    let stop = StopRules { strings: vec!["café".into(), "naïve".into()], ..long() };
    assert_eq!(scripted(&tokenizer, &tokens, stop).text, "yes ");
}

/// What is shown while an answer grows is never taken back, and misses no more than a begun stop string.
#[test]
fn what_is_settled_stays() {
    let tokenizer = tokenizer("gpt2");
    let tokens = ids(&tokenizer, "yes naïve 🛳 café\nQ: no");
    for string in ["é\nQ", "\nQ:", "🛳 ca", "never there", ""] {
        let stop = StopRules { strings: vec![string.to_owned()], ..long() };
        let mut sequence = Sequence::new(&tokenizer, Sampling::greedy(), stop, Seed::new(1));
        let mut settled = vec![String::new()];
        for token in &tokens {
            let mut logits = vec![0.0f32; 1000];
            logits[*token as usize] = 1.0;
            let goes_on = sequence.advance(&logits).unwrap().is_some();
            settled.push(sequence.settled().to_owned());
            if !goes_on {
                break;
            }
        }
        let text = sequence.finish().unwrap().text;
        for (before, after) in settled.iter().zip(settled[1..].iter().chain([&text])) {
            assert!(after.starts_with(before.as_str()), "{string:?}: {before:?} {after:?}");
        }
        let last = settled.last().unwrap();
        assert!(text.len() - last.len() <= string.len() + 1, "{string:?}: {last:?} {text:?}");
    }
}

#[test]
fn a_character_of_several_tokens_is_shared_out() {
    let tokenizer = tokenizer("gpt2");
    let tokens = ids(&tokenizer, "🛳");
    assert!(tokens.len() > 1, "{tokens:?}");
    let generated = scripted(&tokenizer, &tokens, long());
    assert_eq!(generated.text, "🛳");
    assert!(generated.tokens.iter().all(|token| token.end > token.start), "{:?}", generated.tokens);
    assert_joined(&generated);
    // Cut in the middle it is what the tokenizer makes of it.
    let cut = scripted(&tokenizer, &tokens[..1], StopRules { max_tokens: 1, ..StopRules::default() });
    assert_eq!(cut.text, tokenizer.decode(&tokens[..1]).unwrap());
    assert_joined(&cut);
}

#[test]
fn one_token_is_generated_whatever_the_limit() {
    let tokenizer = tokenizer("gpt2");
    let generated = scripted(&tokenizer, &ids(&tokenizer, "the ferry"), StopRules::default());
    assert_eq!((generated.tokens.len(), generated.finish), (1, Finish::Length));
}

#[test]
fn broken_logits_end_it_by_name() {
    let tokenizer = tokenizer("gpt2");
    let mut sequence = Sequence::new(&tokenizer, Sampling::greedy(), long(), Seed::new(1));
    let error = sequence.advance(&[f32::NAN]).unwrap_err();
    assert!(error.to_string().contains("logit of token 0"), "{error}");
}

#[test]
fn a_sample_depends_on_its_seed_and_nothing_beside_it() {
    let tokenizer = tokenizer("gpt2");
    let logits: Vec<Vec<f32>> = (0..12u8)
        .map(|step| (0..400u16).map(|token| f32::from((token * 7 + u16::from(step)) % 13)).collect())
        .collect();
    let run = |seeds: &[u64]| -> Vec<Vec<u32>> {
        let sampling = Sampling::at(1.0).unwrap();
        let mut sequences: Vec<Sequence<'_>> =
            seeds.iter().map(|seed| Sequence::new(&tokenizer, sampling, long(), Seed::new(*seed))).collect();
        for logits in &logits {
            for sequence in &mut sequences {
                sequence.advance(logits).unwrap();
            }
        }
        sequences.iter().map(|sequence| sequence.tokens().collect()).collect()
    };
    let together = run(&[1, 2, 3]);
    assert_eq!(run(&[2])[0], together[1]);
    assert_eq!(run(&[3, 1]), [together[2].clone(), together[0].clone()]);
    assert_ne!(together[0], together[1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn parts_join_to_what_the_tokenizer_makes_of_all(
        name in prop::sample::select(vec!["gpt2", "llama3", "sentencepiece", "unigram", "wordpiece"]),
        raw in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let tokenizer = tokenizer(name);
        let tokens: Vec<u32> = raw.iter().map(|index| u32::try_from(index.index(tokenizer.vocabulary())).unwrap()).collect();
        let generated = scripted(&tokenizer, &tokens, StopRules { max_tokens: tokens.len(), ..StopRules::default() });
        prop_assert_eq!(&generated.text, &tokenizer.decode(&tokens).unwrap());
        prop_assert_eq!(generated.tokens.len(), tokens.len());
        let mut end = 0;
        for token in &generated.tokens {
            prop_assert!(token.start == end && token.end >= end);
            end = token.end;
        }
        prop_assert_eq!(end, generated.text.len());
    }
}
