//! The command line of Plimsoll: arguments in, text or JSON out. The work is in `plimsoll-pipeline`.
//!
//! [`main`] is the program. [`call`] runs a command for a program that this is part of, the Python package: the same
//! arguments, the same results to the last bit, but no terminal.
//!
//! | module | what it holds |
//! |---|---|
//! | `arguments` | the command line as typed, and what several commands share |
//! | `commands` | one file per command: its arguments, its help, its calls |
//! | `views`, `text_table` | results as text |
//! | `console`, `progress` | the terminal, and a run's progress on it |
//! | `call` | a command without a terminal |
//! | `exit_code`, `crash` | how the program ends |

mod arguments;
mod call;
mod commands;
mod console;
mod crash;
mod exit_code;
mod progress;
mod text_table;
mod views;

use std::ffi::OsString;

use clap::Parser as _;
use plimsoll_pipeline::{Failure, FailureKind};

use crate::arguments::Arguments;
use crate::console::Console;

pub use crate::call::{Call, CallResult};
pub use crate::exit_code::exit_code;

/// Runs the program with these arguments, the first of which is its name, and gives its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    crash::silence_panics();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do if the help cannot be shown.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let console = Console::new(arguments.global.json, arguments.global.quiet);
    match crash::guarded(|| run(arguments, &console)) {
        Ok(()) => 0,
        Err(failure) => {
            console.failure(&failure);
            exit_code(failure.kind())
        }
    }
}

/// Runs a command. `arguments` are those after the program's name; the threads are the program's own.
pub fn call(arguments: impl IntoIterator<Item = OsString>, call: Call) -> CallResult {
    crash::silence_panics();
    let arguments = std::iter::once(OsString::from("plimsoll")).chain(arguments);
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let message = error.render().to_string();
            let message = message.trim_start_matches("error: ").trim_end().to_owned();
            return CallResult { document: None, result: Err(Failure::new(FailureKind::Usage, message)) };
        }
    };
    let console = Console::for_call(call);
    let result = crash::guarded(|| commands::run(arguments.command, &console));
    CallResult { document: console.into_document(), result }
}

fn run(arguments: Arguments, console: &Console) -> Result<(), Failure> {
    arguments.global.start()?;
    commands::run(arguments.command, console)
}
