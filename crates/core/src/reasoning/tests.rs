//! Spellings of reasoning, what is no reasoning, and what holds for any text.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Replies whose answer is `18` and whose reasoning says something else.
const ANSWERED: &[&str] = &[
    "<think>12?</think>18",
    "<think>\n12?\n</think>\n\n18\n",
    "<Think>12?</Think>18",
    "<THINKING>12?</THINKING>18",
    "< think >12?</ think >18",
    "<think effort=\"high\" budget=\"12\">12?</think>18",
    "<antThinking>12?</antThinking>18",
    "<inner_monologue>12?</inner_monologue>18",
    "<chain-of-thought>12?</chain-of-thought>18",
    "<scratch_pad>12?</scratch_pad>18",
    "<reflection>12?</reflection>18",
    "<thought_1>12?</thought_1><thought_2>6?</thought_2>18",
    "<seed:think>12?<seed:cot_budget_reflect>2</seed:cot_budget_reflect></seed:think>18",
    "<ns:reasoning>12?</ns:reasoning>18",
    "[THINK]12?[/THINK]18",
    "[think]12?[/think]18",
    "[BEGIN THOUGHT]12?[END THOUGHT]18",
    "【思考】12?【/思考】18",
    "◁think▷12?◁/think▷18",
    "⟨think⟩12?⟨/think⟩18",
    "＜think＞12?＜／think＞18",
    "<|think|>12?<|/think|>18",
    "<|think>12?<think|>18",
    "<|START_THINKING|>12?<|END_THINKING|>18",
    "<|START_THINKING|>12?<|END_THINKING|><|START_RESPONSE|>18<|END_RESPONSE|>",
    "<|START_RESPONSE|>18<|END_RESPONSE|>12",
    "<|begin_of_thought|>12?<|end_of_thought|>\n<|begin_of_solution|>18<|end_of_solution|>",
    "<｜begin▁of▁thought｜>12?<｜end▁of▁thought｜>18",
    "<｜▁think▁｜>12?<｜/think｜>18",
    "<think_start>12?<think_end>18",
    "<thinking>12?<end of thinking>18",
    // The opening mark stood in the prompt.
    "12?</think>18",
    "12?\n[/THINK]\n18",
    "12?◁/think▷18",
    "12?<|END_THINKING|>18",
    "12?</analysis>18",
    // Marks within reasoning, and after it.
    "<think>I end with </think> in my thoughts: 12 </think>\n18",
    "<think>I write <think> first: 12</think>18",
    "<think>a</think>12<think>no</think>18",
    "<think>12</think>18<think>18 it is, since",
    "<think>12</think>18<think>18 it is</think>\n",
    "<think/>18",
    "I think. <think>12</think> 18",
    "18<think>12",
    "18 <think>12</think>",
    "18\n\n[THINK]12",
    "<reason>12</reason>18<reason>",
    // Channels.
    "<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|channel|>final<|message|>18",
    "<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|channel|>final<|message|>18<|return|>",
    "<|channel|>analysis<|message|>12?<|end|>18",
    "<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|message|>18<|end|>",
    "<|channel|>analysis<|message|>12?<|end|>\n<|start|>assistant\n<|channel|>final <|constrain|>json<|message|>18",
    "<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|channel|>commentary to=functions.add <|constrain|>json\
     <|message|>{\"a\": 12}<|call|><|start|>functions.add to=assistant<|channel|>commentary<|message|>12<|end|>\
     <|start|>assistant<|channel|>final<|message|>18",
    "<|start|>assistant<|channel|>analysis<|message|>12?<|end|><|start|>assistant<|channel|>final<|message|>18",
    "<|channel|>final<|message|>18<|return|>12",
    "12?<|end|><|start|>assistant<|channel|>final<|message|>18",
    "< | channel | >analysis< | message | >12?< | end | >18",
    "<|channel>thought\n12?<channel|>18",
    "<|channel>thought\n<channel|>18",
    "12?<channel|>18",
    "analysisWe get 12?assistantfinal18",
    "analysis 9 + 9, not 12.assistantfinal\n18",
    "analysisuser wants 12?assistantfinal18",
    "analysisWe get 12?assistantcommentary to=functions.add code{}assistantanalysisSo 6.assistantfinal18",
    "commentaryLet me add 12.assistantfinal18",
    "We get 12?assistantfinal18",
    // Sentences.
    "Here is my thought process:\n12?\n\nHere is my response:\n18",
    "Here's my thought process: 12?\nHere's my response: 18",
    "Here\u{2019}s my thought process: 12?\n\nHere\u{2019}s my response:\n\n18",
];

