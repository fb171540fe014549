//! `fit`, `evaluate` and `transfer` on tables whose series are read one at a time, and shared through a store.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use plimsoll_test_support::numbers::Numbers;

use crate::harness::{PROGRAM, Run, Sandbox};

/// How long a process may take to do what a test waits for.
const PATIENCE: Duration = Duration::from_mins(3);
/// Datasets with their domains.
const DATASETS: [(&str, &str); 5] =
    [("alpha", "even"), ("beta", "odd"), ("gamma", "even"), ("delta", "odd"), ("epsilon", "even")];
const FIT: &str = "--ratio 0.2 0.5 --accuracy 0.7 --risk selective_error:0.3:0.1 --bootstrap 20";

/// A series that is written.
#[derive(Clone, Copy)]
struct Written {
    slm: &'static str,
    llm: Option<&'static str>,
    method: &'static str,
    /// Indices of its datasets.
    datasets: &'static [usize],
    /// Rows of each.
    rows: usize,
    costs: bool,
}

/// Series with other datasets, with costs and without, with an LLM and without, in the order of a table.
const SERIES: [Written; 7] = [
    Written { slm: "other", llm: None, method: "good", datasets: &[0, 1, 2], rows: 150, costs: false },
    Written { slm: "other", llm: Some("large"), method: "good", datasets: &[3], rows: 300, costs: true },
    Written { slm: "small", llm: Some("huge"), method: "good", datasets: &[4, 1], rows: 120, costs: false },
    Written {
        slm: "small",
        llm: Some("large"),
        method: "good",
        datasets: &[0, 1, 2, 3, 4],
        rows: 100,
        costs: true,
    },
    Written {
        slm: "small",
        llm: Some("large"),
        method: "mid",
        datasets: &[0, 1, 2],
        rows: 130,
        costs: false,
    },
    Written {
        slm: "small",
        llm: Some("large"),
        method: "noise",
        datasets: &[1, 2, 3, 4],
        rows: 90,
        costs: true,
    },
    Written { slm: "tiny", llm: Some("large"), method: "p true", datasets: &[2, 0], rows: 140, costs: false },
];

impl Written {
    /// As Hive names folders.
    fn folders(&self) -> String {
        let llm = self.llm.unwrap_or("__HIVE_DEFAULT_PARTITION__");
        format!("slm={}/llm={llm}/method={}", self.slm, self.method.replace(' ', "%20"))
    }

