//! # plimsoll-files
//!
//! What crates that write or read files share, without a word about what is in them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`atomic`] | files that are there whole or not at all |
//! | [`hash`] | SHA-256 of files |
//! | [`marked`] | text files whose records must end |
//! | [`error`] | what the file system refuses, with the path |

pub mod atomic;
pub mod error;
pub mod hash;
pub mod marked;

pub use atomic::{AtomicFile, write_atomic};
pub use error::FileError;
pub use hash::{ContentHash, sha256_file};
pub use marked::{Marked, Meter};
