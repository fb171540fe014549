//! Properties of the page, the figures and the card, on synthetic rows.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod synthetic;
mod xml;

use plimsoll_report::inputs::{AtChance, UsualAnswer};
use plimsoll_report::{MAX_INLINE_BYTES, Report, ReportInputs, card_with_tables, report, report_within};
use synthetic::{HOSTILE, synthetic};

fn rendered(inputs: &ReportInputs) -> Report {
    report(inputs).unwrap()
}

/// The inline figures of a page.
fn inline(html: &str) -> Vec<&str> {
    html.split_inclusive("</svg>").filter_map(|part| Some(&part[part.find("<svg ")?..])).collect()
}

#[test]
fn every_figure_is_well_formed_and_says_what_it_shows() {
    for inputs in [synthetic(&["small"], 2, 3), synthetic(&HOSTILE, 2, 3)] {
        let report = rendered(&inputs);
        assert!(report.figures.len() > 10);
        for (name, svg) in &report.figures {
            assert!(name.strip_suffix(".svg").is_some() && !name.contains(['/', '\\', ' ', '<']), "{name}");
            xml::check(svg).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert!(svg.contains("<title>") && svg.contains("<desc>"), "{name}");
        }
        let inline = inline(&report.html);
        assert!(inline.len() > 20);
        for svg in inline {
            xml::check(svg).unwrap_or_else(|problem| panic!("{problem}: {svg}"));
            assert!(svg.contains("aria-label=") || svg.contains("aria-hidden="), "{svg}");
        }
    }
}

#[test]
fn the_page_is_well_formed_and_fetches_nothing() {
    for inputs in [synthetic(&["small"], 2, 3), synthetic(&HOSTILE, 3, 4), ReportInputs::default()] {
        let report = rendered(&inputs);
        xml::check_html(&report.html).unwrap();
        for remote in ["http:", "https:", "src=\"/", "<link", "@import", "url(", "<iframe", "<object"] {
            assert!(!report.html.contains(remote), "{remote}");
        }
        assert!(report.html.contains("default-src 'none'"));
    }
}

#[test]
fn a_run_of_several_slms_says_what_thresholds_do_with_another() {
    let html = rendered(&synthetic(&["small", "smaller"], 2, 3)).html;
    assert_eq!(html.matches("<h3>With another SLM</h3>").count(), 2);
    assert_eq!(html.matches("Thresholds applied to another SLM").count(), 2);
    // Of each pair its own rows: two methods with the other SLM.
    assert_eq!(html.matches("<td>0.211</td>").count(), 4, "shifts of the routing ratio");
    assert!(!rendered(&synthetic(&["small"], 2, 3)).html.contains("With another SLM"));
}

#[test]
fn a_method_that_is_mostly_missing_is_not_the_best() {
    let mut inputs = synthetic(&["small"], 2, 3);
    let pooled = |row: &&mut plimsoll_core::records::AlignmentRow| row.dataset == "*";
    for row in inputs.alignment.iter_mut().filter(pooled) {
        row.roc_auc = Some(if row.method == "m1" { 0.9 } else { 0.6 });
    }
    assert!(rendered(&inputs).html.contains("Of 2 methods, m1 ranks best"));
    for counts in
        inputs.series.iter_mut().filter(|series| series.method == "m1").flat_map(|of| &mut of.datasets)
    {
        counts.missing.insert("no_number".to_owned(), counts.scored());
    }
    let html = rendered(&inputs).html;
    assert!(
        html.contains("Of the 1 of 2 methods with a confidence for nearly every question, m0 ranks best")
    );
}