    /// All columns, those of the folders too.
    fn write(&self, path: &PathBuf, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let keys: Vec<(usize, usize)> =
            self.datasets.iter().flat_map(|dataset| (0..self.rows).map(move |row| (*dataset, row))).collect();
        let text = |value: &dyn Fn(usize, usize) -> Option<String>| -> ArrayRef {
            Arc::new(keys.iter().map(|(dataset, row)| value(*dataset, *row)).collect::<StringArray>())
        };
        let confidences: Vec<f64> = keys.iter().map(|_| numbers.unit()).collect();
        let mut graded = |share: &dyn Fn(usize) -> f64, there: bool| -> ArrayRef {
            let grade = |row: usize| (there && row % 37 != 5).then_some(numbers.unit() < share(row));
            Arc::new((0..keys.len()).map(grade).collect::<BooleanArray>())
        };
        let slm = graded(&|row| confidences[row], true);
        let llm = graded(&|_| 0.85, self.llm.is_some());
        let cost = |usd: f64| -> ArrayRef {
            Arc::new((0..keys.len()).map(|_| self.costs.then_some(usd)).collect::<Float64Array>())
        };
        let missing = |(row, value): (usize, &f64)| (row % 50 != 7).then_some((value * 1e4).round() / 1e4);
        let batch = RecordBatch::try_from_iter([
            ("question_id", text(&|_, row| Some(format!("q{row}")))),
            ("dataset", text(&|dataset, _| Some(DATASETS[dataset].0.to_owned()))),
            ("domain", text(&|dataset, _| Some(DATASETS[dataset].1.to_owned()))),
            ("slm", text(&|_, _| Some(self.slm.to_owned()))),
            ("llm", text(&|_, _| self.llm.map(str::to_owned))),
            ("method", text(&|_, _| Some(self.method.to_owned()))),
            ("confidence", Arc::new(confidences.iter().enumerate().map(missing).collect::<Float64Array>())),
            ("slm_correct", slm),
            ("llm_correct", llm),
            ("cluster_id", text(&|dataset, row| (dataset == 1).then(|| format!("c{}", row / 3)))),
            ("slm_cost", cost(1e-4)),
            ("llm_cost", cost(1e-3)),
        ])
        .unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

/// The same files in `apart`, in folders that name their series, and in `plain`, in folders that do not.
fn tables(series: &[Written]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (index, written) in series.iter().enumerate() {
        let path = sandbox.path(&format!("apart/{}/part-0.parquet", written.folders()));
        written.write(&path, index as u64);
        sandbox.write(&format!("plain/{index:02}/part-0.parquet"), fs::read(path).unwrap());
    }
    sandbox
}

/// Compares everything but the manifest, which knows the time.
#[track_caller]
fn assert_same(sandbox: &Sandbox, out: &str, other: &str) {
    let files = sandbox.files(other);
    assert_eq!(sandbox.files(out), files);
    assert!(files.len() > 1, "{files:?}");
    for file in files.iter().filter(|file| *file != "manifest.json") {
        let (a, b) = (sandbox.read(&format!("{out}/{file}")), sandbox.read(&format!("{other}/{file}")));
        assert!(a == b, "{out}/{file} is not {other}/{file}");
    }
}

/// The commands that share series, but for scores and output.
fn commands() -> [String; 3] {
    [
        format!("fit {FIT}"),
        "evaluate --bootstrap 20".to_owned(),
        format!("transfer --by dataset --by domain --repeats 1 {FIT}"),
    ]
}

#[test]
fn series_that_are_read_one_at_a_time_give_the_bytes_of_one_table() {
    let sandbox = tables(&SERIES);
    for (index, command) in commands().iter().enumerate() {
        sandbox.sh(&format!("{command} --scores plain --out plain{index}")).exits(0);
        let apart = sandbox.sh(&format!("{command} --scores apart --out apart{index} -v")).exits(0);
        apart.says(["rows of other good read", "rows of tiny -> large p true read"]);
        assert_same(&sandbox, &format!("apart{index}"), &format!("plain{index}"));
    }
    let file = sandbox.json("apart0/small--large.thresholds.json");
    assert_eq!(file["methods"].as_array().unwrap().len(), 3);
    assert_eq!(file["calibration"]["datasets"].as_array().unwrap().len(), 5);
}

#[test]
fn shared_series_give_the_bytes_of_one_process() {
    let sandbox = tables(&SERIES);
    for (index, command) in commands().iter().enumerate() {
        sandbox.sh(&format!("{command} --scores apart --out alone{index}")).exits(0);
        let first = format!("{command} --scores apart --store store --out first{index}");
        sandbox.sh(&first).exits(0).says(["7 series computed here, 0 found"]);
        let second = format!("{command} --scores apart --store store --out second{index}");
        sandbox.sh(&second).exits(0).says(["0 series computed here, 7 found"]);
        // Another table of the same rows has other addresses: what is there is no result of it.
        let plain = format!("{command} --scores plain --store store --out plain{index}");
        sandbox.sh(&plain).exits(0).says(["7 series computed here, 0 found"]);
        for out in ["first", "second", "plain"] {
            assert_same(&sandbox, &format!("{out}{index}"), &format!("alone{index}"));
        }
    }
    assert!(
        fs::read_dir(sandbox.path("store/leases"))
            .into_iter()
            .flatten()
            .all(|lease| { fs::read_dir(lease.unwrap().path()).unwrap().next().is_none() })
    );
    // Other parameters are other results.
    let other = "fit --ratio 0.3 --bootstrap 20 --scores apart --store store --out other";
    sandbox.sh(other).exits(0).says(["7 series computed here, 0 found"]);
}

/// Series that take a while.
fn slow() -> Vec<Written> {
    const METHODS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let series = |method| Written { method, rows: 1500, ..SERIES[3] };
    METHODS.into_iter().map(series).collect()
}

fn process(sandbox: &Sandbox, out: &str) -> Child {
    let mut command = sandbox.command(
        &format!("fit {SLOW} --scores apart --store store --lease-seconds 3 --out {out} -v")
            .split_whitespace()
            .collect::<Vec<_>>(),
    );
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

const SLOW: &str = "--ratio 0.2 0.5 --accuracy 0.7 --fraction 0.9 --bootstrap 2000";

fn records(sandbox: &Sandbox) -> usize {
    let results = fs::read_dir(sandbox.path("store/series")).into_iter().flatten();
    results.filter(|result| result.as_ref().unwrap().path().join("record.json").is_file()).count()
}

#[test]
fn of_three_processes_one_is_killed_and_the_others_end_with_the_bytes_of_one() {
    let series = slow();
    let sandbox = tables(&series);
    sandbox.sh(&format!("fit {SLOW} --scores apart --out alone")).exits(0);
    let mut processes: Vec<Child> = (0..3).map(|index| process(&sandbox, &format!("out{index}"))).collect();
    let start = Instant::now();
    while records(&sandbox) < 2 {
        assert!(start.elapsed() < PATIENCE, "{} records", records(&sandbox));
        thread::sleep(Duration::from_millis(2));
    }
    processes[0].kill().unwrap();
    let mut computed: BTreeMap<String, usize> = BTreeMap::new();
    for (index, process) in processes.into_iter().enumerate() {
        let run = Run::from(process.wait_with_output().unwrap());
        for line in run.stderr.lines().filter(|line| line.contains("computing series=")) {
            let address = line.split("series=").nth(1).unwrap().chars().take(64).collect();
            *computed.entry(address).or_default() += 1;
        }
        if index > 0 {
            run.exits(0);
            assert_same(&sandbox, &format!("out{index}"), "alone");
        }
    }
    assert_eq!((records(&sandbox), computed.len()), (series.len(), series.len()));
    assert!(computed.values().all(|times| *times <= 2), "{computed:?}");
    assert!(computed.values().sum::<usize>() <= series.len() + 1, "{computed:?}");
}

#[test]
fn a_lease_that_nobody_renews_and_a_damaged_result_cost_a_computation() {
    let sandbox = tables(&SERIES[..3]);
    let fit = |out: &str| format!("fit {FIT} --scores apart --store store --lease-seconds 1 --out {out}");
    sandbox.sh(&fit("first")).exits(0);
    for (index, result) in fs::read_dir(sandbox.path("store/series")).unwrap().enumerate() {
        let result = result.unwrap().path();
        let address = result.file_name().unwrap().to_str().unwrap().to_owned();
        match index {
            // Its holder hangs, and its clock means nothing.
            0 => {
                fs::remove_dir_all(&result).unwrap();
                let lease = br#"{"holder":"hung","beat":3,"milliseconds":1000}"#;
                sandbox.write(&format!("store/leases/series-{address}/0.json"), lease);
            }
            1 => {
                for file in fs::read_dir(&result).unwrap() {
                    let path = file.unwrap().path();
                    if path.file_name().unwrap().to_str().unwrap().starts_with("grades-") {
                        let mut bytes = fs::read(&path).unwrap();
                        bytes[10] ^= 1;
                        fs::write(path, bytes).unwrap();
                    }
                }
            }
            _ => {}
        }
    }
    let run = sandbox.sh(&fit("second")).exits(0);
    run.says([
        "waiting for 1 series that other processes compute",
        "a result in the store is damaged and is computed again",
        "1 series computed here, 2 found",
    ]);
    assert_same(&sandbox, "second", "first");
    sandbox.sh(&fit("third")).exits(0).says(["0 series computed here, 3 found"]);
}

#[test]
fn a_full_disk_ends_a_process_and_with_room_the_same_command_goes_on() {
    let sandbox = tables(&SERIES[..2]);
    let fit = format!("fit {FIT} --scores apart --store store --out out");
    let mut full = Command::new("sh");
    full.args(["-c", &format!("trap '' XFSZ; ulimit -f 1; exec {PROGRAM} {fit}")])
        .current_dir(sandbox.root());
    Run::from_command(full).exits(4);
    assert_eq!((records(&sandbox), sandbox.exists("out/manifest.json")), (0, false));
    sandbox.sh(&fit).exits(0);
    sandbox.sh(&format!("fit {FIT} --scores apart --out alone")).exits(0);
    assert_same(&sandbox, "out", "alone");
}

#[test]
fn what_cannot_be_is_said() {
    let sandbox = tables(&SERIES[..2]);
    for (arguments, says) in [
        ("fit --scores apart --store s3://bucket/x --out out", "--features cloud"),
        ("evaluate --scores apart --store http://host/x --out out", "is no store"),
        ("transfer --scores apart --store store --lease-seconds 0 --out out", "1..=3600"),
        ("fit --decisions log --thresholds file --store store --out out", "cannot be used with"),
    ] {
        let run = sandbox.sh(arguments).exits(2);
        run.says([says]);
    }
    // A file in the folders of another series.
    let path = sandbox.path("apart/slm=zeta/llm=large/method=good/part-0.parquet");
    SERIES[0].write(&path, 1);
    let run = sandbox.sh("fit --scores apart --out out").exits(3);
    run.says(["column `slm`"]);
}
