//! When to ask again.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

use crate::options::Options;
use crate::request_error::RequestError;

/// No own wait is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// How long to wait after `failures` failures in a row before the request is made again; `None` if it
/// should not be.
pub(crate) fn wait(options: &Options, failures: u32, error: &RequestError) -> Option<Duration> {
    if !error.is_passing() || failures > options.retries {
        return None;
    }
    match error.asked_wait() {
        Some(asked) => (asked <= options.longest_wait).then_some(asked),
        None => Some(backoff(options.backoff, failures)),
    }
}

/// Twice as long after each failure, and up to half of that less, so that many processes that failed
/// together do not come back together.
fn backoff(first: Duration, failures: u32) -> Duration {
    let whole = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_BACKOFF);
    let percent = RandomState::new().hash_one(failures) % 51;
    whole.saturating_sub(whole.saturating_mul(u32::try_from(percent).unwrap_or(0)) / 100)
}

/// `Retry-After` in seconds or as a date, else what the hub's `RateLimit` header says.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    text("retry-after").and_then(|value| retry_after(value, now)).or_else(|| rate_limit(text("ratelimit")?))
}

fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
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

    fn asked(name: &'static str, value: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        asked_wait(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn what_servers_ask_for_is_read() {
        assert_eq!(asked("retry-after", "120"), Some(120));
        assert_eq!(asked("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(asked("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT"), Some(0));
        assert_eq!(asked("retry-after", "soon"), None);
        assert_eq!(asked("ratelimit", "\"api\";r=0;t=55"), Some(55));
        assert_eq!(asked("ratelimit", "\"api\";r=0"), None);
    }

    #[test]
    fn waits_double_and_end() {
        let options = Options::new(None).unwrap();
        let cut = RequestError::Cut { host: String::new(), received: 0, expected: 1 };
        for failures in 1..=4 {
            let whole = options.backoff * (1 << (failures - 1));
            let wait = wait(&options, failures, &cut).unwrap();
            assert!(wait <= whole && wait >= whole * 49 / 100, "{failures}: {wait:?}");
        }
        assert_eq!(wait(&options, 5, &cut), None);
        assert_eq!(wait(&options, 1, &RequestError::FileNotFound), None);
        let patient = |seconds| RequestError::RateLimited {
            host: String::new(),
            wait: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(&options, 1, &patient(9)), Some(Duration::from_secs(9)));
        assert_eq!(wait(&options, 1, &patient(1_000_000)), None);
        assert!(backoff(Duration::from_secs(1), 4_000_000_000) <= LONGEST_BACKOFF);
    }
}
