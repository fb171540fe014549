//! When to send a request again.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

/// Whether a failed request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    Never,
    /// It may, after the wait that the server requested, if it did.
    After(Option<Duration>),
}

/// How often a request is sent again, and how long a client waits before.
#[derive(Debug, Clone, Copy)]
pub struct RetryLimits {
    /// Failures in a row after which a request is sent again.
    pub retries: u32,
    /// Wait after the first failure; see [`backoff`].
    pub backoff: Duration,
    /// The longest wait that no server requested.
    pub max_backoff: Duration,
    /// The longest requested wait.
    pub max_wait: Duration,
}

impl RetryLimits {
    /// How long to wait after `failures` failures in a row before the request is sent again; `None` if it should not
    /// be. A requested wait that is shorter than the backoff does not replace it, so that a server that requests none
    /// is not sent the same request without pause.
    pub fn wait(&self, failures: u32, retry: Retry) -> Option<Duration> {
        let Retry::After(requested) = retry else { return None };
        let requested = requested.unwrap_or(Duration::ZERO);
        let is_allowed = failures <= self.retries && requested <= self.max_wait;
        is_allowed.then(|| requested.max(backoff(self.backoff, failures, self.max_backoff)))
    }
}

/// Exponential backoff with jitter: the wait after `failures` failures in a row doubles each time, is at most `max`, and
/// is shortened by up to half, so that clients that failed together do not retry together.
pub fn backoff(first: Duration, failures: u32, max: Duration) -> Duration {
    let whole = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(max);
    let percent = (RandomState::new().hash_one(failures) % 51) as u32;
    whole.saturating_sub(whole.saturating_mul(percent) / 100)
}

/// How long a server asks to wait: `Retry-After` in seconds, whole or not, or as a date; `Retry-After-Ms`; else the
/// time that a `RateLimit` header gives.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds =
        || Duration::try_from_secs_f64(text("retry-after-ms")?.parse::<f64>().ok()? / 1e3).ok();
    text("retry-after")
        .and_then(|value| seconds_or_date(value, now))
        .or_else(milliseconds)
        .or_else(|| rate_limit(text("ratelimit")?))
}

fn seconds_or_date(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A date in the past asks for no wait.
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// `"api";r=0;t=55`: nothing remains, and the window ends in 55 seconds.
fn rate_limit(value: &str) -> Option<Duration> {
    let seconds = value.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_seconds(name: &'static str, value: &'static str) -> Option<f64> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        retry_after(&headers, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn retry_after_is_read_in_all_forms() {
        for (name, value, seconds) in [
            ("retry-after", "120", Some(120.0)),
            ("retry-after", "0.25", Some(0.25)),
            ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT", Some(30.0)),
            ("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT", Some(0.0)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", None),
            ("retry-after-ms", "250", Some(0.25)),
            ("retry-after-ms", "soon", None),
            ("ratelimit", "\"api\";r=0;t=55", Some(55.0)),
            ("ratelimit", "\"api\";r=0", None),
            ("x-other", "1", None),
        ] {
            assert_eq!(wait_seconds(name, value), seconds, "{name}: {value}");
        }
    }

    #[test]
    fn waits_double_and_end() {
        let (first, max) = (Duration::from_millis(500), Duration::from_secs(30));
        for failures in 1..=6 {
            let whole = first * (1 << (failures - 1));
            let wait = backoff(first, failures, max);
            assert!(wait <= whole && wait >= whole * 49 / 100, "{failures}: {wait:?}");
        }
        assert!(backoff(first, u32::MAX, max) <= max);
    }

    #[test]
    fn a_request_is_sent_again_within_the_limits() {
        let seconds = Duration::from_secs;
        let limits =
            RetryLimits { retries: 4, backoff: seconds(1), max_backoff: seconds(8), max_wait: seconds(100) };
        assert!((1..=4).all(|failures| limits.wait(failures, Retry::After(None)).is_some()));
        assert_eq!(limits.wait(5, Retry::After(None)), None);
        assert_eq!(limits.wait(1, Retry::Never), None);
        assert_eq!(limits.wait(1, Retry::After(Some(seconds(9)))), Some(seconds(9)));
        assert_eq!(limits.wait(1, Retry::After(Some(seconds(101)))), None);
        assert!(limits.wait(1, Retry::After(Some(seconds(0)))).unwrap() > Duration::ZERO, "no spinning");
    }
}
