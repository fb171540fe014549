//! When to retry.

use std::time::Duration;

use plimsoll_http::RetryLimits;

use crate::options::HubOptions;
use crate::request_error::HubRequestError;

/// No own wait is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// How long to wait after `failures` failures in a row before the request is made again; `None` if it
/// should not be.
pub(crate) fn wait(options: &HubOptions, failures: u32, error: &HubRequestError) -> Option<Duration> {
    let limits = RetryLimits {
        retries: options.retries,
        backoff: options.backoff,
        max_backoff: MAX_BACKOFF,
        max_wait: options.max_wait,
    };
    limits.wait(failures, error.retry())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end() {
        let options = HubOptions::new(None).unwrap();
        let cut = HubRequestError::Cut { host: String::new(), received: 0, expected: 1 };
        assert!((1..=4).all(|failures| wait(&options, failures, &cut).is_some()));
        assert_eq!(wait(&options, 5, &cut), None);
        assert_eq!(wait(&options, 1, &HubRequestError::FileNotFound), None);
        let patient = |seconds| HubRequestError::RateLimited {
            host: String::new(),
            wait: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(&options, 1, &patient(9)), Some(Duration::from_secs(9)));
        assert_eq!(wait(&options, 1, &patient(1_000_000)), None);
    }
}
