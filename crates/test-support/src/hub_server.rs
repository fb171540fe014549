//! A hub on this machine, of two hosts: one lists and redirects, one serves large files. It serves the hub's paths, or
//! misbehaves as a test scripts it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct HubRequest {
    /// HTTP method.
    pub method: String,
    /// Without the query, decoded.
    pub path: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
}

impl HubRequest {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// A reply, and how it goes wrong.
#[derive(Debug, Clone, Default)]
pub struct HostReply {
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
}

impl HostReply {
    /// A reply with a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// The same with another header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal as the hub gives it.
    pub fn refusal(status: u16, code: &str) -> Self {
        Self::new(status, "{\"error\": \"no\"}").with("X-Error-Code", code)
    }

    /// A redirect with status 302.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new(302, "").with("Location", location)
    }
}

type Responder = dyn Fn(&HubRequest) -> HostReply + Send + Sync;
type Exception = dyn Fn(&HubRequest, usize) -> Option<HostReply> + Send + Sync;

/// One host.
pub struct Host {
    /// Scheme, host and port.
    pub address: String,
    requests: Arc<Mutex<Vec<HubRequest>>>,
    exception: Arc<Mutex<Box<Exception>>>,
}

impl Host {
    /// Starts it; it ends with the test process.
    pub fn start(answer: Box<Responder>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
            exception: Arc::new(Mutex::new(Box::new(|_, _| None))),
        };
        let (requests, exception, answer) = (host.requests.clone(), host.exception.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, exception, answer) = (requests.clone(), exception.clone(), answer.clone());
                // A client that goes away in the middle is none of the server's business.
                thread::spawn(move || serve(stream, &requests, &exception, &**answer).ok());
            }
        });
        host
    }

    /// What to reply instead of the usual; it gets the number of earlier requests.
    pub fn instead(
        &self,
        exception: impl Fn(&HubRequest, usize) -> Option<HostReply> + Send + Sync + 'static,
    ) {
        *self.exception.lock().unwrap() = Box::new(exception);
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<HubRequest> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    requests: &Mutex<Vec<HubRequest>>,
    exception: &Mutex<Box<Exception>>,
    answer: &Responder,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let path = decode(target.split('?').next().unwrap_or_default());
    let mut request = HubRequest { method: method.to_owned(), path, headers: BTreeMap::new() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        request.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let before = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let exceptional = exception.lock().unwrap()(&request, before);
    let reply = exceptional.unwrap_or_else(|| answer(&request));
    thread::sleep(reply.silence);
    write(stream, &reply, request.method == "HEAD")
}

fn write(mut stream: TcpStream, reply: &HostReply, is_head: bool) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Any\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    if !reply.headers.iter().any(|(name, _)| *name == "Content-Length" || *name == "Transfer-Encoding") {
        head = format!("{head}Content-Length: {}\r\n", reply.body.len());
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let body = if is_head { &[] } else { &reply.body[..reply.cut.unwrap_or(reply.body.len())] };
    match reply.drip {
        None => stream.write_all(body),
        Some(pause) => body.chunks(10).try_for_each(|chunk| {
            thread::sleep(pause);
            stream.write_all(chunk)
        }),
    }?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Read what is left, so that the close does not reset what was sent.
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The content as it is requested, whole or from a byte on.
pub fn content(request: &HubRequest, body: &[u8]) -> HostReply {
    let from = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        None => HostReply::new(200, body),
        Some(from) if from >= body.len() => HostReply::new(416, ""),
        Some(from) => HostReply::new(206, &body[from..])
            .with("Content-Range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())),
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn git_hash(bytes: &[u8]) -> String {
    format!(
        "{:x}",
        Sha1::new().chain_update(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize()
    )
}

/// A file of a repository; Parquet and safetensors are kept as large files, as on the hub.
#[derive(Clone)]
struct Stored {
    bytes: Vec<u8>,
    is_large: bool,
}

/// A repository with its revisions.
#[derive(Clone, Default)]
pub struct HubContent {
    /// `datasets/o/n` or `o/n`.
    page: String,
    api: String,
    revisions: BTreeMap<String, (String, BTreeMap<String, Stored>)>,
}

impl HubContent {
    /// A dataset without revisions.
    pub fn dataset(repository: &str) -> Self {
        Self {
            page: format!("datasets/{repository}"),
            api: format!("datasets/{repository}"),
            ..Self::default()
        }
    }

    /// A model without revisions.
    pub fn model(repository: &str) -> Self {
        Self { page: repository.to_owned(), api: format!("models/{repository}"), ..Self::default() }
    }

    /// The same with a revision of these files.
    #[must_use]
    pub fn revision(mut self, revision: &str, files: &[(&str, &[u8])]) -> Self {
        let is_large = |name: &str| name.ends_with(".parquet") || name.ends_with(".safetensors");
        let files = files.iter().map(|(name, bytes)| {
            ((*name).to_owned(), Stored { bytes: bytes.to_vec(), is_large: is_large(name) })
        });
        self.revisions.insert(revision.to_owned(), (commit(revision), files.collect()));
        self
    }

    fn listing(&self, revision: &str, with_blobs: bool) -> Option<String> {
        let found =
            self.revisions.get(revision).or_else(|| self.revisions.values().find(|(c, _)| c == revision));
        let (commit, files) = found?;
        let siblings: Vec<String> = files
            .iter()
            .map(|(name, file)| {
                let name = serde_json::to_string(name).unwrap();
                let (size, git, hash) = (file.bytes.len(), git_hash(&file.bytes), sha256(&file.bytes));
                match (with_blobs, file.is_large) {
                    (false, _) => format!("{{\"rfilename\": {name}}}"),
                    (true, false) => format!("{{\"rfilename\": {name}, \"size\": {size}, \"blobId\": \"{git}\"}}"),
                    (true, true) => format!(
                        "{{\"rfilename\": {name}, \"size\": {size}, \"blobId\": \"{git}\", \"lfs\": {{\"sha256\": \"{hash}\", \"size\": {size}, \"pointerSize\": 134}}}}"
                    ),
                }
            })
            .collect();
        Some(format!("{{\"sha\": \"{commit}\", \"siblings\": [{}]}}", siblings.join(",")))
    }

    fn file(&self, path: &str) -> Option<(&str, &Stored)> {
        let rest = path.strip_prefix(&format!("/{}/resolve/", self.page))?;
        let (wanted, name) = rest.split_once('/')?;
        let (commit, files) = self.revisions.values().find(|(commit, _)| commit == wanted)?;
        Some((commit, files.get(name)?))
    }

    fn answer(&self, request: &HubRequest, cdn: &str, with_blobs: bool) -> HostReply {
        if let Some(revision) = request.path.strip_prefix(&format!("/api/{}/revision/", self.api)) {
            return match self.listing(revision, with_blobs) {
                Some(text) => {
                    HostReply::new(200, text).with("Content-Type", "application/json; charset=utf-8")
                }
                None => HostReply::refusal(404, "RevisionNotFound"),
            };
        }
        if request.path == format!("/api/{}", self.api) {
            return HostReply::new(200, "{}");
        }
        let Some((commit, file)) = self.file(&request.path) else {
            let known = request.path.contains(&self.page);
            return HostReply::refusal(404, if known { "EntryNotFound" } else { "RepoNotFound" });
        };
        let (hash, length) = (sha256(&file.bytes), file.bytes.len());
        let reply = if file.is_large {
            HostReply::redirect(format!("{cdn}/{hash}?signature=SIGNED"))
                .with("X-Linked-Etag", format!("\"{hash}\""))
                .with("X-Linked-Size", length.to_string())
        } else {
            content(request, &file.bytes).with("ETag", format!("\"{}\"", git_hash(&file.bytes)))
        };
        reply.with("X-Repo-Commit", commit)
    }
}

/// A commit hash made of a revision's name.
pub fn commit(revision: &str) -> String {
    format!("{:x}", Sha1::digest(revision))
}

/// Both hosts.
pub struct Hub {
    /// Lists and redirects.
    pub front: Host,
    /// Serves large files.
    pub cdn: Host,
}

impl Hub {
    /// Starts it; it ends with the test process.
    pub fn start(content: HubContent) -> Self {
        Self::launch(content, true)
    }

    /// A mirror that lists names only.
    pub fn mirror(content: HubContent) -> Self {
        Self::launch(content, false)
    }

    fn launch(repository: HubContent, with_blobs: bool) -> Self {
        let blobs: BTreeMap<String, Vec<u8>> = repository
            .revisions
            .values()
            .flat_map(|(_, files)| files.values().map(|file| (sha256(&file.bytes), file.bytes.clone())))
            .collect();
        let cdn = Host::start(Box::new(move |request| match blobs.get(&request.path[1..]) {
            Some(bytes) => content(request, bytes),
            None => HostReply::new(404, "no such blob"),
        }));
        let address = cdn.address.clone();
        let front = Host::start(Box::new(move |request| repository.answer(request, &address, with_blobs)));
        Self { front, cdn }
    }

    /// The paths that were requested, of both hosts.
    pub fn count(&self) -> (usize, usize) {
        (self.front.requests().len(), self.cdn.requests().len())
    }
}
