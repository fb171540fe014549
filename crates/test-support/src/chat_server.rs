//! An OpenAI-compatible server on this machine. It replies by a fixed rule, or misbehaves as a test scripts it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// Path of the address.
    pub path: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; null if it is none.
    pub body: Value,
    /// When it was received.
    pub at: Instant,
}

impl ServerRequest {
    /// The last message of the user.
    pub fn last(&self) -> &str {
        self.body["messages"]
            .as_array()
            .and_then(|turns| turns.last()?["content"].as_str())
            .unwrap_or_default()
    }
}

/// A reply, and how it goes wrong.
#[derive(Debug, Clone, Default)]
pub struct ServerReply {
    /// HTTP status.
    pub status: u16,
    /// Header lines beside the length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Close the connection after so many bytes of the body.
    pub cut: Option<usize>,
    /// Wait before the answer.
    pub silence: Duration,
    /// Send the body in pieces of ten bytes with this pause between.
    pub drip: Option<Duration>,
    /// Send chunks instead of a length.
    pub is_chunked: bool,
    /// Send these bytes and nothing else.
    pub raw: Option<Vec<u8>>,
}

impl ServerReply {
    /// A reply with a body of bytes.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// A reply with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string())
    }

    /// The same with another header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// An error as OpenAI words it.
    pub fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": {"message": format!("it is {code}"), "code": code}}))
    }
}

type Script = dyn Fn(&ServerRequest, usize) -> Option<ServerReply> + Send + Sync;

/// The server; it ends with the test process.
pub struct Server {
    /// Address for `base_url`.
    pub base_url: String,
    requests: Arc<Mutex<Vec<ServerRequest>>>,
    max_at_once: Arc<Mutex<(usize, usize)>>,
}

impl Server {
    /// Replies to every request by the fixed rule.
    pub fn start() -> Self {
        Self::scripted(|_, _| None)
    }

    /// Replies as the script says, which gets the number of earlier requests; where it gives `None`, by the fixed rule.
    pub fn scripted(
        script: impl Fn(&ServerRequest, usize) -> Option<ServerReply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            base_url: format!("http://{}/v1", listener.local_addr().unwrap()),
            requests: Arc::default(),
            max_at_once: Arc::default(),
        };
        let (requests, at_once, script) =
            (server.requests.clone(), server.max_at_once.clone(), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, at_once, script) = (requests.clone(), at_once.clone(), script.clone());
                // A client that goes away in the middle is none of the server's business.
                thread::spawn(move || serve(stream, &requests, &at_once, &*script).ok());
            }
        });
        server
    }

    /// All requests so far, in the order in which they were received.
    pub fn requests(&self) -> Vec<ServerRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The largest number of requests in flight at once.
    pub fn max_at_once(&self) -> usize {
        self.max_at_once.lock().unwrap().1
    }
}

fn serve(
    stream: TcpStream,
    requests: &Mutex<Vec<ServerRequest>>,
    at_once: &Mutex<(usize, usize)>,
    script: &Script,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(path) = line.split_whitespace().nth(1).map(str::to_owned) else { return Ok(()) };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let request = ServerRequest { path, headers, body, at: Instant::now() };
    let before = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    {
        let mut at_once = at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }
    let reply = script(&request, before).unwrap_or_else(|| ServerReply::json(200, &usual(&request)));
    thread::sleep(reply.silence);
    // Before the reply, which lets the client ask again.
    at_once.lock().unwrap().0 -= 1;
    write(stream, &reply)
}

fn write(mut stream: TcpStream, reply: &ServerReply) -> std::io::Result<()> {
    if let Some(raw) = &reply.raw {
        stream.write_all(raw)?;
        return stream.shutdown(std::net::Shutdown::Both);
    }
    let mut head = format!("HTTP/1.1 {} Any\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    head = if reply.is_chunked {
        format!("{head}Transfer-Encoding: chunked\r\n")
    } else {
        format!("{head}Content-Length: {}\r\n", reply.body.len())
    };
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len())];
    match (reply.drip, reply.is_chunked) {
        (Some(pause), _) => body.chunks(10).try_for_each(|part| {
            thread::sleep(pause);
            stream.write_all(part)
        })?,
        (None, true) => {
            for part in body.chunks(7) {
                stream.write_all(format!("{:x}\r\n", part.len()).as_bytes())?;
                stream.write_all(part)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        (None, false) => stream.write_all(body)?,
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    // Read what is left, so that the close does not reset what was sent.
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

/// A reply that depends on the request and nothing else.
pub fn usual(request: &ServerRequest) -> Value {
    let body = &request.body;
    let seed = body["seed"].as_u64().unwrap_or(0);
    if request.last().contains("right?") {
        return completion(body, &[("True", -0.25), ("False", -2.0), ("Yes", -5.0)][..1], true);
    }
    let is_sampled = body["temperature"].as_f64() > Some(0.0);
    let word = if is_sampled { format!(" {}", seed % 3) } else { format!(" {}", request.last().len()) };
    completion(body, &[("It is", -0.5), (&word, -1.25), ("</s>", -0.125)], false)
}

/// A completion of these tokens, the last being the stop token unless the text is cut.
pub fn completion(body: &Value, tokens: &[(&str, f64)], is_cut: bool) -> Value {
    let shown = if is_cut { tokens.len() } else { tokens.len() - 1 };
    let text: String = tokens[..shown].iter().map(|(text, _)| *text).collect();
    let mut choice = json!({"index": 0, "message": {"role": "assistant", "content": text},
        "finish_reason": if is_cut { "length" } else { "stop" }, "logprobs": null});
    if body["logprobs"] == json!(true) {
        let all = [("True", -0.25), ("False", -2.0), ("Yes", -5.0)];
        let count = usize::try_from(body["top_logprobs"].as_u64().unwrap_or(0)).unwrap();
        let top: Vec<Value> = all
            .iter()
            .take(count)
            .map(|(text, logprob)| json!({"token": text, "logprob": logprob}))
            .collect();
        let token = |(text, logprob): &(&str, f64)| json!({"token": text, "logprob": logprob, "bytes": text.as_bytes(), "top_logprobs": top});
        choice["logprobs"] = json!({"content": tokens.iter().map(token).collect::<Vec<_>>()});
    }
    json!({"id": "1", "object": "chat.completion", "model": "served-1", "system_fingerprint": "fp-1",
        "choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": tokens.len()}})
}
