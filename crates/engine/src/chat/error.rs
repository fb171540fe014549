//! Why a chat could not be written as one text.

use std::io;
use std::path::PathBuf;

/// What went wrong with a chat template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The template cannot be compiled.
    #[error("the chat template cannot be compiled")]
    Syntax {
        /// Where, and why.
        #[source]
        source: minijinja::Error,
    },
    /// The template is longer than any known one by far.
    #[error("the chat template has {bytes} bytes, more than the {max} allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The template refuses these messages by `raise_exception`.
    #[error("the chat template refuses the messages: {message}")]
    Raised {
        /// What it says, at most [`MAX_MESSAGE_CHARS`](super::MAX_MESSAGE_CHARS) characters.
        message: String,
    },
    /// The template fails on these messages.
    #[error("the chat template fails on the messages")]
    Render {
        /// Where, and why.
        #[source]
        source: minijinja::Error,
    },
    /// The template does more work, or makes more data, than any honest one.
    #[error("the chat template was stopped after {fuel} steps of work: it loops, or builds too much data")]
    TooMuchWork {
        /// The fuel it was given.
        fuel: u64,
    },
    /// The text is too long.
    #[error("the chat template writes more than {max} bytes")]
    TooMuchText {
        /// The limit.
        max: usize,
    },
    /// The template did not end within the wall limit; its thread was left behind.
    #[error("the chat template did not end within {seconds} s")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// The thread that renders could not be started, or died.
    #[error("the thread that renders the chat template {what}")]
    Thread {
        /// What became of it.
        what: &'static str,
    },
    /// There is nothing to render.
    #[error("the chat has no message")]
    NoMessages,
    /// A message that is no map.
    #[error("message {index} of the chat is no map")]
    MessageShape {
        /// Its number, from 0.
        index: usize,
    },
    /// A message that the plain form cannot write.
    #[error("message {index} of the chat has no text in `{key}`, which the plain form needs")]
    PlainMessage {
        /// Its number, from 0.
        index: usize,
        /// The key.
        key: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file is too large.
    #[error("`{}` is larger than {max} bytes", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// A folder has too many templates.
    #[error("`{}` holds more than {max} chat templates", path.display())]
    TooManyTemplates {
        /// The folder.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// A file is no JSON.
    #[error("`{}` is not valid JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        #[source]
        source: serde_json::Error,
    },
    /// A file is JSON of another shape.
    #[error("`{key}` in `{}` is not {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// Several templates, and none of them is the default.
    #[error("the model has chat templates named {}, and none named `default`", names.join(", "))]
    NoDefault {
        /// Their names.
        names: Vec<String>,
    },
}
