//! # plimsoll-objects
//!
//! Objects by name in a store: a folder, or a bucket (`s3://`, `gs://`, `az://`, with the feature `cloud`). What a caller
//! sees is blocking; the runtime beneath it is a detail. Every operation has a time limit and is repeated if the store
//! was busy, and an error says what failed, where, and what to do.
//!
//! One guarantee is all that the callers need of a store: [`Objects::create`] writes an object iff there is none of that
//! name, and of several that race exactly one wins.
//!
//! ```
//! use plimsoll_objects::Objects;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = folder.path().join("store").display().to_string();
//! let objects = Objects::open(&url)?;
//! assert!(objects.create("answers/1.json", b"{}".to_vec())?);
//! assert!(!objects.create("answers/1.json", b"[]".to_vec())?);
//! assert_eq!(objects.read("answers/1.json", 1024)?.as_deref(), Some(&b"{}"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`objects`] | the store, and reading, writing and listing its objects |
//! | [`address`] | URLs of stores |
//! | [`lease`] | work that one process at a time should do |
//! | [`patience`] | what is tried again, how often, and for how long |
//! | [`error`] | what goes wrong |
//! | `testing` | stores that fail on purpose (feature `testing`) |

pub mod address;
#[cfg(feature = "cloud")]
mod cloud;
pub mod error;
pub mod lease;
pub mod objects;
pub mod patience;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::ObjectError;
pub use lease::{Lease, Leases};
pub use objects::Objects;
pub use patience::Patience;
