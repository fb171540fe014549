//! Names of models that carry an operating point: `plimsoll-METHOD-TARGET`.

use plimsoll_router::Target;

/// What every name begins with; alone it means the point that the gateway was started with.
pub const PREFIX: &str = "plimsoll";

/// The name of an operating point as a client asks for it.
pub fn model_name(method: &str, target: &Target) -> String {
    format!("{PREFIX}-{method}-{target}")
}

/// Which operating point a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedPoint {
    /// The one that the gateway was started with.
    Usual,
    /// This one: a method's id, and a target as text.
    Named {
        /// The method's id.
        method: String,
        /// The target, such as `routing_ratio=0.3`.
        target: String,
    },
}

impl AskedPoint {
    /// Reads a model's name; `None` for one that names no operating point.
    pub fn from_model(name: &str) -> Option<Self> {
        if name == PREFIX {
            return Some(Self::Usual);
        }
        let (method, target) = name.strip_prefix(PREFIX)?.strip_prefix('-')?.split_once('-')?;
        Some(Self::Named { method: method.to_owned(), target: target.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_method_and_target() {
        let target: Target = "selective_error=0.1:0.05".parse().unwrap();
        let name = model_name("token_margin", &target);
        assert_eq!(name, "plimsoll-token_margin-selective_error=0.1:0.05");
        let asked = AskedPoint::from_model(&name).unwrap();
        assert_eq!(asked, AskedPoint::Named { method: "token_margin".into(), target: target.to_string() });
        assert_eq!(AskedPoint::from_model("plimsoll"), Some(AskedPoint::Usual));
        for other in ["", "gpt-4o", "plimsoll-", "plimsoll-x", "plimsollx-a-b", "PLIMSOLL"] {
            assert_eq!(AskedPoint::from_model(other), None, "{other}");
        }
    }
}
