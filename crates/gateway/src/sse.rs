//! Server-sent events as chat completions use them: lines of `data:`, ended by an empty line.

/// Longest event that is read, in bytes.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

/// What a stream says at its end.
pub const DONE: &str = "[DONE]";

/// A stream whose events are larger than any completion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {MAX_EVENT_BYTES} bytes")]
pub struct EventTooLong;

/// Takes bytes as they come and gives the data of each event.
#[derive(Debug, Default)]
pub struct EventReader {
    /// The line that has not ended.
    line: Vec<u8>,
    /// Data of the event that has not ended.
    data: Vec<u8>,
    has_data: bool,
    /// Whether the last byte was a carriage return, whose line feed is still to come.
    after_return: bool,
}

impl EventReader {
    /// Takes the next bytes; gives the data of the events that they end, as text. Comments, names and ids of events are
    /// left out; bytes that are no UTF-8 are shown as U+FFFD.
    ///
    /// # Errors
    /// [`EventTooLong`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, EventTooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let is_second_of_two = std::mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
            if is_second_of_two {
                continue;
            }
            if matches!(byte, b'\n' | b'\r') {
                self.end_line(&mut events);
            } else {
                self.line.push(byte);
            }
            if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(EventTooLong);
            }
        }
        Ok(events)
    }

    /// Whether the stream stands between two events: whether it may end here.
    pub fn is_between(&self) -> bool {
        self.line.is_empty() && !self.has_data
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                let data = std::mem::take(&mut self.data);
                events.push(String::from_utf8_lossy(&data).into_owned());
            }
            return;
        }
        let Some(value) = line.strip_prefix(b"data:") else { return };
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
    }
}

/// An event of this data, as it is sent.
pub fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str =
        ": keep-alive\n\ndata: {\"a\":1}\r\n\r\nevent: x\nid: 7\ndata:two\ndata: lines\n\n\ndata: [DONE]\n\n";

    fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<String> {
        let mut reader = EventReader::default();
        let events = pieces.flat_map(|piece| reader.push(&piece).unwrap()).collect();
        assert!(reader.is_between());
        events
    }

    #[test]
    fn events_are_read_whatever_the_pieces() {
        let expected = ["{\"a\":1}", "two\nlines", DONE];
        for size in 1..STREAM.len() {
            assert_eq!(read(STREAM.as_bytes().chunks(size).map(<[u8]>::to_vec)), expected, "{size}");
        }
        assert_eq!(event("x"), "data: x\n\n");
    }

    #[test]
    fn an_open_event_is_none() {
        let mut reader = EventReader::default();
        for open in ["data: a", "\n"] {
            assert!(reader.push(open.as_bytes()).unwrap().is_empty() && !reader.is_between());
        }
        assert_eq!(reader.push(b"\n").unwrap(), ["a"]);
        assert!(reader.is_between());
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = EventReader::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 1 << 20], b"\n"].concat();
        assert!((0..5).any(|_| reader.push(&line).is_err()));
        assert_eq!(EventReader::default().push(&vec![0; MAX_EVENT_BYTES + 1]), Err(EventTooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let whole = EventReader::default().push(&bytes).unwrap();
            let mut reader = EventReader::default();
            let single: Vec<String> = bytes.iter().flat_map(|byte| reader.push(&[*byte]).unwrap()).collect();
            prop_assert_eq!(whole, single);
        }
    }
}
