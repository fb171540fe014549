//! The command line of Plimsoll: reads the plan, runs the stages, writes what they give.
//!
//! | module | what it holds |
//! |---|---|
//! | [`arguments`] | the command line as typed, and what several commands share |
//! | [`commands`] | one file per command: its arguments, its help, its work |
//! | [`pipeline`] | the plan file: YAML to a validated plan |
//! | [`stages`] | what a run does, one file a stage |
//! | [`backend`], [`models`], [`compute`] | models of a plan, and where they are computed |
//! | [`folder`] | an output folder with its lock and its manifest |
//! | [`score_files`], [`questions`], [`small_file`] | files in |
//! | [`console`], [`progress`], [`text_table`] | what people see |
//! | [`failure`], [`crash`] | what goes wrong, and the exit code that it becomes |

mod arguments;
mod backend;
mod commands;
mod compute;
mod console;
mod crash;
mod failure;
mod folder;
mod models;
mod pipeline;
mod progress;
mod questions;
mod score_files;
mod small_file;
mod stages;
mod text_table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;
use crate::console::Console;
use crate::failure::Failure;

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
    let console = Console::new(&arguments.global);
    match crash::guarded(|| run(arguments, &console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.kind().exit_code())
        }
    }
}

fn run(arguments: Arguments, console: &Console) -> Result<(), Failure> {
    arguments.global.start()?;
    commands::run(arguments.command, console)
}