#[test]
fn no_number_is_not_a_number() {
    let mut inputs = synthetic(&["small"], 2, 3);
    // What no writer of the tables gives, a reader may still meet.
    inputs.curves[5].accuracy = Some(f64::NAN);
    inputs.curves[6].accuracy_high = Some(f64::INFINITY);
    inputs.alignment[1].roc_auc = Some(f64::NAN);
    inputs.transfer[0].achieved_routing_ratio = Some(f64::NAN);
    inputs.transfer_curves[3].own_accuracy = Some(f64::NEG_INFINITY);
    let report = rendered(&inputs);
    let texts = report.figures.iter().map(|(_, svg)| svg).chain([&report.html, &report.card]);
    for text in texts {
        assert!(!text.contains("NaN") && !text.contains("inf<") && !text.contains("inf "));
    }
}

#[test]
fn everything_is_named() {
    let inputs = synthetic(&["small", "other"], 3, 5);
    let report = rendered(&inputs);
    for number in 0..5 {
        assert!(report.html.contains(&format!("aria-label=\"{}", "Confidence by dataset")));
        assert!(report.html.contains(&format!("<title>d{number}</title>")), "d{number} has no panel");
        assert!(report.card.contains(&format!("| d{number} |")), "d{number}");
    }
    for number in 0..3 {
        assert!(report.html.contains(&format!("<title>m{number}</title>")), "m{number} has no panel");
    }
    for slm in ["small", "other"] {
        assert!(report.html.contains(&format!("{slm} → large")));
    }
}

#[test]
fn hostile_names_are_texts() {
    let report = rendered(&synthetic(&HOSTILE, 2, 3));
    // The front matter ends where it should: a name, which is quoted there, cannot close it.
    let card = report.card.strip_prefix("---\n").unwrap();
    let (front, body) = card.split_once("\n---\n").unwrap();
    assert!(
        front.contains("configs:") && front.contains("pretty_name: \"synthetic<img src=x onerror=\\\"alert"),
        "{front}"
    );
    let texts = report.figures.iter().map(|(_, svg)| svg.as_str()).chain([report.html.as_str(), body]);
    for text in texts {
        for raw in ["<img", "<script>alert", "</title><", "\u{202e}", "\u{0}", "]]>"] {
            assert!(!text.contains(raw), "{raw:?}");
        }
    }
    assert!(report.html.contains("&lt;img src=x onerror="));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let inputs = synthetic(&["small"], 2, 3);
    assert_eq!(rendered(&inputs), rendered(&inputs.clone()));
}

#[test]
fn what_a_run_does_not_have_is_left_out() {
    let whole = synthetic(&["small"], 2, 3);
    let empty = ReportInputs { provenance: whole.provenance.clone(), ..ReportInputs::default() };
    let report = rendered(&empty);
    assert!(report.figures.is_empty());
    assert!(report.card.starts_with("---\nlicense: unknown\n"));

    let mut alone = whole;
    for row in &mut alone.curves {
        (row.llm, row.accuracy, row.random_accuracy, row.oracle_accuracy) = (None, None, None, None);
    }
    (alone.transfer, alone.transfer_curves, alone.thresholds) = (Vec::new(), Vec::new(), Vec::new());
    for row in &mut alone.alignment {
        row.llm = None;
    }
    for row in &mut alone.curve_areas {
        row.llm = None;
    }
    for counts in &mut alone.series {
        counts.llm = None;
    }
    let report = rendered(&alone);
    assert!(report.html.contains("small alone"));
    assert!(!report.html.contains("Predicted and true curve") && !report.html.contains("Guarantees"));
    assert!(report.figures.iter().any(|(name, _)| name == "small.m0.confidence.svg"));
    assert!(!report.figures.iter().any(|(name, _)| name.contains("routing")), "there is no LLM to route to");
}

#[test]
fn the_text_cautions_where_the_claim_does_not_hold() {
    let mut inputs = synthetic(&["small"], 2, 3);
    for row in inputs.transfer.iter_mut().filter(|row| row.held_out == "d1") {
        row.accuracy = Some(0.1);
        (row.curve_rmse, row.random_curve_rmse) = (Some(0.2), Some(0.1));
    }
    let report = rendered(&inputs);
    for document in [&report.html, &report.card] {
        let text = document.replace('\\', "");
        assert!(text.contains(
            "is above random routing at the same routing ratio on 2 of 3 held-out datasets, but not on d1"
        ));
        assert!(text.contains("random line is on 2 of 3 held-out datasets, but not on d1"));
        assert!(text.contains("Caution:"));
    }
}

