//! The OpenAI-compatible backend against a real server, which `PLIMSOLL_OPENAI_BASE_URL` and
//! `PLIMSOLL_OPENAI_MODEL` name. Without them the test says so and passes. `live/tiny_gguf.py` writes a
//! model for llama-cpp-python's server.

#[cfg(test)]
mod live {
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::time::Duration;

    use plimsoll_backend::conformance::Suite;
    use plimsoll_backend::{Observation, Request};
    use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};
    use plimsoll_core::{Decoding, ModelId, QuestionId, Seed, SignalRequest};
    use plimsoll_remote::openai::{OpenAi, OpenAiSpec};
    use serde_json::json;

    /// Absolute, of log-probs and masses: a server may batch as it likes.
    const AGREES: f64 = 2e-3;

    fn say(line: &str) {
        writeln!(std::io::stderr(), "live: {line}").unwrap();
    }

    fn requests() -> Vec<Request> {
        let follow_up = |id: &str, template: &str| FollowUp {
            id: id.to_owned(),
            template: template.to_owned(),
            continues: true,
        };
        let ask = |row: u64| Request {
            question_id: QuestionId::new(format!("made/test/{row}")).unwrap(),
            source_row: Some(row),
            prompt: Prompt {
                version: "1".to_owned(),
                messages: vec![Message { role: Role::User, text: format!("What is {row} plus {row}?") }],
                follow_ups: vec![
                    follow_up("p_true", "You said {answer}. Is it right, True or False?"),
                    follow_up("verbalization_2s", "How sure are you?"),
                ],
                true_strings: vec!["True".to_owned(), " True".to_owned()],
                false_strings: vec!["False".to_owned(), " False".to_owned()],
            },
        };
        (0..6).map(ask).collect()
    }

    fn report(rows: &[Observation]) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut count = |what: String| *counts.entry(what).or_default() += 1;
        for row in rows.iter().flat_map(|row| &row.generations) {
            count(
                row.failure
                    .as_ref()
                    .map_or_else(|| "texts".to_owned(), |reason| format!("no text: {reason}")),
            );
            if row.sample_index == 0 {
                let logprobs = row.logprobs_missing.map_or("there", plimsoll_core::MissingSignal::name);
                count(format!("log-probs: {logprobs}"));
            }
            for follow_up in &row.follow_ups {
                let reason = follow_up.missing_reason.map_or("there", plimsoll_core::MissingSignal::name);
                count(format!("{}: {reason}, censored {:?}", follow_up.id, follow_up.censored));
            }
        }
        let answer = &rows[0].generations[0];
        say(&format!("{counts:?}"));
        say(&format!(
            "{:?} {:?} {:?} tokens {:?}/{:?}, first {:?}",
            answer.served_model,
            answer.system_fingerprint,
            answer.finish_reason,
            answer.prompt_tokens,
            answer.completion_tokens,
            answer.tokens.as_ref().and_then(|tokens| tokens.first())
        ));
    }

    #[test]
    fn a_real_server_conforms() {
        let variable = |name: &str| std::env::var(name).ok();
        let (Some(base_url), Some(served)) =
            (variable("PLIMSOLL_OPENAI_BASE_URL"), variable("PLIMSOLL_OPENAI_MODEL"))
        else {
            say(
                "SKIPPED, nothing was tested: PLIMSOLL_OPENAI_BASE_URL and PLIMSOLL_OPENAI_MODEL are not set",
            );
            return;
        };
        let mut raw = json!({"base_url": base_url, "model": served, "limits": {"concurrency": 3}});
        if variable("PLIMSOLL_OPENAI_API_KEY").is_some() {
            raw["api_key_env"] = json!("PLIMSOLL_OPENAI_API_KEY");
        }
        let id = ModelId::new("live").unwrap();
        let raw = serde_json::from_value(raw).unwrap();
        let spec = OpenAiSpec::resolve(id, raw, &|name| std::env::var_os(name)).unwrap();
        let signals = SignalRequest::answer()
            .with_logprobs()
            .with_samples(2, 1.0)
            .unwrap()
            .with_follow_up_masses("p_true")
            .with_follow_up_text("verbalization_2s", 8);
        let suite = Suite {
            requests: requests(),
            signals,
            decoding: Decoding::new(0.0, 1.0, 24).unwrap(),
            seed: Seed::new(7),
            tolerance: AGREES,
            cancelled_within: Duration::from_secs(5),
        };
        let rows = suite.check(&OpenAi::new(spec)).unwrap();
        report(&rows);
        assert!(rows.iter().flat_map(|row| &row.generations).all(|row| row.text.is_some()));
    }
}
