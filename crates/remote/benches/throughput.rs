//! How fast asks are answered by a server that answers at once, by a full cache, and by a recording:
//! `cargo bench -p plimsoll-remote --bench throughput -- [ASKS] [LINES]`. The server is on this machine, so
//! the figures are those of this program's own work.
#![expect(clippy::print_stdout, reason = "a benchmark reports to whoever runs it")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use plimsoll_backend::{
    Backend, BackendObserver, Batch, Cancel, Control, Observation, Request, Sink, SinkError,
};
use plimsoll_core::prompt::{Message, Prompt, Role};
use plimsoll_core::{Decoding, ModelId, QuestionId, Seed, SignalRequest};
use plimsoll_remote::openai::{OpenAi, OpenAiSpec};
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};

const REPLY: &str = concat!(
    r#"{"model":"m","choices":[{"message":{"content":"It is 4"},"finish_reason":"stop","logprobs":{"content":["#,
    r#"{"token":"It is","logprob":-0.5,"bytes":[73,116,32,105,115]},{"token":" 4","logprob":-0.25,"bytes":[32,52]}]}}],"#,
    r#""usage":{"prompt_tokens":20,"completion_tokens":2}}"#
);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    // As a test (`cargo test --all-targets`), it only shows that it runs.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let count = numbers.next().unwrap_or(if is_bench { 5_000 } else { 50 });
    let lines = numbers.next().unwrap_or(if is_bench { 1_000_000 } else { 1_000 });
    let base_url = serve()?;
    let folder = tempfile::tempdir()?;
    for concurrency in [1, 16] {
        let backend = OpenAi::new(spec(&base_url, concurrency, None)?);
        report(&format!("server, concurrency {concurrency}"), &backend, &requests(count)?)?;
    }
    for what in ["server, filling the cache", "full cache"] {
        let backend = OpenAi::new(spec(&base_url, 16, Some(folder.path()))?);
        report(&format!("{what}, concurrency 16"), &backend, &requests(count)?)?;
    }
    replay(folder.path(), lines)
}

fn replay(folder: &Path, lines: usize) -> Result<(), Box<dyn Error>> {
    let path = folder.join("recorded.jsonl");
    let mut file = BufWriter::new(File::create(&path)?);
    for row in 0..lines {
        writeln!(
            file,
            r#"{{"question_id":"made/test/{row}","text":"It is {row}","tokens":["It is"," {row}"],"logprobs":[-0.5,-0.25]}}"#
        )?;
    }
    file.into_inner()?;
    let mebibytes = std::fs::metadata(&path)?.len() >> 20;
    let before = resident_mebibytes();
    let start = Instant::now();
    let file = RecordingFile {
        path,
        format: RecordingFormat::Generations,
        questions: String::new(),
        fields: RecordingFields::default(),
    };
    let replay =
        Replay::open(&ReplaySpec { id: ModelId::new("m")?, recorded_as: "m".into(), files: vec![file] })?;
    println!(
        "index of {lines} lines, {mebibytes} MiB: {:.2} s, memory {} -> {} MiB",
        start.elapsed().as_secs_f64(),
        before,
        resident_mebibytes()
    );
    let start = Instant::now();
    // In chunks, as a scheduler asks: what is held is one chunk.
    let (mut answered, chunk) = (Count(0), 1_000);
    for first in (0..lines).step_by(chunk) {
        let requests: Vec<Request> =
            (first..lines.min(first + chunk)).map(request).collect::<Result<_, Box<dyn Error>>>()?;
        answer(&replay, &requests, &mut answered)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("replay of {} rows: {seconds:.2} s, memory {} MiB", answered.0, resident_mebibytes());
    Ok(())
}

fn report(what: &str, backend: &dyn Backend, requests: &[Request]) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut answered = Count(0);
    answer(backend, requests, &mut answered)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {} rows in {seconds:.2} s, {:.0} a second", answered.0, answered.0 as f64 / seconds);
    Ok(())
}

fn answer(backend: &dyn Backend, requests: &[Request], sink: &mut dyn Sink) -> Result<(), Box<dyn Error>> {
    let signals = SignalRequest::answer().with_logprobs();
    let progress: Arc<dyn BackendObserver> = Arc::new(());
    let batch = Batch::new(requests, &signals, Decoding::new(0.0, 1.0, 16)?, Seed::new(1))?;
    Ok(backend.answer(&batch, sink, &Control { cancel: &Cancel::new(), progress: &progress })?)
}

struct Count(usize);

impl Sink for Count {
    fn take(&mut self, answered: Observation) -> Result<(), SinkError> {
        self.0 += answered.generations.iter().filter(|row| row.tokens.is_some()).count();
        Ok(())
    }
}

fn spec(base_url: &str, concurrency: usize, cache: Option<&Path>) -> Result<OpenAiSpec, Box<dyn Error>> {
    let raw = serde_json::json!({"base_url": base_url, "model": "m", "limits": {"concurrency": concurrency}});
    let resolved = OpenAiSpec::resolve(ModelId::new("m")?, serde_json::from_value(raw)?, &|_| None);
    let mut spec = resolved.map_err(|problems| format!("{problems:?}"))?;
    spec.cache = cache.map(Path::to_owned);
    Ok(spec)
}

fn request(row: usize) -> Result<Request, Box<dyn Error>> {
    let prompt = Prompt {
        version: "1".into(),
        messages: vec![Message { role: Role::User, text: format!("What is {row}? Answer with the number.") }],
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    Ok(Request { question_id: QuestionId::new(format!("made/test/{row}"))?, source_row: None, prompt })
}

fn requests(count: usize) -> Result<Vec<Request>, Box<dyn Error>> {
    (0..count).map(request).collect()
}

/// A server that keeps connections open and answers every request alike; it ends with the process.
fn serve() -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base_url = format!("http://{}/v1", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection ends when the client closes it.
            thread::spawn(move || connection(stream).ok());
        }
    });
    Ok(base_url)
}

fn connection(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{REPLY}", REPLY.len());
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        stream.write_all(reply.as_bytes())?;
    }
}

/// Resident memory, where the system tells; else 0.
fn resident_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) >> 10
}