#[test]
fn sixteen_pairs_of_eight_methods_and_fourteen_datasets_stay_readable() {
    /// Bytes of the page of the paper's size.
    const MAX_RELATIVE_ACCURACY: usize = 12 << 20;
    let slms: Vec<String> = (0..16).map(|number| format!("slm-{number}")).collect();
    let slms: Vec<&str> = slms.iter().map(String::as_str).collect();
    let report = rendered(&synthetic(&slms, 8, 14));
    assert!(report.html.len() < MAX_RELATIVE_ACCURACY, "{} bytes", report.html.len());
    assert!(report.html.contains("Figures by dataset, as files"));
    let linked = report.html.matches("href=\"figures/").count();
    assert!(linked >= report.figures.len(), "every figure is reached from the page");
}

#[test]
fn servers_are_shown_by_what_their_replies_say() {
    use plimsoll_report::inputs::{ServedModelCounts, ServedState};
    let mut inputs = synthetic(&["small"], 1, 2);
    assert!(!rendered(&inputs).html.contains("What the servers said"));
    let state = |model: &str, fingerprint: Option<&str>, replies| ServedState {
        served_model: Some(model.to_owned()),
        system_fingerprint: fingerprint.map(str::to_owned),
        replies,
    };
    inputs.served = vec![
        ServedModelCounts {
            model: "small".to_owned(),
            states: vec![
                state("gpt-x-2025-04-14", Some("fp_a"), 1600),
                state("gpt-x-2025-04-14", Some("fp_b"), 300),
            ],
            others: 100,
        },
        ServedModelCounts { model: "large".to_owned(), states: vec![state(HOSTILE[0], None, 1)], others: 0 },
        ServedModelCounts {
            model: "none".to_owned(),
            states: vec![state(HOSTILE[1], Some(HOSTILE[1]), 2)],
            others: 0,
        },
    ];
    let report = rendered(&inputs);
    xml::check_html(&report.html).unwrap();
    for document in [&report.html, &report.card] {
        assert!(document.contains("What the servers said they are"));
        for share in ["1,600", "80.0 %", "15.0 %", "5.0 %", "fp_a", "fp_b"] {
            assert!(document.contains(share), "{share}");
        }
        for raw in ["<img", "<script>alert", "</title><", "\u{202e}", "\u{0}"] {
            assert!(!document.contains(raw), "{raw:?}");
        }
    }
    assert!(report.card.contains("| small | gpt-x-2025-04-14 | fp_a | 1,600 | 80.0 % |"), "{}", report.card);
    assert!(report.card.contains("| small | others | others | 100 | 5.0 % |"));
}

#[test]
fn unlikely_replies_are_reported() {
    use plimsoll_report::inputs::AnswerMass;
    let mut inputs = synthetic(&["small"], 2, 2);
    assert!(!rendered(&inputs).html.contains("Probability of the replies"));
    // A model that gives them, and one that would rather think.
    for (mean, too_small, expected) in
        [(0.97, 0, None), (1.25e-7, 2, Some("m1 (1.2e-7 on average, too little in"))]
    {
        for counts in &mut inputs.series[1].datasets {
            counts.answer_mass = AnswerMass { rows: 100, sum: 100.0 * mean };
            counts.missing.insert("masses_too_small".to_owned(), too_small);
        }
        let report = rendered(&inputs);
        xml::check_html(&report.html).unwrap();
        assert!(report.html.contains("Probability of the replies that are compared"));
        let shown = if mean > 0.5 { "0.970" } else { "1.2e-7" };
        assert!(report.html.contains(&format!("<td>200</td><td>{shown}</td>")), "{mean}");
        for document in [&report.html, &report.card] {
            assert_eq!(document.contains("compared replies are unlikely"), expected.is_some());
            assert!(expected.is_none_or(|expected| document.contains(expected)));
        }
    }
}

