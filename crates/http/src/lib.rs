//! # plimsoll-http
//!
//! What the clients of this workspace share, the one of the hub and the one of OpenAI-compatible servers: an agent
//! with the machine's certificates that follows no redirect, the environment's proxy, secrets that are never shown,
//! what a failed request means, and when to send it again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`agent`] | the agent, its timeouts |
//! | [`proxy`] | the proxy that the environment names |
//! | [`secret`] | keys, tokens, and addresses with passwords |
//! | [`failure`] | why a request got no response |
//! | [`retry`] | whether and when a request is sent again, and how long a server asks to wait |

pub mod agent;
pub mod failure;
pub mod proxy;
pub mod retry;
pub mod secret;

pub use agent::{HttpAgent, Timeouts};
pub use failure::HttpFailure;
pub use proxy::{Proxy, ProxyProblem};
pub use retry::{Retry, RetryLimits};
pub use secret::Secret;
