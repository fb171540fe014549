//! When the next request may be made: after a failure, and in a minute.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plimsoll_http::retry::backoff;

use super::error::RequestError;
use super::network::Network;
use plimsoll_backend::control::Cancel;

/// No own wait is longer.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// Spaces the requests of all threads.
#[derive(Debug)]
pub(super) struct Pace {
    step: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(requests_per_minute: Option<NonZeroU32>) -> Self {
        let step = requests_per_minute.map(|count| Duration::from_mins(1) / count.get());
        Self { step, next: Mutex::new(None) }
    }

    /// Waits for this thread's turn; says whether the run was cancelled meanwhile.
    pub(super) fn wait(&self, cancel: &Cancel) -> bool {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = match self.step {
                Some(step) => Some(turn + step),
                // Without a rate, only a hold that is not over lies in the future.
                None => next.filter(|hold| *hold > Instant::now()),
            };
            turn
        };
        match turn.saturating_duration_since(Instant::now()) {
            Duration::ZERO => cancel.is_cancelled(),
            left => cancel.sleep(left),
        }
    }

    /// Lets no thread begin a request before so long: a server that is busy is busy for all.
    pub(super) fn hold(&self, wait: Duration) {
        let end = Instant::now() + wait;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(end, |next| next.max(end)));
    }
}

/// How long to wait after `failures` failures in a row before the request is made again; `None` if it
/// should not be.
pub(super) fn wait(network: &Network, failures: u32, error: &RequestError) -> Option<Duration> {
    if !error.is_passing() || failures > network.retries {
        return None;
    }
    let own = backoff(network.backoff, failures, MAX_BACKOFF);
    match error.asked_wait() {
        Some(asked) => (asked <= network.longest_wait).then_some(asked.max(own)),
        None => Some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        Network::from_variables("http", &|_| None).unwrap()
    }

    #[test]
    fn waits_double_and_end() {
        let network = network();
        let cut = RequestError::Cut { host: String::new() };
        for failures in 1..=network.retries {
            let whole = network.backoff * (1 << (failures - 1));
            let wait = wait(&network, failures, &cut).unwrap();
            assert!(wait <= whole && wait >= whole * 49 / 100, "{failures}: {wait:?}");
        }
        assert_eq!(wait(&network, network.retries + 1, &cut), None);
        let busy = |seconds| RequestError::RateLimited {
            host: String::new(),
            wait: Some(Duration::from_secs(seconds)),
            message: String::new(),
        };
        assert_eq!(wait(&network, 1, &busy(9)), Some(Duration::from_secs(9)));
        assert_eq!(wait(&network, 1, &busy(1_000_000)), None);
        assert!(wait(&network, 1, &busy(0)).unwrap() > Duration::ZERO, "no spinning");
    }

    #[test]
    fn turns_are_spaced_and_held() {
        let cancel = Cancel::new();
        let pace = Pace::new(NonZeroU32::new(60_000));
        let start = Instant::now();
        (0..20).for_each(|_| assert!(!pace.wait(&cancel)));
        assert!(start.elapsed() >= Duration::from_millis(19));
        let pace = Pace::new(None);
        pace.hold(Duration::from_millis(20));
        let start = Instant::now();
        pace.wait(&cancel);
        assert!(start.elapsed() >= Duration::from_millis(20));
        pace.hold(Duration::from_mins(10));
        cancel.cancel();
        assert!(pace.wait(&cancel), "a hold ends with the run");
    }
}
