//! Spans of tokens as servers list them.

use proptest::prelude::*;

use super::*;

fn spans(text: &str, pieces: &[&[u8]]) -> Option<Vec<(u32, u32)>> {
    let pieces: Vec<ListedToken> =
        pieces.iter().map(|bytes| ListedToken { bytes: bytes.to_vec(), ..ListedToken::default() }).collect();
    let tokens = align(text, &pieces).ok()?;
    Some(tokens.iter().map(|token| (token.start, token.end)).collect())
}

#[test]
fn spans_of_texts_as_servers_give_them() {
    type Case<'a> = (&'a str, &'a [&'a [u8]], Option<&'a [(u32, u32)]>);
    let cases: &[Case<'_>] = &[
        ("a b", &[b"a", b" b"], Some(&[(0, 1), (1, 3)])),
        // A stop token after the text, and one that is both.
        ("a b", &[b"a", b" b", b"</s>"], Some(&[(0, 1), (1, 3), (3, 3)])),
        ("a", &[b"a\n\n"], Some(&[(0, 1)])),
        // White space that the server took off.
        ("a", &[b" ", b" a"], Some(&[(0, 0), (0, 1)])),
        (" a", &[b" a"], Some(&[(0, 2)])),
        // A character of two tokens, and half a character.
        ("\u{e9}!", &[b"\xc3", b"\xa9", b"!"], Some(&[(0, 1), (1, 2), (2, 3)])),
        ("x\u{fffd}", &[b"x", b"\xe2\x82"], Some(&[(0, 1), (1, 4)])),
        // Special tokens within, that the text leaves out; but not if they are text.
        (
            "a\n b",
            &[b"<|h|>", b"a", b"<|/h|>", b"\n b", b"<eos>"],
            Some(&[(0, 0), (0, 1), (1, 1), (1, 4), (4, 4)]),
        ),
        ("a<b>", &[b"a", b"<b>"], Some(&[(0, 1), (1, 4)])),
        ("", &[b"<eos>"], Some(&[(0, 0)])),
        ("", &[], Some(&[])),
        ("a", &[], None),
        ("a b", &[b"a", b"b"], None),
        ("", &[&[b'x'; 65]], None),
    ];
    for (text, pieces, expected) in cases {
        assert_eq!(spans(text, pieces).as_deref(), *expected, "{text:?} {pieces:?}");
    }
}

#[test]
fn what_is_no_log_probability_is_refused() {
    let with =
        |logprob| align("a", &[ListedToken { id: None, bytes: b"a".to_vec(), logprob: Some(logprob) }]);
    for logprob in [0.0, -0.5, 1e-7, -9999.0, -1e300] {
        assert!(with(logprob).unwrap()[0].logprob.unwrap().is_finite(), "{logprob}");
    }
    for logprob in [0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(with(logprob), Err(MissingSignal::InvalidLogprobs), "{logprob}");
    }
}

/// Texts, and pieces of them as a server may list them: cut anywhere, parts of characters shown as U+FFFD, spelled as a
/// vocabulary does, with reasoning before and a stop token after.
fn listed() -> impl Strategy<Value = (String, Vec<ListedToken>)> {
    let text = "[a-c \u{e9}\u{4e2d}\u{1fad9}]{1,12}";
    (text, prop::collection::vec(0usize..48, 0..6), any::<[bool; 3]>()).prop_map(|(text, cuts, how)| {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let shown = |pair: &[usize]| {
            let bytes = &text.as_bytes()[pair[0]..pair[1]];
            if how[0] { String::from_utf8_lossy(bytes).into_owned().into_bytes() } else { bytes.to_vec() }
        };
        let mut bytes: Vec<Vec<u8>> = cuts.windows(2).map(shown).collect();
        if how[1] {
            bytes.splice(0..0, [b"<think>".to_vec(), b"hm".to_vec(), b"</think>".to_vec()]);
        }
        if how[2] {
            bytes.push(b"<eos>".to_vec());
        }
        let piece = |bytes| ListedToken { bytes, ..ListedToken::default() };
        (text.clone(), bytes.into_iter().map(piece).collect())
    })
}

