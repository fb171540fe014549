//! The largest numbers that a plan or a command line may ask for: beyond them it is surely a slip.

/// Bins of a draw.
pub(crate) const MOST_BINS: u32 = 10_000;
/// Bootstrap replicates.
pub(crate) const MOST_BOOTSTRAP: u32 = 100_000;
/// Repeats of a transfer.
pub(crate) const MOST_REPEATS: u32 = 1_000;
/// Targets of a fit.
pub(crate) const MOST_TARGETS: usize = 1_000;
/// Seeds: 2^53, the largest number up to which every JSON reader keeps each integer.
pub(crate) const MOST_SEED: u64 = 1 << 53;
/// Characters of a name that becomes a file's.
pub(crate) const MOST_NAME: usize = 128;
/// Questions of a chunk.
pub(crate) const MOST_CHUNK: usize = 100_000;
/// Exemplars before a question.
pub(crate) const MOST_FEW_SHOT: usize = 100;
/// Sequences at once.
pub(crate) const MOST_SEQUENCES: usize = 4096;
