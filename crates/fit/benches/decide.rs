//! The router's decisions, with a fixed threshold, with a tracker and token by token, and its error monitor: in time and in allocations.
//!
//! `cargo bench -p plimsoll-fit --bench decide`. It stands here since criterion needs a newer Rust than the router.

#![expect(unsafe_code, reason = "an allocator that counts")]
#![expect(clippy::print_stdout, reason = "allocations are printed beside the times")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll_router::conformance::example_thresholds;
use plimsoll_router::{Confidence, ErrorMonitor, Router, TrackerSettings};

/// The system's allocator, which counts its calls.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests of traffic: ids and confidences, every fiftieth missing.
fn requests() -> Vec<(String, Option<Confidence>)> {
    let confidence = |index: u32| Confidence::new(f64::from((index * 7919) % 10_007) / 10_007.0).ok();
    let request =
        |index: u32| (format!("req-{index:08}"), confidence(index).filter(|_| !index.is_multiple_of(50)));
    (0..4_096).map(request).collect()
}

fn decide(criterion: &mut Criterion) {
    let thresholds = example_thresholds();
    let device = thresholds.slm.clone();
    let target = "routing_ratio=0.3".parse().unwrap();
    let router = Router::new(&thresholds, &device, "perplexity", &target).unwrap();
    let requests = requests();
    let mut next = (0..requests.len()).cycle();
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| router.decide(black_box(requests[next.next().unwrap_or_default()].1)));
    });
    let mut tracker = router.tracker(TrackerSettings::DEFAULT).unwrap();
    criterion.bench_function("track", |bencher| {
        bencher.iter(|| {
            let (id, confidence) = &requests[next.next().unwrap_or_default()];
            router.track(&mut tracker, black_box(id), black_box(*confidence)).unwrap()
        });
    });
    let mut monitor = ErrorMonitor::new(0.1, 0.1).unwrap();
    criterion.bench_function("observe error", |bencher| {
        bencher.iter(|| monitor.observe(black_box(!next.next().unwrap_or_default().is_multiple_of(10))));
    });
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for index in 0..requests.len() {
        black_box(monitor.observe(!index.is_multiple_of(10)));
    }
    for (id, confidence) in &requests {
        black_box(router.track(&mut tracker, id, *confidence).unwrap());
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    println!("{allocations} allocations in {} tracked decisions and as many labels", requests.len());
    assert_eq!(allocations, 0, "a decision or a label allocates");
}

/// A confidence that grows token by token, and the question whether an early exit is due.
fn stream(criterion: &mut Criterion) {
    let thresholds = example_thresholds();
    let target = "routing_ratio=0.3".parse().unwrap();
    let router = Router::new(&thresholds, &thresholds.slm, "perplexity", &target).unwrap();
    let mut growing = router.accumulator().unwrap();
    criterion.bench_function("push", |bencher| bencher.iter(|| growing.push(black_box(-0.25f32))));
    criterion.bench_function("push and must defer", |bencher| {
        bencher.iter(|| {
            growing.push(black_box(-0.25f32));
            router.must_defer(black_box(&growing), black_box(u64::MAX)).unwrap()
        });
    });
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..1_000 {
        growing.push(black_box(-0.25f32));
        black_box(router.must_defer(&growing, u64::MAX).unwrap());
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "a token allocates");
}

criterion_group!(decisions, decide, stream);
criterion_main!(decisions);
