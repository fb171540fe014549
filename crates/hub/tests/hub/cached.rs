//! The cache: its layout, what it saves, and what is read from it offline.

use std::fs;
use std::sync::Barrier;
use std::time::Duration;

use plimsoll_hub::{FileSelection, FileSource, resolve};

use crate::fixture::{Here, Log, SOURCE, dataset, noise, shown};
use plimsoll_test_support::hub_server::{Hub, HubContent, commit, sha256};

const FILE: &str = "main/test-00000-of-00001.parquet";

#[test]
fn a_split_is_fetched_verified_and_laid_out_as_the_hub_s_tools_do() {
    let bytes = noise(300_000);
    let hub = Hub::start(dataset(&bytes));
    let here = Here::new(&hub.front);
    let log = Log::default();
    let source = FileSource::parse(SOURCE).unwrap();
    let fetched =
        resolve(&source, &FileSelection::parquet(Some("main"), Some("test")), &here.options, &log).unwrap();
    assert_eq!(fetched.commit, Some(commit("main")));
    assert_eq!(fetched.revision.as_deref(), Some("main"));
    let [file] = &fetched.files[..] else { panic!("one file") };
    assert_eq!((file.name.as_str(), file.bytes), (FILE, 300_000));
    assert_eq!((file.config.as_deref(), file.split.as_deref()), (Some("main"), Some("test")));
    assert_eq!(file.sha256().unwrap(), sha256(&bytes));
    assert_eq!(fs::read(&file.path).unwrap(), bytes);
    let repository = here.repository();
    assert_eq!(file.path, repository.join("snapshots").join(commit("main")).join(FILE));
    assert_eq!(fs::read_to_string(repository.join("refs/main")).unwrap(), commit("main"));
    assert_eq!(here.blobs(), [sha256(&bytes)]);
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(&file.path).unwrap().to_str(),
        Some(&*format!("../../../blobs/{}", sha256(&bytes)))
    );
    let log = log.0.into_inner();
    assert_eq!(log.first().unwrap(), &format!("started {FILE} 0/300000"));
    assert_eq!(log.last().unwrap(), &format!("finished {FILE}"));
    let received: u64 =
        log.iter().filter_map(|line| line.strip_prefix("received ")?.parse::<u64>().ok()).sum();
    assert_eq!(received, 300_000);
}

#[test]
fn small_files_and_models_and_empty_files_come_as_well() {
    let files: [(&str, &[u8]); 4] =
        [("config.json", b"{}"), ("a/w.safetensors", b"weights"), ("empty", b""), (".gitattributes", b"x")];
    let hub = Hub::start(HubContent::model("o/n").revision("v1.0", &files));
    let here = Here::new(&hub.front);
    let fetched = here.fetch("hf://o/n@v1.0", &FileSelection::All).unwrap();
    let names: Vec<&str> = fetched.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, [".gitattributes", "a/w.safetensors", "config.json", "empty"]);
    for file in &fetched.files {
        let bytes = files.iter().find(|(name, _)| *name == file.name).unwrap().1;
        assert_eq!(fs::read(&file.path).unwrap(), bytes, "{}", file.name);
        assert_eq!(file.sha256().unwrap(), sha256(bytes));
    }
    assert!(here.folder.path().join("hub/models--o--n/refs/v1.0").is_file());
}

#[test]
fn what_is_cached_is_not_fetched_again() {
    let hub = Hub::start(dataset(b"rows"));
    let here = Here::new(&hub.front);
    here.split().unwrap();
    let (front, cdn) = hub.count();
    let log = Log::default();
    let wanted = FileSelection::parquet(Some("main"), Some("test"));
    let again = resolve(&FileSource::parse(SOURCE).unwrap(), &wanted, &here.options, &log).unwrap();
    assert_eq!(hub.count(), (front + 1, cdn), "only the revision was asked for");
    assert_eq!(log.0.into_inner(), [format!("cached {FILE} 4")]);
    let pinned = format!("hf://datasets/o/n@{}", again.commit.unwrap());
    here.fetch(&pinned, &wanted).unwrap();
    assert_eq!(hub.count(), (front + 1, cdn), "a commit needs no request at all");
}

#[test]
fn a_branch_that_moved_is_followed_and_shares_what_did_not_change() {
    let hub = Hub::start(dataset(b"rows"));
    let here = Here::new(&hub.front);
    let before = here.split().unwrap();
    let moved = Hub::start(HubContent::dataset("o/n").revision("new", &[(FILE, b"rows"), ("x.md", b"x")]));
    let there = Here { options: moved_options(&here, &moved), folder: tempfile::tempdir().unwrap() };
    moved.front.instead(|request, _| {
        let to = request.path.strip_suffix("/revision/main")?;
        Some(plimsoll_test_support::hub_server::HostReply::redirect(format!("{to}/revision/new")))
    });
    let after = there.split().unwrap();
    assert_ne!(before.commit, after.commit);
    assert_eq!(moved.count().1, 0, "the content was there already");
    assert_eq!(fs::read(&after.files[0].path).unwrap(), b"rows");
    assert_eq!(fs::read_to_string(here.repository().join("refs/main")).unwrap(), commit("new"));
}

