//! A callback for the proxy of `LiteLLM`, one Python file without further packages.

use super::{Point, other_method};

const TEMPLATE: &str = include_str!("litellm.py");

/// The file.
pub(super) fn export(point: &Point<'_>) -> Result<String, String> {
    if !["perplexity", "average_token_probability", "min_token_probability"].contains(&point.method) {
        return Err(other_method(
            point,
            "what a reply's log-probabilities give: perplexity, average_token_probability, min_token_probability,",
        ));
    }
    let llm = point.llm.ok_or("the file names no LLM to defer to")?;
    let [first, second] = point.origin();
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    Ok(TEMPLATE
        .replace("ORIGIN_LINES", &format!("{first}\n{second}"))
        .replace("METHOD_NAME", &quoted(point.method))
        .replace("POINT_ID", &quoted(point.id))
        .replace("THRESHOLD_VALUE", &format!("{:?}", point.threshold))
        .replace("SLM_NAME", &quoted(point.slm))
        .replace("LLM_NAME", &quoted(llm)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_point_and_nothing_is_left_to_fill_in() {
        let mut point = Point {
            method: "perplexity",
            id: "perplexity/routing_ratio=0.3",
            threshold: 0.625,
            slm: "a \"small\" one",
            llm: Some("large"),
            file_sha256: "0",
        };
        let text = export(&point).unwrap();
        for line in [
            "METHOD = \"perplexity\"",
            "THRESHOLD = 0.625",
            "SLM = \"a \\\"small\\\" one\"",
            "LLM = \"large\"",
            "THRESHOLD_ID = \"perplexity/routing_ratio=0.3\"",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        for left in ["ORIGIN_LINES", "METHOD_NAME", "POINT_ID", "THRESHOLD_VALUE", "SLM_NAME", "LLM_NAME"] {
            assert!(!text.contains(left), "{left}");
        }
        point.llm = None;
        assert!(export(&point).unwrap_err().contains("no LLM"));
        let probe = Point { method: "ood_probe", ..point };
        assert!(export(&probe).unwrap_err().contains("and not ood_probe"));
    }
}