proptest! {
    #[test]
    fn spans_never_overlap_and_fill_the_text_wherever_tokens_are_found((text, pieces) in listed()) {
        if let Ok(tokens) = align(&text, &pieces) {
            prop_assert_eq!(tokens.len(), pieces.len());
            prop_assert!(tokens.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!(tokens.last().map(|token| token.end as usize), Some(text.len()));
        }
    }

    #[test]
    fn tokens_with_all_their_bytes_are_found((text, pieces) in listed()) {
        // White space at its ends is what a text may have lost, and U+FFFD may stand for too many bytes.
        let is_whole = !pieces.iter().any(|piece| String::from_utf8_lossy(&piece.bytes).contains('\u{fffd}'));
        prop_assume!(is_whole && text.trim() == text);
        prop_assert!(align(&text, &pieces).is_ok(), "{:?} {:?}", text, pieces);
    }

    #[test]
    fn any_cut_of_a_text_fills_it_without_gaps(text in "\\PC{0,40}", cuts in prop::collection::vec(0usize..80, 0..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<ListedToken> = cuts
            .windows(2)
            .map(|pair| ListedToken { bytes: text.as_bytes()[pair[0]..pair[1]].to_vec(), ..ListedToken::default() })
            .collect();
        let tokens = align(&text, &pieces).unwrap();
        prop_assert_eq!(tokens.last().map_or(0, |token| token.end) as usize, text.len());
        prop_assert!(tokens.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn any_bytes_are_aligned_or_refused(text in "\\PC{0,10}", pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6)) {
        let pieces: Vec<ListedToken> = pieces.into_iter().map(|bytes| ListedToken { bytes, ..ListedToken::default() }).collect();
        if let Ok(tokens) = align(&text, &pieces) {
            prop_assert!(tokens.iter().all(|token| token.start <= token.end && token.end as usize <= text.len()));
        }
    }
}

#[test]
fn a_text_that_is_the_end_of_its_tokens() {
    let reasoned: [&[u8]; 7] = [b"<think>", b"\n", b"9 + 9", b"</think>", b"\n\n", b"42", b"<|im_end|>"];
    let empty = [(0, 0); 5];
    let with = |last: &[(u32, u32)]| Some([&empty[..], last].concat());
    assert_eq!(spans("42", &reasoned), with(&[(0, 2), (2, 2)]));
    // White space within the token, or after the text, that the server took off.
    for (text, pieces, expected) in [
        ("42", &[&b"so"[..], b"</think>", b"\n\n42"][..], Some(vec![(0, 0), (0, 0), (0, 2)])),
        (
            "4 2",
            &[b"so", b"</think>", b"4", b" 2", b"\n", b"<eos>"],
            Some(vec![(0, 0), (0, 0), (0, 1), (1, 3), (3, 3), (3, 3)]),
        ),
        // Harmony: the marks of its channels, and the text after the last.
        (
            "18",
            &[
                b"<|channel|>",
                b"analysis",
                b"<|message|>",
                b"18?",
                b"<|end|>",
                b"<|channel|>",
                b"final",
                b"<|message|>",
                b"18",
                b"<|return|>",
            ],
            Some([vec![(0, 0); 8], vec![(0, 2), (2, 2)]].concat()),
        ),
        // The end of a word is no answer's beginning; what follows is more than a stop token.
        ("42", &[b"think", b"142"], None),
        ("42", &[b"think", b"42", &[b'x'; 65]], None),
    ] {
        assert_eq!(spans(text, pieces), expected, "{text:?} {pieces:?}");
    }
}

#[test]
fn parts_of_characters_that_are_shown_as_replacements() {
    const MARK: &[u8] = "\u{fffd}".as_bytes();
    let jar = "\u{1fad9} 42 jars";
    assert_eq!(
        spans(jar, &[MARK, MARK, MARK, b" 42", b" jars"]),
        Some(vec![(0, 1), (1, 2), (2, 4), (4, 7), (7, 12)])
    );
    for (text, pieces, expected) in [
        // A mark after known bytes in one piece, and two characters of two marks each.
        (
            "a \u{e9}!",
            &[&b"a"[..], b" \xef\xbf\xbd", MARK, b"!"][..],
            Some(vec![(0, 1), (1, 3), (3, 4), (4, 5)]),
        ),
        ("\u{4e2d}\u{6587}x", &[MARK, MARK, b"x", b"</s>"], Some(vec![(0, 3), (3, 6), (6, 7), (7, 7)])),
        // The text itself holds one, and is cut within a character.
        ("\u{fffd}b", &[MARK, b"b"], Some(vec![(0, 3), (3, 4)])),
        ("a\u{fffd}", &[b"a", MARK], Some(vec![(0, 1), (1, 4)])),
        // White space lost at the start.
        ("x \u{e9}", &[b" x", b" \xef\xbf\xbd", MARK], Some(vec![(0, 1), (1, 3), (3, 4)])),
        // A mark is no ASCII character, no nothing, and no two characters.
        ("a b", &[b"a", MARK, b"b"], None),
        ("ab", &[b"a", MARK, b"b"], None),
        ("\u{e9}\u{e9}x", &[MARK, b"x"], None),
    ] {
        assert_eq!(spans(text, pieces), expected, "{text:?} {pieces:?}");
    }
    // Many marks end without a guess or with one, and soon.
    let many = vec![MARK; 4000];
    let text = "\u{1fad9}".repeat(2000);
    assert_eq!(spans(&text, &many), None);
}

#[test]
fn tokens_as_vocabularies_spell_them() {
    for (text, pieces, expected) in [
        ("Hi there", &["Hi", "\u{120}there"][..], Some(vec![(0, 2), (2, 8)])),
        ("Hi there", &["\u{2581}Hi", "\u{2581}there", "</s>"], Some(vec![(0, 2), (2, 8), (8, 8)])),
        ("a\n\nb", &["a", "\u{10a}\u{10a}", "b", "<|im_end|>"], Some(vec![(0, 1), (1, 3), (3, 4), (4, 4)])),
        // A character of two bytes, in the alphabet and as bytes.
        ("\u{e9} x", &["\u{c3}", "\u{a9}", "\u{120}x"], Some(vec![(0, 1), (1, 2), (2, 4)])),
        ("\u{e9} x", &["<0xC3>", "<0xA9>", "\u{2581}x"], Some(vec![(0, 1), (1, 2), (2, 4)])),
        // Where the plain spelling joins, it is the text's own.
        ("\u{120}x", &["\u{120}x"], Some(vec![(0, 3)])),
        ("a_b", &["a", "\u{2581}b"], None),
    ] {
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        assert_eq!(spans(text, &pieces), expected, "{text:?} {pieces:?}");
    }
}
