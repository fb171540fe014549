//! Results of other programs as scores: what they call their methods here, and how an uncertainty becomes a confidence.
//!
//! The id of such a method says all of it, so that no other file need be kept: `TOOL:NAME` for a confidence of the tool's
//! own, `TOOL:NAME:MAP` for an uncertainty that a [`ConfidenceMap`] turned into one. Thresholds files spell it out.

mod confidence_map;
mod grade;
mod json_rows;
mod llmrouter;
mod lm_eval;
mod routellm;

use std::path::PathBuf;

pub use confidence_map::ConfidenceMap;
pub use llmrouter::LlmRouterFiles;
pub use lm_eval::LmEvalFiles;
pub use routellm::RouteLlmFiles;

use plimsoll_core::records::ScoreRow;
use serde_json::{Value, json};

use crate::error::ImportError;

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
    /// RouteLLM.
    RouteLlm,
    /// LLMRouter.
    LlmRouter,
}

impl ForeignTool {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::LmEval, Self::LmPolygraph, Self::Uqlm, Self::RouteLlm, Self::LlmRouter];

    /// Its name on the command line and in ids of methods.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LmEval => "lm-eval",
            Self::LmPolygraph => "lm-polygraph",
            Self::Uqlm => "uqlm",
            Self::RouteLlm => "routellm",
            Self::LlmRouter => "llmrouter",
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

/// The files of a program that keeps its results in files, and how they are to be read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ForeignFiles {
    /// Of lm-evaluation-harness.
    LmEval(LmEvalFiles),
    /// Of RouteLLM.
    RouteLlm(RouteLlmFiles),
    /// Of LLMRouter.
    LlmRouter(LlmRouterFiles),
}

impl ForeignFiles {
    /// Reads them.
    ///
    /// # Errors
    /// [`ImportError`] for files that cannot be read, rows that give no score, columns and models that are not there, and
    /// answers of two models to different questions.
    pub fn read(&self) -> Result<ForeignScores, ImportError> {
        match self {
            Self::LmEval(files) => lm_eval::read(files),
            Self::RouteLlm(files) => routellm::read(files),
            Self::LlmRouter(files) => llmrouter::read(files),
        }
    }

    /// All files.
    pub fn paths(&self) -> Vec<&PathBuf> {
        match self {
            Self::LmEval(files) => files.slm.iter().chain(&files.llm).collect(),
            Self::RouteLlm(files) => files.responses.iter().collect(),
            Self::LlmRouter(files) => files.data.iter().chain(&files.routing).collect(),
        }
    }

    /// What decides about the scores beside the files.
    pub fn parameters(&self) -> Value {
        match self {
            Self::LmEval(files) => json!({
                "from": ForeignTool::LmEval.name(), "slm": files.slm_id, "llm": files.llm_id, "metric": files.metric,
                "correct_from": files.correct_from,
            }),
            Self::RouteLlm(files) => json!({
                "from": ForeignTool::RouteLlm.name(), "slm": files.slm_id, "llm": files.llm_id, "routers": files.routers,
                "correct_from": files.correct_from,
            }),
            Self::LlmRouter(files) => json!({
                "from": ForeignTool::LlmRouter.name(), "slm": files.slm_id, "llm": files.llm_id,
                "correct_from": files.correct_from,
            }),
        }
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
    let tool = ForeignTool::from_name(tool)?;
    let mapped = rest.rsplit_once(':').and_then(|(name, map)| Some((name, ConfidenceMap::from_name(map)?)));
    let own = match tool {
        ForeignTool::LmEval => lm_eval::definition(rest).map(str::to_owned),
        ForeignTool::LlmRouter => llmrouter::definition(rest).map(str::to_owned),
        ForeignTool::RouteLlm => mapped.map(|(router, map)| routellm::definition(router, map)),
        ForeignTool::LmPolygraph | ForeignTool::Uqlm => None,
    };
    let tool = tool.name();
    Some(own.unwrap_or_else(|| match mapped {
        Some((name, map)) => {
            format!(
                "the uncertainty `{name}` of {tool}, u, as the confidence {} (`{}`)",
                map.formula(),
                map.name()
            )
        }
        None => format!("the confidence `{rest}` of {tool}, in [0, 1], higher = more likely correct"),
    }))
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