/// Replies that end within reasoning.
const OPEN: &[&str] = &[
    "<think>12",
    "\n<Think>\n12",
    "[THINK]The answer is 12. But wait",
    "◁think▷12",
    "<thinking mode=\"deep\">12",
    "<|START_THINKING|>12",
    "<|channel|>analysis<|message|>The answer is 12, but",
    "<|channel|>analysis",
    "<|channel|>analysis<|message|>12<|end|><|start|>assistant<|channel|>commentary<|message|>Now 1",
    "<|channel>thought\n12",
    "analysisWe add 9 and 9, so 12",
    "analysis我们需要12",
    "Here is my thought process:\n12",
];

/// Texts without a mark, however much they look like having one.
const PLAIN: &[&str] = &[
    "",
    " \n",
    "18",
    "  18\n",
    "I think it is 18.",
    "thinking",
    "[thought]",
    "[Thinking] 18",
    "[analysis]",
    "[ANALYSIS] They differ. B",
    "[REASON] B",
    "See [reasoning](https://example.org) for 18",
    "18 [end of analysis]",
    "18 <end of thought>",
    "{think} 18",
    "(thinking) 18",
    "/think 18",
    "</no_think>18",
    "<no_think>18",
    "<|nothink|>18",
    "<answer>18</answer>",
    "<b>18</b>",
    "<step>9 + 9</step>18",
    "a < b and thinking > 3",
    "<think\n>18",
    "<think18",
    "18<|end|>",
    "18<|im_end|>",
    "18</s>",
    "<|start|>18",
    "<start_of_turn>model\n18",
    "<reasoning_effort>18",
    "analysis",
    "analysis of the poem: 18",
    "Analysis: 18",
    "analysis, 18",
    "commentary",
    "commentary on 18",
    "The assistant finally said 18",
    "18\nHere is my response: 18",
    "So here is my thought process: 18",
];

#[test]
fn what_was_said_last_is_the_answer() {
    for reply in ANSWERED {
        assert_eq!(answer_text(reply, false), "18", "{reply}");
        assert!(!answer_part(reply, false).reasoning_is_open, "{reply}");
    }
}

#[test]
fn a_reply_that_ends_within_its_reasoning_says_nothing() {
    for reply in OPEN {
        let part = answer_part(reply, false);
        assert!(part.reasoning_is_open && part.range == (reply.len()..reply.len()), "{reply}: {part:?}");
    }
    assert_eq!(answer_text("<think>12</think> so <think>", false), "so");
}

#[test]
fn without_marks_all_of_a_reply_is_the_answer() {
    for reply in PLAIN {
        let part = answer_part(reply, false);
        assert_eq!(part, AnswerPart { range: 0..reply.len(), reasoning_is_open: false }, "{reply}");
    }
}

#[test]
fn reasoning_that_ends_before_nothing_is_closed_and_empty() {
    for reply in [
        "<think>9 + 9 = 18</think>",
        "<think>18</think>\n \u{200B}\n",
        "9 + 9</think>",
        "<|channel|>analysis<|message|>18<|end|>",
        "<|channel|>analysis<|message|>18<|end|><|start|>assistant<|channel|>final<|message|>",
        "analysisWe add.assistantfinal",
    ] {
        let part = answer_part(reply, false);
        assert!(part.range.is_empty() && !part.reasoning_is_open, "{reply}: {part:?}");
    }
}

#[test]
fn a_prompt_that_ends_within_reasoning_begins_the_reply_there() {
    for (reply, answer) in [
        ("12?</think>18", Some("18")),
        ("<think>12?</think>18", Some("18")),
        ("12?<|end|><|start|>assistant<|channel|>final<|message|>18", Some("18")),
        ("12?<end of thought>18", Some("18")),
        ("12?assistantfinal18", Some("18")),
        ("12?</think>", Some("")),
        ("12?", None),
        ("12? <think> 6", None),
        ("", None),
    ] {
        let part = answer_part(reply, true);
        assert_eq!(part.reasoning_is_open, answer.is_none(), "{reply}");
        assert_eq!(&reply[part.range], answer.unwrap_or_default(), "{reply}");
    }
}

