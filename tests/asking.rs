//! `plimsoll run` on plans that ask models: from made-up questions, or real ones, to thresholds.

pub(crate) mod bench;
mod changes;
mod hosted;
mod interruption;
mod masses_and_servers;
mod plans;
mod pocket;
mod pools;
mod real;
mod replayed;
mod servers;
mod whole;
