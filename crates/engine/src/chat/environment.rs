//! The Jinja environment that `transformers` gives to templates.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use super::arguments;
use super::error::ChatError;
use super::filters;
use super::json::{self, JsonStyle};
use super::limits::{FUEL, RECURSION};
use super::methods;
use super::moment::Moment;
use super::printed;

/// The name under which the template shows in errors.
pub(super) const NAME: &str = "chat template";

/// The variable of the context that holds the moment. No template can name it.
pub(super) const MOMENT: &str = "strftime now";

/// Maximum number of characters of a template's `raise_exception` message that are kept.
pub const MAX_MESSAGE_CHARS: usize = 2000;

/// The message of `raise_exception`, as the cause of minijinja's error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Raised(pub(super) String);

/// An environment that holds the template under [`NAME`].
pub(super) fn environment(source: String) -> Result<Environment<'static>, ChatError> {
    let syntax = |source| ChatError::Syntax { source };
    let mut environment = Environment::new();
    let config = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(syntax)?;
    environment.set_syntax(config);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_debug(false);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    environment.set_unknown_method_callback(methods::call);
    filters::add(&mut environment);
    environment.add_filter("tojson", tojson);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_template_owned(NAME, source).map_err(syntax)?;
    Ok(environment)
}

fn raise_exception(state: &State<'_, '_>, message: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let message = match message {
        Some(message) => message,
        None => named.get::<Value>("message")?,
    };
    named.assert_all_used()?;
    let message = printed::text(state, &message)?.chars().take(MAX_MESSAGE_CHARS).collect();
    Err(Error::new(ErrorKind::InvalidOperation, "raise_exception").with_source(Raised(message)))
}

fn strftime_now(state: &State<'_, '_>, format: &str) -> Result<String, Error> {
    let moment = state.lookup(MOMENT);
    let moment = moment.as_ref().and_then(|value| value.downcast_object_ref::<Moment>());
    let Some(moment) = moment else {
        return Err(Error::new(ErrorKind::InvalidOperation, "there is no moment to write"));
    };
    moment.format(format).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    ensure_ascii: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    let style = style(state, ensure_ascii, &named)?;
    json::dumps(state, value, &style).map(Value::from)
}

fn style(state: &State<'_, '_>, ensure_ascii: Option<Value>, named: &Kwargs) -> Result<JsonStyle, Error> {
    let ensure_ascii = arguments::flag(ensure_ascii, named, "ensure_ascii")?;
    let indent = match arguments::optional(None, named, "indent")? {
        Some(value) => Some(indent(state, &value)?),
        None => None,
    };
    let (item_separator, key_separator) = match arguments::optional(None, named, "separators")? {
        Some(pair) => read_separators(&pair)?,
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let sort_keys = arguments::flag(None, named, "sort_keys")?;
    named.assert_all_used()?;
    Ok(JsonStyle { ensure_ascii, indent, item_separator, key_separator, sort_keys })
}

/// A number of spaces, or the text itself.
fn indent(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => methods::spaces(state, value),
    }
}

fn read_separators(pair: &Value) -> Result<(String, String), Error> {
    let parts: Vec<Value> = pair.try_iter()?.collect();
    match parts.as_slice() {
        [item, key] if item.as_str().is_some() && key.as_str().is_some() => {
            Ok((item.to_string(), key.to_string()))
        }
        _ => Err(Error::new(ErrorKind::InvalidOperation, "separators must be two strings")),
    }
}