#[test]
fn a_model_at_chance_is_named_before_anything_else() {
    let mut inputs = synthetic(&["small", "other"], 1, 3);
    assert!(!rendered(&inputs).card.contains("at chance"));
    inputs.at_chance.push(AtChance {
        model: "small".to_owned(),
        dataset: "d1".to_owned(),
        accuracy: 0.27,
        low: 0.21,
        high: 0.33,
        chance: 0.25,
    });
    let report = rendered(&inputs);
    for document in [&report.html, &report.card] {
        let at = document.find("The SLM is at chance on d1 (0.27").unwrap();
        assert!(document[at..].contains("guessing 0.25"));
        assert!(document[at..].contains("ranks best"), "the methods come after it");
        assert_eq!(document.matches("is at chance").count(), 1);
    }
}

#[test]
fn one_answer_to_everything_is_said_of_both_models() {
    let mut inputs = synthetic(&["small", "other"], 1, 3);
    assert!(!rendered(&inputs).card.contains("One answer"));
    let llm = inputs.series[0].llm.clone().unwrap();
    for model in ["small", llm.as_str(), "a model of no pair"] {
        inputs.usual_answers.push(UsualAnswer {
            model: model.to_owned(),
            dataset: "d1".to_owned(),
            answer: "A".to_owned(),
            share: 0.95,
            gold_share: 0.2,
        });
    }
    let report = rendered(&inputs);
    let said = format!("small on d1 (A to 95 %, right for 20 %), {llm} on d1 (A to 95 %, right for 20 %).");
    for document in [&report.html, &report.card] {
        assert!(document.contains(&said), "{said}");
        assert!(!document.contains("a model of no pair"));
    }
}

#[test]
fn what_does_not_fit_is_linked() {
    let inputs = synthetic(&["small"], 2, 3);
    let (all, none) = (rendered(&inputs), report_within(&inputs, 0).unwrap());
    assert_eq!(all.figures, none.figures);
    assert!(all.html.len() > none.html.len());
    assert!(!all.html.contains("as files") && none.html.contains("as files"));
    for (name, _) in &none.figures {
        assert!(none.html.contains(&format!("href=\"figures/{name}\"")), "{name}");
    }
    assert!(all.html.len() < MAX_INLINE_BYTES);
}

/// The JSON that the explorer reads.
fn embedded(html: &str) -> &str {
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"explore-data\">").unwrap();
    rest.split_once("</script>").unwrap().0
}

