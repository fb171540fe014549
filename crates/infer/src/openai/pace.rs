//! When the next request may be made: after a failure, and in a minute.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ureq::http::HeaderMap;

use super::error::RequestError;
use super::network::Network;
use crate::control::Cancel;

/// No own wait is longer.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

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
    let own = backoff(network.backoff, failures);
    match error.asked_wait() {
        Some(asked) => (asked <= network.longest_wait).then_some(asked.max(own)),
        None => Some(own),
    }
}

/// Twice as long after each failure, and up to half of that less, so that many threads that failed
/// together do not come back together.
fn backoff(first: Duration, failures: u32) -> Duration {
    let whole = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_BACKOFF);
    let percent = RandomState::new().hash_one(failures) % 51;
    whole.saturating_sub(whole.saturating_mul(u32::try_from(percent).unwrap_or(0)) / 100)
}

/// `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        // Some servers give fractions of a second.
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        Network::from_variables("http", &|_| None).unwrap()
    }

    #[test]
    fn what_servers_ask_for_is_read() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        for (value, seconds) in [
            ("120", Some(120.0)),
            ("0.25", Some(0.25)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30.0)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0.0)),
            ("soon", None),
            ("-1", None),
            ("NaN", None),
            ("1e300", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            assert_eq!(retry_after(&headers, now).map(|wait| wait.as_secs_f64()), seconds, "{value}");
        }
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
        assert!(backoff(Duration::from_secs(1), u32::MAX) <= LONGEST_BACKOFF);
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
