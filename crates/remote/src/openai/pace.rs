//! When the next request may be sent: backoff after failures, and the rate per minute.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plimsoll_http::RetryLimits;

use super::error::ChatRequestError;
use super::network::NetworkSettings;
use plimsoll_backend::control::Cancel;

/// Maximum wait that the server did not request.
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

    /// Waits for this thread's turn; true if the run was cancelled meanwhile.
    pub(super) fn wait(&self, cancel: &Cancel) -> bool {
        let now = Instant::now();
        match self.turn(now).saturating_duration_since(now) {
            Duration::ZERO => cancel.is_cancelled(),
            left => cancel.sleep(left),
        }
    }

    /// Takes the next turn, at `now` or later.
    fn turn(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = match self.step {
            Some(step) => Some(turn + step),
            // Without a rate, only a hold that is not over lies in the future.
            None => next.filter(|hold| *hold > now),
        };
        turn
    }

    /// Lets no thread start a request for this long: a server that is busy is busy for all.
    pub(super) fn hold(&self, wait: Duration) {
        self.hold_until(Instant::now() + wait);
    }

    fn hold_until(&self, end: Instant) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(end, |next| next.max(end)));
    }
}

/// How long to wait after `failures` failures in a row before the request is made again; `None` if it
/// should not be.
pub(super) fn wait(network: &NetworkSettings, failures: u32, error: &ChatRequestError) -> Option<Duration> {
    let limits = RetryLimits {
        retries: network.retries,
        backoff: network.backoff,
        max_backoff: MAX_BACKOFF,
        max_wait: network.max_wait,
    };
    limits.wait(failures, error.retry())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> NetworkSettings {
        NetworkSettings::from_variables("http", &|_| None).unwrap()
    }

    #[test]
    fn waits_double_and_end() {
        let network = network();
        let cut = ChatRequestError::Cut { host: String::new() };
        for failures in 1..=network.retries {
            let whole = network.backoff * (1 << (failures - 1));
            let wait = wait(&network, failures, &cut).unwrap();
            assert!(wait <= whole && wait >= whole * 49 / 100, "{failures}: {wait:?}");
        }
        assert_eq!(wait(&network, network.retries + 1, &cut), None);
        let busy = |seconds| ChatRequestError::RateLimited {
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
        let now = Instant::now();
        let after = |milliseconds: u64| now + Duration::from_millis(milliseconds);
        let pace = Pace::new(NonZeroU32::new(60_000));
        let turns: Vec<Instant> = (0..20).map(|_| pace.turn(now)).collect();
        assert_eq!(turns, (0..20).map(after).collect::<Vec<_>>());
        // A turn that nobody took is not saved up.
        assert_eq!([pace.turn(after(500)), pace.turn(after(500))], [after(500), after(501)]);
        let pace = Pace::new(None);
        assert_eq!([pace.turn(now), pace.turn(now)], [now; 2]);
        pace.hold_until(after(20));
        pace.hold_until(after(10));
        assert_eq!([pace.turn(now), pace.turn(after(19))], [after(20); 2], "the longer hold counts, for all");
        assert_eq!(pace.turn(after(21)), after(21), "it is over");
    }

    #[test]
    fn a_hold_ends_with_the_run() {
        let (cancel, pace) = (Cancel::new(), Pace::new(None));
        assert!(!pace.wait(&cancel));
        pace.hold(Duration::from_mins(10));
        cancel.cancel();
        assert!(pace.wait(&cancel));
    }
}
