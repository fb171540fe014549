//! What the gateway costs: latency beside the bare server, memory over many requests, and clients that leave. Servers and
//! gateway are processes of their own on this machine; see README.md beside this file.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise and prints"
)]

mod client;
mod servers;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::{Load, measure, under_way};

/// A process of this program in another role, with the address that it says.
struct Role {
    child: Child,
    address: String,
}

impl Role {
    fn start(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().to_owned() }
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["upstream"] => runtime.block_on(servers::upstream()),
        ["gateway", slm, llm, folder] => runtime.block_on(servers::gateway(slm, llm, folder)),
        [] => runtime.block_on(drive(100_000, 1_000)),
        [requests, leaving] => {
            runtime.block_on(drive(requests.parse().unwrap(), leaving.parse().unwrap()));
        }
        _ => println!("load [REQUESTS LEAVING]"),
    }
}

async fn drive(requests: usize, leaving: usize) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Role::start(&["upstream"]);
    let folder = folder.path().to_str().unwrap();
    let gateway = Role::start(&["gateway", &upstream.address, &upstream.address, folder]);
    latency(&upstream, &gateway).await;
    memory(&gateway, requests).await;
    leave(&upstream, &gateway, leaving).await;
}

async fn latency(upstream: &Role, gateway: &Role) {
    println!(
        "connections  bare median  bare p99  gateway median  gateway p99  overhead median (ms)  requests/s"
    );
    for connections in [1, 16, 256] {
        let load = |model| Load { model, connections, requests: 2_000.max(connections * 20) };
        // Once for warm connections.
        measure(&gateway.address, Load { requests: connections, ..load("plimsoll") }).await;
        let bare = measure(&upstream.address, load("small")).await;
        let ours = measure(&gateway.address, load("plimsoll")).await;
        println!(
            "{connections:11}  {:11.3}  {:8.3}  {:14.3}  {:11.3}  {:20.3}  {:10.0}",
            bare.median_ms,
            bare.p99_ms,
            ours.median_ms,
            ours.p99_ms,
            ours.median_ms - bare.median_ms,
            ours.per_second
        );
    }
}

async fn memory(gateway: &Role, requests: usize) {
    println!("requests  resident MiB");
    let step = (requests / 10).max(1);
    for done in (0..=requests).step_by(step) {
        println!("{done:8}  {:12.1}", gateway.memory());
        if done < requests {
            measure(&gateway.address, Load { model: "plimsoll", connections: 16, requests: step }).await;
        }
    }
}

async fn leave(upstream: &Role, gateway: &Role, clients: usize) {
    let most = client::leave_in_the_middle(&gateway.address, &upstream.address, clients).await;
    let begin = Instant::now();
    while under_way(&upstream.address).await > 0 && begin.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = under_way(&upstream.address).await;
    println!(
        "{clients} clients left; the server was at {most} replies when they did, and at {left} after {:.2} s",
        begin.elapsed().as_secs_f64()
    );
}
