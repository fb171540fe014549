//! Variables that a user sets for a chat template.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use plimsoll_core::canonical::{canonical_sha256, hex};
use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::chat::{
    Chat, ChatTemplate, Data, Moment, SpecialTokenTexts, TemplateVariables, VariableError,
};
use serde_json::{Value, json};

/// The tail of a template whose model can be told not to reason, as the families with a switch write it.
const SWITCH: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}\
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}";

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::from_source(source, SpecialTokenTexts::default()).unwrap()
}

fn chat() -> Chat {
    let messages = [Message { role: Role::User, text: "Hello".to_owned() }];
    Chat::new(&messages, Moment::date(2025, 1, 1).unwrap())
}

fn variables(pairs: &[(&str, Value)]) -> Result<TemplateVariables, VariableError> {
    TemplateVariables::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
}

fn rendered(source: &str, pairs: &[(&str, Value)]) -> String {
    let given = template(source).with_variables(variables(pairs).unwrap()).unwrap();
    given.render(&chat()).unwrap()
}

#[test]
fn a_switch_is_turned_by_its_variable() {
    let plain = rendered(SWITCH, &[]);
    assert_eq!(plain, "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    assert_eq!(rendered(SWITCH, &[("enable_thinking", json!(true))]), plain);
    let off = rendered(SWITCH, &[("enable_thinking", json!(false))]);
    assert_eq!(off, plain + "<think>\n\n</think>\n\n");
}

#[test]
fn values_of_every_shape_reach_the_template_as_python_has_them() {
    let shown = |value: Value| rendered("{{ x }}|{{ x is none }}|{{ x | tojson }}", &[("x", value)]);
    assert_eq!(shown(json!("low")), "low|False|\"low\"");
    assert_eq!(shown(json!(3)), "3|False|3");
    assert_eq!(shown(json!(-7)), "-7|False|-7");
    assert_eq!(shown(json!(0.5)), "0.5|False|0.5");
    assert_eq!(shown(json!(u64::MAX)), "18446744073709551615|False|18446744073709551615");
    assert_eq!(shown(json!(true)), "True|False|true");
    assert_eq!(shown(Value::Null), "None|True|null");
    assert_eq!(shown(json!(["a", 1, null])), "['a', 1, None]|False|[\"a\", 1, null]");
    // A text is a text, whatever stands in it.
    assert_eq!(rendered("{{ x }}", &[("x", json!("{{ 1 + 1 }}"))]), "{{ 1 + 1 }}");
}

#[test]
fn what_a_chat_sets_itself_goes_first() {
    let given = template("{{ x }}").with_variables(variables(&[("x", json!(1))]).unwrap()).unwrap();
    let own = Chat { variables: vec![("x".to_owned(), Data::from(2))], ..chat() };
    assert_eq!((given.render(&chat()).unwrap().as_str(), given.render(&own).unwrap().as_str()), ("1", "2"));
}

#[test]
fn the_hash_is_of_the_source_and_with_variables_of_both() {
    let (plain, hash) = (template(SWITCH), |given: &ChatTemplate| hex(&given.sha256()));
    let source = hash(&plain);
    let none = plain.clone().with_variables(TemplateVariables::default()).unwrap();
    assert_eq!(hash(&none), source, "a file without variables keeps its hash");
    let with = |value: Value| {
        hash(&plain.clone().with_variables(variables(&[("enable_thinking", value)]).unwrap()).unwrap())
    };
    let off = with(json!(false));
    let documented =
        json!({"chat_template_sha256": source, "template_variables": {"enable_thinking": false}});
    assert_eq!(off, canonical_sha256(&documented));
    let all = [source, off, with(json!(true)), with(json!("false")), with(json!(0)), with(Value::Null)];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[index + 1..].contains(one), "{index}");
    }
}

