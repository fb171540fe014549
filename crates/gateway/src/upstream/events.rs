//! The events of a streamed reply, within its limits of time and bytes.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use plimsoll_remote::openai::{ChatRequestError, ReplyReader};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::sse::{DONE, EventReader};

/// How long a stream is waited for, and how large it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventLimits {
    /// Until its first event.
    pub(super) first: Instant,
    /// Until its end.
    pub(super) end: Instant,
    /// The two as they were set.
    pub(super) within: (Duration, Duration),
    /// Bytes altogether.
    pub(super) bytes: usize,
}

/// A streamed reply. Dropped, it closes the connection.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    reply: ReplyReader,
    reader: EventReader,
    ready: VecDeque<String>,
    limits: EventLimits,
    bytes: usize,
    has_begun: bool,
}

/// What a stream says next.
#[derive(Debug)]
pub enum StreamEvent {
    /// A chunk, with the key redacted.
    Chunk(Box<Value>),
    /// The mark of the end.
    Done,
}

impl Events {
    pub(super) fn new(body: Incoming, reply: ReplyReader, limits: EventLimits) -> Self {
        let reader = EventReader::default();
        Self { body, reply, reader, ready: VecDeque::new(), limits, bytes: 0, has_begun: false }
    }

    /// The next event; `None` where the connection ended in good order.
    ///
    /// # Errors
    /// An error event, a stream that stalls, is cut within an event or is too large, data that is no JSON.
    pub async fn next(&mut self) -> Result<Option<StreamEvent>, ChatRequestError> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                self.has_begun = true;
                return self.read(&data).map(Some);
            }
            let until = if self.has_begun { self.limits.end } else { self.limits.first };
            let frame = timeout_at(until, self.body.frame()).await.map_err(|_| self.late())?;
            match frame {
                None if self.reader.is_between() => return Ok(None),
                None | Some(Err(_)) => return Err(ChatRequestError::Cut { host: self.reply.host.clone() }),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.bytes += bytes.len();
                        let events = self.reader.push(bytes).map_err(|_| self.too_large())?;
                        self.ready.extend(events);
                    }
                    if self.bytes > self.limits.bytes {
                        return Err(self.too_large());
                    }
                }
            }
        }
    }

    fn read(&self, data: &str) -> Result<StreamEvent, ChatRequestError> {
        if data.trim() == DONE {
            return Ok(StreamEvent::Done);
        }
        let problem = "an event of its stream is no JSON";
        let malformed = || ChatRequestError::Malformed { host: self.reply.host.clone(), problem };
        let document = self.reply.document(data.as_bytes()).ok_or_else(malformed)?;
        match self.reply.error(&document, 200, None) {
            Some(error) => Err(error),
            None => Ok(StreamEvent::Chunk(Box::new(document))),
        }
    }

    fn too_large(&self) -> ChatRequestError {
        ChatRequestError::TooLarge { host: self.reply.host.clone(), max: self.limits.bytes as u64 }
    }

    fn late(&self) -> ChatRequestError {
        let (first, total) = self.limits.within;
        let within = if self.has_begun { total } else { first.min(total) };
        ChatRequestError::Timeout { host: self.reply.host.clone(), within }
    }
}
