//! The command line of Plimsoll: arguments in, text or JSON out. The work is in `plimsoll-pipeline`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`arguments`] | the command line as typed, and what several commands share |
//! | [`commands`] | one file per command: its arguments, its help, its calls |
//! | [`views`], [`text_table`] | results as text |
//! | [`console`], [`progress`] | the terminal, and a run's progress on it |
//! | [`mod@exit_code`], [`crash`] | how the program ends |

mod arguments;
mod commands;
mod console;
mod crash;
mod exit_code;
mod progress;
mod text_table;
mod views;

use std::process::ExitCode;

use clap::Parser as _;
use plimsoll_pipeline::Failure;

use crate::arguments::Arguments;
use crate::console::Console;
use crate::exit_code::exit_code;

fn main() -> ExitCode {
    crash::silence_panics();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do if the help cannot be shown.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let console = Console::new(arguments.global.json, arguments.global.quiet);
    match crash::guarded(|| run(arguments, &console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(exit_code(failure.kind()))
        }
    }
}

fn run(arguments: Arguments, console: &Console) -> Result<(), Failure> {
    arguments.global.start()?;
    commands::run(arguments.command, console)
}
