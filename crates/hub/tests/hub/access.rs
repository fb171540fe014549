//! Statuses, tokens, redirects, waits: what the user reads, and who gets the token.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use plimsoll_hub::{Endpoint, FileSelection, HubError, HubRequestError, Proxy};

use crate::fixture::{Here, SOURCE, TOKEN, dataset};
use plimsoll_test_support::hub_server::{Host, HostReply, Hub, HubContent};

fn hub() -> (Hub, Here) {
    let hub = Hub::start(dataset(b"rows"));
    let here = Here::new(&hub.front);
    (hub, here)
}

#[test]
fn the_token_goes_to_the_endpoint_and_to_no_other_host() {
    let (hub, here) = hub();
    here.split().unwrap();
    assert!(hub.front.requests().len() >= 2 && hub.cdn.requests().len() == 1);
    let bearer = format!("Bearer {TOKEN}");
    assert!(hub.front.requests().iter().all(|request| request.header("authorization") == Some(&bearer)));
    assert!(hub.cdn.requests().iter().all(|request| !format!("{request:?}").contains(TOKEN)));
}

#[test]
fn without_a_token_none_is_sent() {
    let (hub, mut here) = hub();
    here.options.token = None;
    here.split().unwrap();
    assert!(hub.front.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_gated_repository_says_where_to_accept_the_licence() {
    let (hub, mut here) = hub();
    hub.front.instead(|_, _| Some(HostReply::refusal(403, "GatedRepo")));
    let page = format!("{}/datasets/o/n", hub.front.address);
    let message = here.split_failure();
    assert!(message.contains(&format!("accept the licence at {page} and set HF_TOKEN")), "{message}");
    assert!(message.contains("the token that was sent is not enough"), "{message}");
    here.options.token = None;
    hub.front.instead(|_, _| Some(HostReply::refusal(401, "GatedRepo")));
    assert!(here.split_failure().contains("no token was sent"));
    assert_eq!(hub.front.requests().len(), 2, "a refusal is not asked for again");
}

#[test]
fn a_gate_that_stands_before_the_files_is_told_as_well() {
    let (hub, here) = hub();
    hub.front.instead(|request, _| {
        request.path.contains("/resolve/").then(|| HostReply::refusal(403, "GatedRepo"))
    });
    let message = here.split_failure();
    assert!(
        message.starts_with("cannot fetch `main/test-00000-of-00001.parquet` of `hf://datasets/o/n@"),
        "{message}"
    );
    assert!(message.contains("accept the licence"), "{message}");
    assert!(here.blobs().is_empty(), "{:?}", here.blobs());
}

#[test]
fn refusals_and_absences_are_told_apart() {
    let (hub, here) = hub();
    let split = FileSelection::parquet(None, None);
    for (status, code, part) in [
        (401, "RepoNotFound", "there is no repository"),
        (404, "RepoNotFound", "or it is private"),
        (404, "RevisionNotFound", "the repository has no revision `main`"),
        (401, "", "refuses access (status 401"),
        (403, "", "check HF_TOKEN"),
        (418, "", "status 418, which means nothing here: check HF_ENDPOINT"),
    ] {
        hub.front.instead(move |_, _| Some(HostReply::refusal(status, code)));
        let message = here.failure(SOURCE, &split);
        assert!(message.contains(part), "{status} {code}: {message}");
        assert!(message.contains("hf://datasets/o/n@main"), "{message}");
    }
}

#[test]
fn a_hub_that_gives_no_reason_for_404_is_asked_what_is_missing() {
    let (hub, here) = hub();
    hub.front.instead(|request, _| request.path.contains("/revision/").then(|| HostReply::new(404, "no")));
    assert!(here.split_failure().contains("no revision `main`"));
    hub.front.instead(|_, _| Some(HostReply::new(404, "no")));
    assert!(here.split_failure().contains("there is no repository"));
}

#[test]
fn a_file_that_is_listed_but_not_there_is_named() {
    let (hub, here) = hub();
    hub.front.instead(|request, _| {
        request.path.contains("/resolve/").then(|| HostReply::refusal(404, "EntryNotFound"))
    });
    let message = here.split_failure();
    assert!(
        message.contains("main/test-00000-of-00001.parquet") && message.contains("no such file"),
        "{message}"
    );
}

#[test]
fn transient_failures_are_retried_after_the_requested_wait() {
    for reply in [
        HostReply::new(429, "").with("Retry-After", "1"),
        HostReply::new(500, ""),
        HostReply::new(503, "").with("Retry-After", "0"),
        HostReply::new(408, ""),
    ] {
        let (hub, here) = hub();
        let failing = reply.clone();
        hub.front.instead(move |_, before| (before % 2 == 0).then(|| failing.clone()));
        let begun = Instant::now();
        here.split().unwrap();
        assert_eq!(hub.front.requests().len(), 4, "each of two requests twice");
        // A lower bound, which a slow machine meets too.
        assert!(
            reply.status != 429 || begun.elapsed() >= Duration::from_secs(2),
            "Retry-After was waited for"
        );
    }
}

#[test]
fn failures_that_stay_end_after_the_retries() {
    let (hub, here) = hub();
    hub.front.instead(|_, _| {
        Some(HostReply::new(502, "<html>bad gateway</html>").with("Content-Type", "text/html"))
    });
    let message = here.split_failure();
    assert!(message.contains("failed with status 502"), "{message}");
    assert_eq!(hub.front.requests().len(), 3);
}

#[test]
fn a_wait_that_is_too_long_is_reported_instead_of_waited_for() {
    let (hub, mut here) = hub();
    here.options.max_wait = Duration::from_secs(5);
    hub.front.instead(|_, _| Some(HostReply::new(429, "").with("Retry-After", "3600")));
    let message = here.split_failure();
    assert!(message.contains("(429): run again in 3600 s"), "{message}");
    assert_eq!(hub.front.requests().len(), 1);
}

#[test]
fn an_address_that_ran_out_is_asked_for_anew() {
    let (hub, here) = hub();
    hub.cdn.instead(|_, before| (before == 0).then(|| HostReply::new(403, "<Error>expired</Error>")));
    here.split().unwrap();
    assert_eq!(hub.cdn.requests().len(), 2);
    let front = hub.front.requests();
    assert_eq!(front.iter().filter(|request| request.path.contains("/resolve/")).count(), 2);
}

#[test]
fn nobody_at_the_endpoint_is_said_with_a_way_out() {
    let (hub, mut here) = hub();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    here.options.endpoint = Endpoint::parse(&format!("http://{closed}")).unwrap();
    let message = here.split_failure();
    assert!(message.contains(&format!("cannot reach http://{closed}")), "{message}");
    assert!(message.contains("HF_ENDPOINT") && message.contains("HF_HUB_OFFLINE=1"), "{message}");
    assert_eq!(hub.count(), (0, 0));
}

#[test]
fn an_endpoint_that_speaks_no_tls_is_an_error() {
    let (hub, mut here) = hub();
    here.options.endpoint = Endpoint::parse(&hub.front.address.replace("http:", "https:")).unwrap();
    here.options.retries = 0;
    let error = here.split().unwrap_err();
    assert!(matches!(error, HubError::List { .. }), "{error:?}");
}

#[test]
fn redirects_are_followed_so_far_and_no_farther() {
    let (hub, here) = hub();
    let address = hub.front.address.clone();
    let loops = format!("{address}/round");
    for (location, part) in [
        (loops.as_str(), "redirects more than 8 times"),
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://127.0.0.1/x", "neither http nor https"),
        ("http://user:SIGNED@127.0.0.1/x", "a user name or a password"),
        ("http://", "not followed"),
    ] {
        let location = location.to_owned();
        hub.front.instead(move |_, _| Some(HostReply::redirect(location.clone())));
        let message = here.split_failure();
        assert!(message.contains(part), "{message}");
    }
    assert!(hub.front.requests().len() <= 9 + 4, "{}", hub.front.requests().len());
    hub.front.instead(|_, _| Some(HostReply::new(302, "")));
    assert!(here.split_failure().contains("redirects to an address that is not followed: none is given"));
}

#[test]
fn a_renamed_repository_is_followed_with_the_token() {
    let hub = Hub::start(HubContent::dataset("o/new").revision("main", &[("test.parquet", b"rows")]));
    let here = Here::new(&hub.front);
    hub.front.instead(|request, _| {
        request.path.contains("/o/n/").then(|| HostReply::redirect(request.path.replace("/o/n/", "/o/new/")))
    });
    here.fetch(SOURCE, &FileSelection::parquet(None, None)).unwrap();
    assert!(hub.front.requests().iter().all(|request| request.header("authorization").is_some()));
}

#[test]
fn another_port_of_the_same_machine_is_another_host() {
    let (hub, here) = hub();
    let thief = Host::start(Box::new(|_| HostReply::new(200, "{}")));
    let address = thief.address.clone();
    hub.front
        .instead(move |_, _| Some(HostReply::redirect(format!("{address}/api/datasets/o/n/revision/main"))));
    here.split_failure();
    assert_eq!(thief.requests().len(), 1);
    assert!(thief.requests()[0].header("authorization").is_none());
}

#[test]
fn a_silent_server_and_a_slow_one_end_in_time() {
    let hub = Hub::start(dataset(&vec![7; 40_000]));
    let mut here = Here::new(&hub.front);
    here.options.read_timeout = Duration::from_millis(600);
    here.options.retries = 1;
    hub.front
        .instead(|_, _| Some(HostReply { silence: Duration::from_mins(1), ..HostReply::new(200, "{}") }));
    let message = here.split_failure();
    assert!(message.contains("did not answer within 0.6 s"), "{message}");
    hub.front.instead(|_, _| None);
    hub.cdn.instead(|_, _| {
        Some(HostReply { drip: Some(Duration::from_millis(40)), ..HostReply::new(200, vec![7; 40_000]) })
    });
    let message = here.split_failure();
    assert!(message.contains("less than 1 KiB a second"), "{message}");
}

#[test]
fn web_pages_are_no_answers() {
    let (hub, here) = hub();
    let page = || HostReply::new(200, "<html>log in</html>").with("Content-Type", "text/html; charset=utf-8");
    hub.front.instead(move |request, _| request.path.contains("/api/").then(page));
    assert!(here.split_failure().contains("a web page instead of a list of files"));
    hub.front.instead(|_, _| None);
    hub.cdn.instead(move |_, _| Some(page()));
    assert!(here.split_failure().contains("a web page instead of a file"));
    assert!(here.blobs().is_empty());
}

#[test]
fn lists_that_cannot_be_read_are_refused_in_bounded_memory() {
    let (hub, here) = hub();
    for (body, part) in [
        (b"{\"sha\": ".to_vec(), "cannot be read"),
        (b"{\"sha\": \"main\", \"siblings\": []}".to_vec(), "no commit hash"),
        (b"[]".to_vec(), "cannot be read"),
        (vec![b' '; (64 << 20) + 1], "longer than 64 MiB"),
    ] {
        hub.front.instead(move |_, _| Some(HostReply::new(200, body.clone())));
        let message = here.split_failure();
        assert!(message.contains(part), "{message}");
    }
}

fn proxy(address: &str, exceptions: &str) -> Proxy {
    Proxy::new(address, exceptions).unwrap()
}

#[test]
fn a_proxy_that_cannot_be_one_is_refused_without_showing_it() {
    let variable = |name: &str| (name == "ALL_PROXY").then(|| "gopher://user:SIGNED@x".into());
    let error = plimsoll_hub::HubOptions::from_variables(&variable).unwrap_err();
    let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(text.contains("the proxy") && !format!("{text} {error:?}").contains("SIGNED"), "{text}");
}

#[test]
fn a_proxy_is_used_except_where_it_should_not_be() {
    let (hub, mut here) = hub();
    let proxy = Host::start(Box::new(|_| HostReply::new(403, "")));
    here.options.proxy = Some(self::proxy(&proxy.address, ""));
    here.options.retries = 0;
    let message = here.split_failure();
    assert!(message.contains("the proxy refused"), "{message}");
    assert_eq!((proxy.requests()[0].method.as_str(), hub.count()), ("CONNECT", (0, 0)));
    here.options.proxy = Some(self::proxy(&proxy.address, "example.org, 127.0.0.1"));
    here.split().unwrap();
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn the_kind_of_failure_can_be_matched() {
    let (hub, here) = hub();
    hub.front.instead(|_, _| Some(HostReply::refusal(403, "GatedRepo")));
    let error = here.split().unwrap_err();
    assert!(matches!(error, HubError::List { source: HubRequestError::Gated { token_sent: true, .. }, .. }));
}

#[test]
fn answers_that_are_no_http_are_errors() {
    let (hub, mut here) = hub();
    hub.front.instead(|_, _| Some(HostReply::new(200, "{}").with("X-Long", "x".repeat(1 << 20))));
    let message = here.split_failure();
    assert!(message.contains("this is not HTTP"), "{message}");
    for bytes in [b"SSH-2.0-OpenSSH_9.6\r\n".as_slice(), b"\0\xff\xfe\r\n\r\n", b"HTTP/1.1 ", b""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        here.options.endpoint =
            Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(bytes);
            }
        });
        assert!(here.split_failure().starts_with("cannot list `hf://datasets/o/n@main`"));
    }
}
