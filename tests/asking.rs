//! `plimsoll run` and `work` on pipelines that ask models: from synthetic questions, or real ones, to thresholds.

pub(crate) mod bench;
mod changes;
mod hosted;
mod interruption;
mod masses_and_servers;
mod pipelines;
mod pocket;
mod pools;
mod real;
mod replayed;
mod servers;
mod whole;
mod workers;