#[test]
fn prompts_that_end_within_reasoning() {
    for (prompt, within) in [
        ("<|im_start|>assistant\n<think>\n", true),
        ("<｜Assistant｜><think>", true),
        ("[|assistant|]<thought>\n", true),
        ("[/INST][THINK]", true),
        ("<|turn>model\n<|channel>thought\n", true),
        ("<|start|>assistant<|channel|>analysis<|message|>", true),
        ("<think>a</think>b<|im_end|>\n<|im_start|>assistant\n<think>\n", true),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", false),
        ("<|assistant|>\n<think></think>\n", false),
        (
            "<seed:bos>assistant\n<seed:think>\n<seed:cot_budget_reflect>0</seed:cot_budget_reflect>\n</seed:think>",
            false,
        ),
        ("<|turn>system\n<|think|><turn|>\n<|turn>user\nHow many?<turn|>\n<|turn>model\n", false),
        ("<|turn>model\n<|channel>thought\n<channel|>", false),
        ("Q: 2 + 2\n<think>4</think>\nA: 4\n\nQ: 9 + 9\nA:", false),
        ("What does <think> mean?<|im_end|>\n<|im_start|>assistant\n", false),
        ("<|start|>assistant", false),
        ("<|start|>assistant<|channel|>final<|message|>", false),
        ("assistant\n", false),
        ("Name the tag: [thought]", false),
        ("", false),
    ] {
        assert_eq!(ends_within(prompt), within, "{prompt}");
    }
}

#[test]
fn hostile_texts_take_time_in_proportion() {
    for piece in [
        "<",
        "<think",
        "<think>",
        "</think>",
        "<think></think>",
        "[",
        "[think]",
        "[think][/think]",
        "<|",
        "<|channel|>",
        "<|channel|>analysis",
        "<|end|>",
        "<|end|><|start|>",
        "<|start|>assistant",
        "<|constrain|>",
        "◁",
        "assistant",
        "assistantfinal",
        "analysis",
        "<a=",
        "<a b c d e f>",
        "|",
        "\u{200B}",
        "＜",
        "<\u{200B}",
        "<end of thought>",
        "<aA",
    ] {
        let text = piece.repeat(2_000_000 / piece.len());
        let start = Instant::now();
        let part = answer_part(&text, true);
        assert!(text.is_char_boundary(part.range.start) && text.is_char_boundary(part.range.end));
        let _ = ends_within(&text);
        assert!(start.elapsed() < Duration::from_secs(20), "{piece:?} took {:?}", start.elapsed());
    }
}

/// Texts with marks, whole and broken.
fn marked() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<Thinking x=\"1\">",
        "[THINK]",
        "[/THINK]",
        "[think]",
        "◁think▷",
        "◁/think▷",
        "<|",
        "|>",
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        "<|START_RESPONSE|>",
        "<|END_RESPONSE|>",
        "<|channel|>",
        "<|message|>",
        "<|end|>",
        "<|start|>",
        "<|return|>",
        "assistant",
        "analysis",
        "final",
        "<|channel>thought\n",
        "<channel|>",
        "18",
        " ",
        "\n",
        "é",
        "\u{200B}",
        "<end of thought>",
        "＜think＞",
        "<",
        ">",
        "[",
        "]",
    ]);
    let piece = prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_answer_is_a_part_of_the_reply(reply in marked(), starts_within in any::<bool>()) {
        let part = answer_part(&reply, starts_within);
        prop_assert!(reply.get(part.range.clone()).is_some(), "{:?}", part);
        prop_assert!(!part.reasoning_is_open || part.range.is_empty());
        let _ = ends_within(&reply);
    }

    #[test]
    fn an_answer_is_its_own_answer(reply in marked(), starts_within in any::<bool>()) {
        let answer = answer_text(&reply, starts_within);
        // After reasoning these words are an answer; at the start of a reply they are the name of a channel.
        prop_assume!(!answer.starts_with("analysis") && !answer.starts_with("commentary"));
        prop_assert_eq!(answer_text(answer, false), answer);
    }

    #[test]
    fn reasoning_before_an_answer_changes_nothing(thought in "[^<\\[◁＜⟨〈【]{0,30}", answer in "[a-z0-9]([a-z0-9 .,]{0,20}[a-z0-9])?") {
        prop_assume!(!answer.contains("assistant") && !thought.contains("assistant"));
        for (open, close) in [("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("", "</think>"), ("<|channel>thought\n", "<channel|>")] {
            let reply = format!("{open}{thought}{close}\n{answer}");
            prop_assert_eq!(answer_text(&reply, false), answer.as_str(), "{}", reply);
            prop_assert_eq!(answer_text(&reply, true), answer.as_str(), "{}", reply);
        }
    }

    #[test]
    fn a_text_without_brackets_is_left_alone(reply in "[^<\\[◁＜⟨〈【]{0,60}") {
        prop_assume!(!reply.contains("assistant") && !reply.trim_start().starts_with("analysis"));
        prop_assert_eq!(answer_text(&reply, false), reply.as_str());
    }
}
