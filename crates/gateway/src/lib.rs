//! # plimsoll-gateway
//!
//! One small model, one large model, one thresholds file, and OpenAI's interface in front. A request is answered by the SLM
//! first; its confidence decides whether that answer is kept, or the LLM asked.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | settings, as written and checked |
//! | [`mod@run`] | runs a gateway until it has to stop |
//! | [`gateway`] | what all requests share |
//! | `server`, `exchange`, `whole`, `streamed`, `respond`, `draft` | addresses; one request from its body to its last byte, and its line in the log |
//! | [`request`] | what a client asks, and whether the operating point was fitted for it |
//! | [`slm`], [`llm`], [`in_process`], [`upstream`] | both models wherever they run |
//! | [`reply`], [`sse`] | the SLM's reply, whole or streamed |
//! | [`confidence`] | from a reply to the number that the pipeline computes |
//! | [`identity`], [`serving`], [`point`], [`model_name`] | which model, which file, which operating point; decisions |
//! | [`reason`], [`route_notice`] | why a request was deferred, and what a client reads of it |
//! | [`log`], [`recent`], [`state`] | what outlives a request, and the process |
//! | [`metrics`], [`alarm`] | counts, and where alarms go |
//! | [`keys`] | keys of clients |
//! | [`error`] | why a gateway cannot start |

pub mod alarm;
pub mod confidence;
pub mod config;
mod draft;
pub mod error;
mod exchange;
pub mod gateway;
pub mod identity;
pub mod in_process;
pub mod keys;
pub mod llm;
pub mod log;
pub mod metrics;
pub mod model_name;
pub mod point;
pub mod reason;
pub mod recent;
pub mod reply;
pub mod request;
mod respond;
pub mod route_notice;
pub mod run;
mod server;
pub mod serving;
pub mod slm;
pub mod sse;
pub mod state;
mod streamed;
pub mod upstream;
mod whole;

pub use config::{GatewayConfig, RawGateway};
pub use error::{ConfigProblem, GatewayError};
pub use gateway::{Gateway, LoadedModel, LoadedModels};
pub use run::{Listening, run, serve};
