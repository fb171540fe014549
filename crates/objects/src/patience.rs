//! What is tried again, how often, and for how long.

use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::time::Duration;

use object_store::Error as StoreError;

use crate::error::io_kind;

/// How long a store is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often an operation is tried.
    pub attempts: u32,
    /// The pause after the first attempt; each further one is twice as long, and all are shortened at random, so that
    /// workers that failed together do not come back together.
    pub pause: Duration,
    /// How long one attempt may take, with the whole body.
    pub limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 7, pause: Duration::from_millis(250), limit: Duration::from_mins(2) }
    }
}

/// An operation that did not succeed.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) attempts: u32,
    pub(crate) error: StoreError,
}

impl Patience {
    /// Tries until it succeeds, fails for a reason that stays, or was tried often enough.
    pub(crate) async fn try_often<T, F>(self, mut attempt: impl FnMut() -> F) -> Result<T, GivenUp>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut attempts = 1;
        loop {
            let result = tokio::time::timeout(self.limit, attempt()).await;
            let error = match result {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => hung(self.limit),
            };
            if attempts >= self.attempts || !may_pass(&error) {
                return Err(GivenUp { attempts, error });
            }
            let pause = self.pause.saturating_mul(1 << (attempts - 1).min(10));
            tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * chance())).await;
            attempts += 1;
        }
    }
}

fn hung(limit: Duration) -> StoreError {
    let text = format!("no answer within {limit:?}");
    StoreError::Generic { store: "store", source: io::Error::new(io::ErrorKind::TimedOut, text).into() }
}

/// Whether the same may succeed a little later. What a store says of an object, or of who asks, stays.
fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Generic { .. } | StoreError::JoinError { .. } => match io_kind(error) {
            None => true,
            Some(kind) => matches!(
                kind,
                io::ErrorKind::TimedOut
                    | io::ErrorKind::Interrupted
                    | io::ErrorKind::WouldBlock
                    | io::ErrorKind::ResourceBusy
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::StaleNetworkFileHandle
            ),
        },
        _ => false,
    }
}

/// Bits that differ from process to process and from call to call. Nothing that a run writes depends on them.
pub(crate) fn chance_bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A number in [0, 1).
fn chance() -> f64 {
    (chance_bits() >> 11) as f64 / (1_u64 << 53) as f64
}
