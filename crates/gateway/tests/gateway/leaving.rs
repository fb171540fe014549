//! Clients that leave cancel what was asked for them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plimsoll_router::conformance::example_thresholds;
use serde_json::json;

use crate::fixture::{Running, UNSURE, question, slm, start_in, write_thresholds};

/// A server that never ends a reply, and knows how many it is at.
struct Endless {
    base_url: String,
    begun: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
}

impl Endless {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (begun, under_way) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (begun.clone(), under_way.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = counts.clone();
                std::thread::spawn(move || stream_for_ever(stream, &counts.0, &counts.1));
            }
        });
        Self { base_url, begun, under_way }
    }
}

/// Whether the body of a request asks for a stream.
fn asks_for_stream(reader: &mut impl std::io::BufRead) -> bool {
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice::<serde_json::Value>(&body).unwrap()["stream"] == true
}

/// Events where a stream is asked for, else the blanks before a document that never comes.
fn stream_for_ever(mut stream: TcpStream, begun: &AtomicUsize, under_way: &AtomicUsize) {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    reader.read_line(&mut line).unwrap();
    if !line.contains("/chat/completions") {
        let _ = stream.write_all(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    let (kind, more) = if asks_for_stream(&mut reader) {
        let event = "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"x\"}, \"finish_reason\": null}]}\n\n";
        ("text/event-stream", event)
    } else {
        ("application/json", " ")
    };
    begun.fetch_add(1, Ordering::SeqCst);
    under_way.fetch_add(1, Ordering::SeqCst);
    let mut text = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n");
    while stream.write_all(text.as_bytes()).is_ok() {
        more.clone_into(&mut text);
        std::thread::sleep(Duration::from_millis(10));
    }
    under_way.fetch_sub(1, Ordering::SeqCst);
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks, reads a little if a stream was asked for, and leaves.
fn ask_and_leave(running: &Running, stream: bool, has_begun: impl Fn() -> bool) {
    let mut connection = TcpStream::connect(running.address.trim_start_matches("http://")).unwrap();
    let body = question(stream).to_string();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length";
    connection.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    until("the server was asked", has_begun);
    if stream {
        connection.read_exact(&mut [0; 20]).unwrap();
    }
}

#[test]
fn who_leaves_cancels_the_models() {
    let (slm, endless) = (slm(UNSURE), Endless::start());
    for is_slm in [true, false] {
        let (slm_url, llm_url) =
            if is_slm { (&endless.base_url, &slm.base_url) } else { (&slm.base_url, &endless.base_url) };
        let folder = tempfile::tempdir().unwrap();
        write_thresholds(&folder, example_thresholds());
        let long = json!({"total_seconds": 600});
        let running = start_in(
            folder,
            slm_url,
            llm_url,
            &json!({"slm": long, "llm": long, "limits": {"keep_alive_seconds": 0.05}}),
        );
        for stream in [false, true] {
            let before = endless.begun.load(Ordering::SeqCst);
            ask_and_leave(&running, stream, || endless.begun.load(Ordering::SeqCst) > before);
            until("the server's reply ends", || endless.under_way.load(Ordering::SeqCst) == 0);
        }
        until("both are counted", || running.metric("plimsoll_clients_gone_total") == Some(2.0));
        assert_eq!(running.metric("plimsoll_in_flight"), Some(0.0));
        if !is_slm {
            let lines = running.log_lines(2);
            assert!(
                lines.iter().all(|line| line["client_gone"] == true && line["route"] == "llm"),
                "{lines:?}"
            );
        }
    }
}