#[test]
fn a_template_tells_which_variables_it_reads() {
    let reads = |source: &str| template(source).reads().into_iter().collect::<Vec<_>>();
    assert_eq!(reads(SWITCH), ["enable_thinking"]);
    assert_eq!(
        reads("{{ messages }}{{ bos_token }}{{ strftime_now('%d') }}{{ tools }}"),
        Vec::<String>::new()
    );
    // Set only where it is not there yet, as many families do.
    let default = "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}{{ reasoning_effort }}";
    assert_eq!(reads(default), ["reasoning_effort"]);
    assert_eq!(reads("{% macro a(x) %}{{ x }}{{ y }}{% endmacro %}{{ a(z ~ 'b') }}"), ["y", "z"]);
    assert_eq!(reads("{% set ns = namespace(q=1) %}{% set ns.q = w %}{{ ns.q }}"), ["w"]);
    assert_eq!(reads("{% for a in range(3) %}{{ loop.index }}{{ a }}{% endfor %}"), Vec::<String>::new());
    assert_eq!(ChatTemplate::plain().reads().len(), 0);
}

#[test]
fn a_variable_that_no_template_reads_is_named() {
    let refused = |source: &str, name: &str| {
        let given = template(source).with_variables(variables(&[(name, json!(false))]).unwrap());
        given.unwrap_err().to_string()
    };
    // Slips of the pen, another family's name, and one that the template sets itself.
    assert_eq!(
        refused(SWITCH, "enable_thinkng"),
        "the chat template does not read `enable_thinkng`; it reads enable_thinking"
    );
    assert!(refused(SWITCH, "Enable_Thinking").contains("does not read `Enable_Thinking`"));
    assert!(refused(SWITCH, "thinking").contains("it reads enable_thinking"));
    assert!(refused("{% set x = 1 %}{{ x }}", "x").ends_with("it reads none"));
    assert!(
        refused("{# enable_thinking #}{{ 'enable_thinking' }}", "enable_thinking").ends_with("it reads none")
    );
    let plain = ChatTemplate::plain().with_variables(variables(&[("x", json!(1))]).unwrap());
    assert_eq!(plain.unwrap_err(), VariableError::NoTemplate { name: "x".to_owned() });
    assert!(ChatTemplate::plain().with_variables(TemplateVariables::default()).is_ok());
}

#[test]
fn names_that_mean_something_already_are_refused_with_a_reason() {
    for (name, reason) in [
        ("messages", "it holds the messages of the prompt"),
        ("add_generation_prompt", "it is always true"),
        ("continue_final_message", "it is always false"),
        ("tools", "it stays empty"),
        ("documents", "it stays empty"),
        ("chat_template", "it is the template itself"),
        ("bos_token", "it is a token of the model's own tokenizer"),
        ("eos_token", "it is a token of the model's own tokenizer"),
        ("pad_token", "it is a token of the model's own tokenizer"),
        ("strftime_now", "it is a function of templates"),
        ("raise_exception", "it is a function of templates"),
        ("namespace", "it is a function of templates"),
    ] {
        let refused = variables(&[(name, json!(1))]).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("`{name}` cannot be set: {reason}")), "{refused}");
    }
}

#[test]
fn names_and_values_that_are_none_are_refused() {
    for name in [
        "",
        " ",
        "1x",
        "a-b",
        "a.b",
        "ä",
        "x y",
        "x\n",
        "strftime now",
        &"x".repeat(65),
        "{{x}}",
        "\u{202e}x",
    ] {
        let refused = variables(&[(name, json!(1))]).unwrap_err();
        assert!(matches!(refused, VariableError::Name { .. }), "{name}: {refused}");
        assert!(!refused.to_string().contains(['\n', '\u{202e}']), "{refused}");
    }
    for value in [json!({}), json!({"a": 1}), json!([[1]]), json!([{"a": 1}]), json!(["a", []])] {
        let refused = variables(&[("x", value)]).unwrap_err();
        assert_eq!(refused, VariableError::Shape { name: "x".to_owned() });
    }
    assert!(variables(&[("_x1", json!([]))]).is_ok());
    let many = (0..65).map(|index| (format!("x{index}"), json!(1)));
    assert_eq!(TemplateVariables::new(many).unwrap_err(), VariableError::TooMany);
    let long = TemplateVariables::new([("x".to_owned(), json!("y".repeat(70_000)))]);
    assert_eq!(long.unwrap_err(), VariableError::TooMany);
}
