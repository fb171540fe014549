//! Where templates and special tokens come from, and chats without a template.

#![expect(clippy::unwrap_used, reason = "the tests' own data; a panic is how a test fails")]

use std::fs;
use std::path::Path;

use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::chat::{
    Chat, ChatError, ChatForm, ChatTemplate, Data, Moment, SpecialTokenTexts, Templates,
};

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn message(role: Role, text: &str) -> Message {
    Message { role, text: text.to_owned() }
}

fn day() -> Moment {
    Moment::date(2025, 2, 6).unwrap()
}

#[test]
fn a_file_of_its_own_goes_before_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let read = || Templates::from_folder(folder.path()).unwrap();
    assert!(read().is_empty());
    assert_eq!(read().choose(true).unwrap(), None);
    write(folder.path(), "chat_template.json", r#"{"chat_template": "of chat_template.json"}"#);
    assert_eq!(read().choose(false).unwrap(), Some("of chat_template.json"));
    write(folder.path(), "tokenizer_config.json", r#"{"chat_template": "of the config"}"#);
    assert_eq!(read(), Templates::single("of the config"));
    write(folder.path(), "chat_template.jinja", "of the file");
    assert_eq!(read(), Templates::single("of the file"));
    write(folder.path(), "additional_chat_templates/tool_use.jinja", "with tools");
    write(folder.path(), "additional_chat_templates/notes.txt", "no template");
    assert_eq!(read().names().collect::<Vec<_>>(), ["default", "tool_use"]);
    assert_eq!(read().choose(true).unwrap(), Some("with tools"));
    assert_eq!(read().choose(false).unwrap(), Some("of the file"));
}

#[test]
fn named_templates_need_a_default() {
    let folder = tempfile::tempdir().unwrap();
    let list =
        r#"{"chat_template": [{"name": "rag", "template": "R"}, {"name": "tool_use", "template": "T"}]}"#;
    write(folder.path(), "tokenizer_config.json", list);
    let templates = Templates::from_folder(folder.path()).unwrap();
    assert_eq!(templates.choose(true).unwrap(), Some("T"));
    let error = templates.choose(false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model has chat templates named rag, tool_use, and none named `default`"
    );
    let gguf = Templates::named([("default".to_owned(), "D".to_owned()), ("rag".to_owned(), "R".to_owned())]);
    assert_eq!(gguf.choose(true).unwrap(), Some("D"));
}

#[test]
fn files_of_another_form_are_errors_that_name_them() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in ["1", "true", "{}", "[1]", r#"[{"name": "a"}]"#, r#"[{"name": 1, "template": "a"}]"#] {
        write(folder.path(), "tokenizer_config.json", &format!(r#"{{"chat_template": {wrong}}}"#));
        let error = Templates::from_folder(folder.path()).unwrap_err();
        assert!(error.to_string().contains("`chat_template` in `"), "{wrong}: {error}");
    }
    for broken in ["", "{", "[", "null", "\u{0}"] {
        write(folder.path(), "tokenizer_config.json", broken);
        assert!(Templates::from_folder(folder.path()).is_err(), "{broken:?}");
        assert!(SpecialTokenTexts::from_folder(folder.path()).is_err(), "{broken:?}");
    }
    let deep = "[".repeat(1_000_000);
    write(folder.path(), "tokenizer_config.json", &deep);
    assert!(matches!(Templates::from_folder(folder.path()), Err(ChatError::Json { .. })));
    fs::write(folder.path().join("chat_template.jinja"), [0xff, 0xfe]).unwrap();
    assert!(matches!(Templates::from_folder(folder.path()), Err(ChatError::Io { .. })));
    fs::remove_file(folder.path().join("chat_template.jinja")).unwrap();
    fs::remove_file(folder.path().join("tokenizer_config.json")).unwrap();
    for number in 0..100 {
        write(folder.path(), &format!("additional_chat_templates/{number}.jinja"), "a");
    }
    assert!(matches!(Templates::from_folder(folder.path()), Err(ChatError::TooManyTemplates { .. })));
}

#[test]
fn special_tokens_are_texts_or_maps() {
    let folder = tempfile::tempdir().unwrap();
    let read = || SpecialTokenTexts::from_folder(folder.path()).unwrap();
    assert_eq!(read(), SpecialTokenTexts::default());
    let config = r#"{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null, "x_token": "x"}"#;
    write(folder.path(), "tokenizer_config.json", config);
    assert_eq!(read().iter().collect::<Vec<_>>(), [("bos_token", "<s>"), ("eos_token", "</s>")]);
    write(
        folder.path(),
        "special_tokens_map.json",
        r#"{"eos_token": "<end>", "unk_token": {"content": "<unk>"}}"#,
    );
    assert_eq!(read().get("eos_token"), Some("<end>"), "of the map, as the config lists no added tokens");
    assert_eq!(read().get("unk_token"), Some("<unk>"));
    write(
        folder.path(),
        "tokenizer_config.json",
        &config.replacen('{', r#"{"added_tokens_decoder": {}, "#, 1),
    );
    assert_eq!(read().get("eos_token"), Some("</s>"));
    for wrong in ["1", "[]", "{}", r#"{"content": 1}"#] {
        write(folder.path(), "tokenizer_config.json", &format!(r#"{{"eos_token": {wrong}}}"#));
        let error = SpecialTokenTexts::from_folder(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("`eos_token` in `"), "{wrong}: {error}");
    }
}

#[test]
fn a_model_without_a_template_gets_the_plain_form_and_says_so() {
    let template = ChatTemplate::new(&Templates::default(), SpecialTokenTexts::default()).unwrap();
    assert_eq!(template.form(), ChatForm::Plain);
    let messages = [
        message(Role::System, "Be brief."),
        message(Role::User, "2 + 2?"),
        message(Role::Assistant, "4"),
        message(Role::User, "3 + 3?"),
    ];
    let mut chat = Chat::new(&messages, day());
    let text = "Be brief.\n\nUser: 2 + 2?\n\nAssistant: 4\n\nUser: 3 + 3?";
    assert_eq!(template.render(&chat).unwrap(), text.to_owned() + "\n\nAssistant:");
    chat.add_generation_prompt = false;
    assert_eq!(template.render(&chat).unwrap(), text);
    chat.messages.push(Data::map([("role", Data::from("user")), ("content", Data::list([]))]));
    let error = template.render(&chat).unwrap_err();
    assert_eq!(
        error.to_string(),
        "message 4 of the chat has no text in `content`, which the plain form needs"
    );
}

#[test]
fn what_is_rendered_is_known_by_its_hash() {
    let plain = ChatTemplate::plain();
    let one = ChatTemplate::new(&Templates::single("a"), SpecialTokenTexts::default()).unwrap();
    assert_eq!(one.form(), ChatForm::Template);
    // The first bytes of what `printf a | sha256sum` gives.
    assert_eq!(one.sha256()[..4], [0xca, 0x97, 0x81, 0x12]);
    assert_ne!(plain.sha256(), one.sha256());
}

#[test]
fn chats_that_are_none_are_errors() {
    let template = ChatTemplate::from_source("{{ messages }}", SpecialTokenTexts::default()).unwrap();
    let mut chat = Chat::new(&[], day());
    assert!(matches!(template.render(&chat), Err(ChatError::NoMessages)));
    chat.messages = vec![Data::from("text")];
    assert!(matches!(template.render(&chat), Err(ChatError::MessageShape { index: 0 })));
}

#[test]
fn variables_go_before_special_tokens_and_now_is_an_argument() {
    let special = SpecialTokenTexts::new([("bos_token", "<s>".to_owned())]);
    let source = "{{ bos_token }} {{ x }} {{ strftime_now('%Y-%m-%d') }}";
    let template = ChatTemplate::from_source(source, special).unwrap();
    let mut chat = Chat::new(&[message(Role::User, "a")], day());
    assert_eq!(template.render(&chat).unwrap(), "<s>  2025-02-06");
    chat.variables = vec![("bos_token".to_owned(), Data::from("B")), ("x".to_owned(), Data::from(7))];
    chat.now = Moment::date(1999, 12, 31).unwrap();
    assert_eq!(template.render(&chat).unwrap(), "B 7 1999-12-31");
}

#[test]
fn one_template_renders_on_many_threads() {
    let template =
        ChatTemplate::from_source("{{ messages[0].content }}", SpecialTokenTexts::default()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let template = &template;
            scope.spawn(move || {
                let chat = Chat::new(&[message(Role::User, &number.to_string())], day());
                for _ in 0..20 {
                    assert_eq!(template.render(&chat).unwrap(), number.to_string());
                }
            });
        }
    });
}
