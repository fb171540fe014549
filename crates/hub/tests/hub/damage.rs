//! Bytes that are lost, wrong, too many or have no room.

use std::fs;

use plimsoll_hub::{FileSelection, FileSource, resolve};

use crate::fixture::{Here, Log, SOURCE, dataset, noise};
use plimsoll_test_support::hub_server::{HostReply, Hub, HubContent, content, sha256};

const LENGTH: usize = 400_000;

fn hub() -> (Hub, Here, Vec<u8>) {
    let bytes = noise(LENGTH);
    let hub = Hub::start(dataset(&bytes));
    let here = Here::new(&hub.front);
    (hub, here, bytes)
}

fn ranges(hub: &Hub) -> Vec<Option<String>> {
    hub.cdn.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect()
}

#[test]
fn a_cut_connection_goes_on_where_it_ended() {
    let (hub, here, bytes) = hub();
    let whole = bytes.clone();
    hub.cdn.instead(move |request, before| {
        (before < 2).then(|| HostReply { cut: Some(100_000), ..content(request, &whole) })
    });
    let log = Log::default();
    let wanted = FileSelection::parquet(None, None);
    let fetched = resolve(&FileSource::parse(SOURCE).unwrap(), &wanted, &here.options, &log).unwrap();
    assert_eq!(fs::read(&fetched.files[0].path).unwrap(), bytes);
    assert_eq!(ranges(&hub), [None, Some("bytes=100000-".into()), Some("bytes=200000-".into())]);
    let starts: Vec<String> =
        log.0.into_inner().into_iter().filter(|line| line.starts_with("started")).collect();
    assert!(starts[2].ends_with("200000/400000"), "{starts:?}");
}

#[test]
fn a_later_run_goes_on_where_an_earlier_one_ended() {
    let (hub, mut here, bytes) = hub();
    here.options.retries = 0;
    let whole = bytes.clone();
    hub.cdn.instead(move |request, before| {
        (before == 0).then(|| HostReply { cut: Some(150_000), ..content(request, &whole) })
    });
    let message = here.split_failure();
    assert!(message.contains("closed the connection after 150000 of 400000 bytes; run again"), "{message}");
    assert_eq!(here.blobs(), [format!("{}.incomplete", sha256(&bytes))], "nothing has a final name");
    assert!(!here.repository().join("snapshots").exists());
    assert_eq!(fs::read(&here.split().unwrap().files[0].path).unwrap(), bytes);
    assert_eq!(ranges(&hub)[1].as_deref(), Some("bytes=150000-"));
    assert_eq!(here.blobs(), [sha256(&bytes)]);
}

#[test]
fn a_partial_file_that_is_whole_or_too_long_or_wrong_is_dealt_with() {
    for (partial, requests) in
        [(noise(LENGTH), 0), ([noise(LENGTH), vec![1]].concat(), 1), (vec![0; 1000], 2), (vec![0; LENGTH], 1)]
    {
        let (hub, here, bytes) = hub();
        let blobs = here.repository().join("blobs");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join(format!("{}.incomplete", sha256(&bytes))), &partial).unwrap();
        assert_eq!(fs::read(&here.split().unwrap().files[0].path).unwrap(), bytes);
        assert_eq!(hub.count().1, requests, "{} bytes", partial.len());
        assert_eq!(here.blobs(), [sha256(&bytes)]);
    }
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let (hub, here, bytes) = hub();
    let whole = bytes.clone();
    hub.cdn.instead(move |_, before| {
        let reply = HostReply::new(200, whole.clone());
        Some(if before == 0 { HostReply { cut: Some(100_000), ..reply } } else { reply })
    });
    assert_eq!(fs::read(&here.split().unwrap().files[0].path).unwrap(), bytes);
    assert_eq!(hub.count().1, 2);
}

#[test]
fn a_server_that_gives_another_part_is_refused() {
    let (hub, here, bytes) = hub();
    hub.cdn.instead(move |request, _| {
        Some(match request.header("range") {
            None => HostReply { cut: Some(100_000), ..HostReply::new(200, bytes.clone()) },
            Some(_) => HostReply::new(206, &bytes[5..]).with("Content-Range", "bytes 5-399999/400000"),
        })
    });
    assert!(here.split_failure().contains("another part than requested"));
    hub.cdn.instead(|_, _| None);
    here.split().unwrap();
    assert_eq!(ranges(&hub).last().unwrap().as_deref(), Some("bytes=100000-"), "what was good is kept");
}

