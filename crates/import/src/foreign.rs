//! Results of other programs as scores: what they call their methods here, and how an uncertainty becomes a confidence.
//!
//! The id of such a method says all of it, so that no other file need be kept: `TOOL:NAME` for a confidence of the tool's
//! own, `TOOL:NAME:MAP` for an uncertainty that a [`ConfidenceMap`] turned into one. Thresholds files spell it out.

mod confidence_map;
mod lm_eval;

pub use confidence_map::ConfidenceMap;
pub use lm_eval::{LmEvalFiles, read_lm_eval};

use plimsoll_core::records::ScoreRow;

/// A program whose results can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignTool {
    /// lm-evaluation-harness.
    LmEval,
    /// LM-Polygraph.
    LmPolygraph,
    /// uqlm.
    Uqlm,
}

impl ForeignTool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LmEval, Self::LmPolygraph, Self::Uqlm];

    /// Its name on the command line and in ids of methods.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LmEval => "lm-eval",
            Self::LmPolygraph => "lm-polygraph",
            Self::Uqlm => "uqlm",
        }
    }

    /// The tool of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The id of a method of this tool.
    pub fn method_id(self, name: &str, map: Option<ConfidenceMap>) -> String {
        let map = map.map_or_else(String::new, |map| format!(":{}", map.name()));
        format!("{}:{name}{map}", self.name())
    }
}

/// Scores of another program, and what a person should know of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForeignScores {
    /// The scores.
    pub rows: Vec<ScoreRow>,
    /// What was left out.
    pub notes: Vec<String>,
}

/// What the confidence of a method of another program is, if its id says so.
pub fn method_definition(id: &str) -> Option<String> {
    let (tool, rest) = id.split_once(':')?;
    let tool = ForeignTool::from_name(tool)?.name();
    let mapped = rest.rsplit_once(':').and_then(|(name, map)| Some((name, ConfidenceMap::from_name(map)?)));
    Some(match (mapped, lm_eval::definition(rest)) {
        (Some((name, map)), _) => {
            format!(
                "the uncertainty `{name}` of {tool}, u, as the confidence {} (`{}`)",
                map.formula(),
                map.name()
            )
        }
        (None, Some(definition)) if tool == ForeignTool::LmEval.name() => definition.to_owned(),
        (None, _) => format!("the confidence `{rest}` of {tool}, in [0, 1], higher = more likely correct"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_what_a_method_is() {
        let id = ForeignTool::LmPolygraph.method_id("Perplexity", Some(ConfidenceMap::ExpNeg));
        assert_eq!(id, "lm-polygraph:Perplexity:exp_neg");
        let definition = method_definition(&id).unwrap();
        assert_eq!(
            definition,
            "the uncertainty `Perplexity` of lm-polygraph, u, as the confidence exp(-u) (`exp_neg`)"
        );
        let own = method_definition("uqlm:semantic_negentropy").unwrap();
        assert!(own.starts_with("the confidence `semantic_negentropy` of uqlm"), "{own}");
        let choice = method_definition("lm-eval:choice_probability").unwrap();
        assert!(choice.contains("softmax"), "{choice}");
        for other in ["perplexity", "mine:Perplexity:exp_neg", ""] {
            assert_eq!(method_definition(other), None);
        }
    }
}