fn moved_options(here: &Here, hub: &Hub) -> plimsoll_hub::HubOptions {
    let mut options = Here::new(&hub.front).options;
    options.cache.clone_from(&here.options.cache);
    options
}

#[test]
fn offline_reads_the_cache_and_asks_nobody() {
    let hub = Hub::start(dataset(b"rows"));
    let mut here = Here::new(&hub.front);
    here.split().unwrap();
    let count = hub.count();
    here.options.offline = true;
    let fetched = here.split().unwrap();
    assert_eq!(fetched.commit, Some(commit("main")));
    assert_eq!(fs::read(&fetched.files[0].path).unwrap(), b"rows");
    let message = here.failure("hf://datasets/o/n@v2", &FileSelection::All);
    assert!(
        message.contains("HF_HUB_OFFLINE is set") && message.contains("`hf://datasets/o/n@v2`"),
        "{message}"
    );
    let message = here.failure(SOURCE, &FileSelection::files(&["README.md"]));
    assert!(message.contains("does not have `README.md` of"), "{message}");
    let message = here.failure("hf://datasets/o/other", &FileSelection::All);
    assert!(message.contains("unset it to download"), "{message}");
    assert_eq!(hub.count(), count);
}

#[test]
fn offline_half_a_split_is_not_taken_for_the_whole() {
    let files: [(&str, &[u8]); 2] = [("main/test/0000.parquet", b"a"), ("main/test/0001.parquet", b"b")];
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &files));
    let mut here = Here::new(&hub.front);
    here.fetch("hf://datasets/o/n@main/main/test/0000.parquet", &FileSelection::All).unwrap();
    here.options.offline = true;
    let message = here.split_failure();
    assert!(message.contains("does not have `main/test/0001.parquet`"), "{message}");
}

#[test]
fn offline_reads_what_other_tools_cached() {
    let hub = Hub::start(dataset(b"rows"));
    let mut here = Here::new(&hub.front);
    here.options.offline = true;
    let repository = here.repository();
    let snapshot = repository.join("snapshots").join(commit("main"));
    fs::create_dir_all(snapshot.join("main")).unwrap();
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), format!("{}\n", commit("main"))).unwrap();
    fs::write(snapshot.join("main/test-00000-of-00002.parquet"), b"a").unwrap();
    let message = here.split_failure();
    assert!(message.contains("split `test` has 2 files, of which number 1"), "{message}");
    fs::write(snapshot.join("main/test-00001-of-00002.parquet"), b"b").unwrap();
    assert_eq!(here.split().unwrap().files.len(), 2);
    fs::write(repository.join("refs/main"), "../../../etc").unwrap();
    assert!(here.split_failure().contains("HF_HUB_OFFLINE"));
    assert_eq!(hub.count(), (0, 0));
}

#[test]
fn a_cached_file_of_the_wrong_size_is_fetched_again() {
    let bytes = noise(1000);
    let hub = Hub::start(dataset(&bytes));
    let mut here = Here::new(&hub.front);
    let path = here.split().unwrap().files[0].path.clone();
    fs::write(here.repository().join("blobs").join(sha256(&bytes)), &bytes[..10]).unwrap();
    here.options.offline = true;
    assert!(here.split_failure().contains("does not have"), "offline it counts as absent");
    here.options.offline = false;
    here.split().unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[test]
fn without_a_folder_for_the_cache_a_hub_source_says_what_to_set() {
    let hub = Hub::start(dataset(b"rows"));
    let mut here = Here::new(&hub.front);
    here.options.cache = None;
    assert!(here.split_failure().contains("set HF_HOME"));
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error() {
    let hub = Hub::start(dataset(b"rows"));
    let mut here = Here::new(&hub.front);
    let file = here.folder.path().join("file");
    fs::write(&file, b"").unwrap();
    here.options.cache = Some(file.join("hub"));
    let message = here.split_failure();
    assert!(message.starts_with("cannot "), "{message}");
}

#[test]
fn two_at_once_fetch_a_file_once() {
    let bytes = noise(200_000);
    let hub = Hub::start(dataset(&bytes));
    hub.cdn.instead(|_, _| {
        std::thread::sleep(Duration::from_millis(150));
        None
    });
    let here = Here::new(&hub.front);
    let (options, barrier) = (&here.options, &Barrier::new(4));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                barrier.wait();
                let source = FileSource::parse(SOURCE).unwrap();
                let fetched =
                    resolve(&source, &FileSelection::parquet(None, Some("test")), options, &()).unwrap();
                assert_eq!(fs::read(&fetched.files[0].path).unwrap().len(), 200_000);
            });
        }
    });
    assert_eq!(hub.count().1, 1);
    assert_eq!(here.blobs(), [sha256(&bytes)], "nothing is left over");
}

#[test]
fn a_lock_without_progress_is_named() {
    let hub = Hub::start(dataset(b"rows"));
    let mut here = Here::new(&hub.front);
    here.options.lock_wait = Duration::from_millis(150);
    let folder = here.folder.path().join("hub/.locks/datasets--o--n");
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join(format!("{}.lock", sha256(b"rows")))).unwrap();
    lock.lock().unwrap();
    let message = shown(&here.split().unwrap_err());
    assert!(message.contains("another process has held"), "{message}");
    lock.unlock().unwrap();
    here.split().unwrap();
}