#[test]
fn a_damaged_file_is_deleted_and_never_seen() {
    let (hub, here, mut bytes) = hub();
    let good = sha256(&bytes);
    bytes[LENGTH / 2] ^= 1;
    let bad = sha256(&bytes);
    hub.cdn.instead(move |request, _| Some(content(request, &bytes)));
    let message = here.split_failure();
    assert!(
        message.contains(&format!("its hash is {bad}, and {good} was announced; it was deleted")),
        "{message}"
    );
    assert!(here.blobs().is_empty());
    assert!(!here.repository().join("snapshots").exists());
    hub.cdn.instead(|_, _| None);
    here.split().unwrap();
}

#[test]
fn small_files_are_verified_too() {
    let hub = Hub::start(HubContent::model("o/n").revision("main", &[("config.json", b"{\"a\": 1}")]));
    let here = Here::new(&hub.front);
    hub.front
        .instead(|request, _| request.path.contains("/resolve/").then(|| HostReply::new(200, "{\"a\": 2}")));
    let message = here.failure("hf://o/n", &FileSelection::files(&["config.json"]));
    assert!(message.contains("the file is damaged"), "{message}");
}

#[test]
fn another_number_of_bytes_is_refused() {
    let (hub, here, bytes) = hub();
    let (short, long) = (bytes[..1000].to_vec(), [bytes.clone(), vec![0; 10]].concat());
    hub.cdn.instead(move |_, _| Some(HostReply::new(200, short.clone())));
    let message = here.split_failure();
    assert!(message.contains("offers 1000 bytes where the repository has 400000"), "{message}");
    let without_length = long.clone();
    hub.cdn.instead(move |_, _| Some(HostReply::new(200, long.clone())));
    assert!(here.split_failure().contains("offers 400010 bytes"));
    hub.cdn.instead(move |_, _| Some(chunked(&without_length)));
    let message = here.split_failure();
    assert!(message.contains("nothing of it was stored"), "{message}");
    assert!(here.blobs().is_empty());
    hub.cdn.instead(move |_, _| Some(chunked(&bytes)));
    here.split().unwrap();
}

/// A body without a length, in one chunk.
fn chunked(bytes: &[u8]) -> HostReply {
    let body = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n0\r\n\r\n"].concat();
    HostReply::new(200, body).with("Transfer-Encoding", "chunked")
}

#[test]
fn another_hash_with_the_file_than_in_the_list_is_refused_before_it_is_fetched() {
    let (hub, here, _) = hub();
    let cdn = hub.cdn.address.clone();
    hub.front.instead(move |request, _| {
        let redirect = || {
            HostReply::redirect(format!("{cdn}/x")).with("X-Linked-Etag", format!("\"{}\"", "0".repeat(64)))
        };
        request.path.contains("/resolve/").then(redirect)
    });
    hub.cdn.instead(|_, _| Some(HostReply::new(200, noise(LENGTH))));
    assert!(here.split_failure().contains("another hash with the file than in the list of files"));
}

#[test]
fn an_encoding_that_was_not_requested_is_refused() {
    let (hub, here, bytes) = hub();
    hub.cdn.instead(move |_, _| Some(HostReply::new(200, bytes.clone()).with("Content-Encoding", "gzip")));
    assert!(here.split_failure().contains("an encoding that was not requested"));
    assert!(hub.cdn.requests().iter().all(|request| request.header("accept-encoding") == Some("identity")));
}

#[test]
fn a_file_over_the_limit_is_not_begun() {
    let (hub, mut here, _) = hub();
    here.options.max_file_bytes = 1000;
    let message = here.split_failure();
    assert!(message.contains("has 400000 bytes and at most 1000 are fetched"), "{message}");
    assert_eq!(hub.count().1, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_leaves_nothing_under_a_final_name() {
    let (_hub, here, bytes) = hub();
    let blobs = here.repository().join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", sha256(&bytes)));
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    let message = here.split_failure();
    assert!(
        message.starts_with("the disk is full: `main/test-00000-of-00001.parquet` has 400000 bytes"),
        "{message}"
    );
    assert!(message.contains("HF_HOME"), "{message}");
    assert!(!blobs.join(sha256(&bytes)).exists() && !here.repository().join("snapshots").exists());
    fs::remove_file(partial).unwrap();
    here.split().unwrap();
}
