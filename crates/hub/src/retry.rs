//! When to ask again.

use std::time::Duration;

use plimsoll_http::retry::backoff;

use crate::options::Options;
use crate::request_error::RequestError;

/// No own wait is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// How long to wait after `failures` failures in a row before the request is made again; `None` if it
/// should not be.
pub(crate) fn wait(options: &Options, failures: u32, error: &RequestError) -> Option<Duration> {
    if !error.is_passing() || failures > options.retries {
        return None;
    }
    match error.asked_wait() {
        Some(asked) => (asked <= options.longest_wait).then_some(asked),
        None => Some(backoff(options.backoff, failures, MAX_BACKOFF)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end() {
        let options = Options::new(None).unwrap();
        let cut = RequestError::Cut { host: String::new(), received: 0, expected: 1 };
        assert!((1..=4).all(|failures| wait(&options, failures, &cut).is_some()));
        assert_eq!(wait(&options, 5, &cut), None);
        assert_eq!(wait(&options, 1, &RequestError::FileNotFound), None);
        let patient = |seconds| RequestError::RateLimited {
            host: String::new(),
            wait: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(&options, 1, &patient(9)), Some(Duration::from_secs(9)));
        assert_eq!(wait(&options, 1, &patient(1_000_000)), None);
    }
}