fn index(value: &serde_json::Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn the_explorer_starts_where_the_tables_are() {
    let report = rendered(&synthetic(&["small", "other"], 3, 4));
    let html = &report.html;
    let first = html.find("id=\"explore\"").unwrap();
    assert!(first < html.find("id=\"overview\"").unwrap(), "it is the first screen");
    let data: serde_json::Value = serde_json::from_str(embedded(html)).unwrap();
    let pair = &data["pairs"][0];
    let method = &pair["methods"][index(&pair["best"])];
    let curve = &method["curve"];
    let ratio =
        method["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == "routing_ratio").unwrap();
    let stop = ratio["stops"].as_array().unwrap().iter().find(|stop| stop["text"] == "0.3").unwrap();
    // The curve has the point that the table of routing curves shows, the file the point of the table of operating points.
    let grid = index(&stop["grid"]);
    let number = |column: &str| curve[column][grid].as_i64().unwrap();
    let [own, low, high] = ["accuracy", "low", "high"].map(|column| format!("0.{:03}", number(column)));
    assert!(html.contains(&format!("<td>{own} [{low}, {high}]</td>")), "{own} stands in no table");
    let point = &method["points"][index(&stop["point"])];
    let row: Vec<&str> =
        point["cells"].as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect();
    assert!(
        html.contains(&format!("<td>reached</td><td>{}</td><td>{}</td><td>{}</td>", row[0], row[1], row[2]))
    );
    // What stands there without the script.
    assert!(html.contains(&format!("gives an accuracy of {own} [{low}, {high}]")), "{own}");
    assert!(html.contains("off its prediction by 4.0 points on average, at worst by 4.0 on d0"));
    assert!(html.contains("--target routing_ratio=0.3"));
}

#[test]
fn the_explorer_takes_names_for_texts() {
    let report = rendered(&synthetic(&HOSTILE, 2, 3));
    let embedded = embedded(&report.html);
    for raw in ['<', '>', '&', '\u{0}', '\u{202e}'] {
        assert!(!embedded.contains(raw), "{raw:?}");
    }
    let data: serde_json::Value = serde_json::from_str(embedded).unwrap();
    let slms: Vec<&str> =
        data["pairs"].as_array().unwrap().iter().map(|pair| pair["slm"].as_str().unwrap()).collect();
    assert!(slms.contains(&HOSTILE[0]), "a name is kept as it is: {slms:?}");
    // In a command it is one word.
    let method = format!("m0{}", HOSTILE[0].replace('\'', "'\\''"));
    let escaped = method.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let escaped = escaped.replace('"', "&quot;").replace('\'', "&#39;");
    assert!(report.html.contains(&format!("--method &#39;{escaped}&#39; --target")), "{method}");
}

#[test]
fn the_explorer_leaves_out_what_a_run_does_not_have() {
    let mut inputs = synthetic(&["small"], 1, 2);
    (inputs.transfer, inputs.transfer_curves) = (Vec::new(), Vec::new());
    inputs.thresholds = Vec::new();
    let html = rendered(&inputs).html;
    assert!(html.contains("Not known: nothing was held out here"));
    assert!(html.contains("plimsoll fit --scores tables/scores.parquet --ratio 0.3 --out calibration/mine"));
    inputs.curves = Vec::new();
    assert!(!rendered(&inputs).html.contains("id=\"explore\""));
}

/// Pages for `make report-test`, which opens them in a browser.
#[test]
fn pages_are_written_for_the_browser() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&folder).unwrap();
    let mut alone = synthetic(&["small"], 1, 2);
    for row in &mut alone.curves {
        (row.accuracy, row.random_accuracy, row.accuracy_low, row.accuracy_high) = (None, None, None, None);
        (row.always_slm_accuracy, row.always_llm_accuracy) = (None, None);
    }
    for row in &mut alone.transfer_curves {
        (row.predicted_accuracy, row.transferred_accuracy, row.own_accuracy) = (None, None, None);
    }
    let pages = [
        ("pairs", synthetic(&["small", "other"], 3, 5)),
        ("hostile", synthetic(&HOSTILE, 2, 3)),
        ("ungraded", alone),
        ("empty", ReportInputs::default()),
    ];
    for (name, inputs) in pages {
        std::fs::write(folder.join(format!("{name}.html")), rendered(&inputs).html).unwrap();
    }
}

#[test]
fn the_card_is_a_card() {
    insta::assert_snapshot!(rendered(&synthetic(&["small"], 1, 2)).card);
}

#[test]
fn a_card_with_fewer_tables_is_that_of_a_run_with_fewer_tables() {
    let inputs = synthetic(&HOSTILE, 1, 2);
    let card = rendered(&inputs).card;
    assert_eq!(card_with_tables(&card, |_| true), card);
    let mut fewer = inputs.clone();
    fewer.tables.retain(|table| table.name == "calibration");
    assert_eq!(fewer.tables.len() + 1, inputs.tables.len());
    assert_eq!(card_with_tables(&card, |name| name == "calibration"), rendered(&fewer).card);
    let none = card_with_tables(&card, |_| false);
    assert!(!none.contains("configs:") && !none.contains("### `"), "{none}");
}
