//! The body of a streamed response. Dropped, since its client has gone, it ends the task that makes it, and with it what
//! was asked of the models.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// A comment, which clients leave out.
const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// Events, and comments between them.
#[derive(Debug)]
pub(super) struct EventBody {
    events: Receiver<Bytes>,
    task: JoinHandle<()>,
    keep_alive: Interval,
}

impl EventBody {
    pub(super) fn new(events: Receiver<Bytes>, task: JoinHandle<()>, keep_alive: Duration) -> Self {
        let mut keep_alive = interval(keep_alive);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.reset();
        Self { events, task, keep_alive }
    }
}

impl HttpBody for EventBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let body = self.get_mut();
        match body.events.poll_recv(context) {
            Poll::Ready(Some(bytes)) => {
                body.keep_alive.reset();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let tick = body.keep_alive.poll_tick(context);
                tick.map(|_| Some(Ok(Frame::data(Bytes::from_static(KEEP_ALIVE.as_bytes())))))
            }
        }
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.task.abort();
    }
}
