//! Paying fuel for work before it is done.

use minijinja::{Error, State};

/// Fuel for this many items or bytes, before they exist.
pub(super) fn pay(state: &State<'_, '_>, count: usize) -> Result<(), Error> {
    state.consume_fuel(count as u64 / BYTES_PER_FUEL)
}

/// Bytes that minijinja counts for one unit of fuel.
const BYTES_PER_FUEL: u64 = 64;
