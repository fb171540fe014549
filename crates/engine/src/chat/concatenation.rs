//! The operator `~` as a function.
//!
//! minijinja joins two values by writing them in full, however long that is, and asks for fuel afterwards.
//! So `a ~ b ~ c` is written as a call of [`FUNCTION`], which pays first and writes floats as Python does.
//! Operands of `~` are what binds tighter: everything up to a comparison, a sum, a logical operator, a
//! comma or a bracket.

use super::literal::string_length;

/// The name of the function.
pub(super) const FUNCTION: &str = "concatenated__";

/// Maximum number of operands of one call.
const MAX_OPERANDS: usize = 200;

/// The inside of a tag with its `~` rewritten. `statement`: the first word is a keyword.
pub(super) fn rewrite(inside: &str, statement: bool) -> String {
    if !inside.contains('~') {
        return inside.to_owned();
    }
    let mut levels = vec![BracketLevel::new(None)];
    let mut previous = Previous::Operator;
    let mut is_first = true;
    for token in ExpressionTokens(inside) {
        let Some(level) = levels.last_mut() else { break };
        if token.trim().is_empty() {
            level.chain.push_str(token);
            continue;
        }
        let first = statement && is_first;
        is_first = false;
        match token {
            "(" | "[" | "{" => {
                levels.push(BracketLevel::new(Some(token)));
                previous = Previous::Operator;
            }
            ")" | "]" | "}" => {
                previous = Previous::Operand;
                close(&mut levels, token);
            }
            "~" => {
                level.join();
                previous = Previous::Operator;
            }
            _ => {
                let kind = kind(token, previous, first);
                if kind == Previous::Boundary {
                    level.end_chain();
                    level.text.push_str(token);
                    previous = Previous::Operator;
                } else {
                    level.chain.push_str(token);
                    previous = kind;
                }
            }
        }
    }
    while levels.len() > 1 {
        close(&mut levels, "");
    }
    levels.pop().map_or_else(String::new, BracketLevel::into_text)
}

/// What a token is to the one after it.
#[derive(Clone, Copy, PartialEq)]
enum Previous {
    /// An operand ends here.
    Operand,
    /// An operand is to come.
    Operator,
    /// `is`, or `is not`: the name of a test is to come.
    Is,
    /// A dot or a bar: a name is to come.
    Member,
    /// Binds less than `~`.
    Boundary,
}

fn kind(token: &str, previous: Previous, first: bool) -> Previous {
    if first {
        return Previous::Boundary;
    }
    if matches!(previous, Previous::Member) {
        return Previous::Operand;
    }
    match token {
        "," | ":" | "=" | "==" | "!=" | "<" | ">" | "<=" | ">=" => Previous::Boundary,
        "+" | "-" if previous == Previous::Operand => Previous::Boundary,
        "not" if previous == Previous::Is => Previous::Is,
        "is" => Previous::Is,
        "and" | "or" | "not" | "in" | "if" | "else" | "as" | "recursive" if previous != Previous::Is => {
            Previous::Boundary
        }
        "." | "|" => Previous::Member,
        _ if token.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'')) => {
            Previous::Operand
        }
        _ => Previous::Operator,
    }
}

/// A level of brackets.
struct BracketLevel<'a> {
    open: Option<&'a str>,
    /// What is done.
    text: String,
    /// The operands since the last boundary.
    chain: String,
    operands: usize,
}

impl<'a> BracketLevel<'a> {
    fn new(open: Option<&'a str>) -> Self {
        Self { open, text: String::new(), chain: String::new(), operands: 1 }
    }

    fn join(&mut self) {
        if self.operands == MAX_OPERANDS {
            self.chain = called(&self.chain);
            self.operands = 1;
        }
        self.chain.push(',');
        self.operands += 1;
    }

    fn end_chain(&mut self) {
        let chain = std::mem::take(&mut self.chain);
        let chain = if self.operands > 1 { called(&chain) } else { chain };
        self.text.push_str(&chain);
        self.operands = 1;
    }

    fn into_text(mut self) -> String {
        self.end_chain();
        self.open.unwrap_or_default().to_owned() + &self.text
    }
}

fn called(chain: &str) -> String {
    let operands = chain.trim();
    let start = chain.len() - chain.trim_start().len();
    let trailing = &chain[start + operands.len()..];
    format!("{}{FUNCTION}({operands}){trailing}", &chain[..start])
}

/// Ends a level, and makes it part of the one around it.
fn close(levels: &mut Vec<BracketLevel<'_>>, bracket: &str) {
    if levels.len() > 1
        && let Some(level) = levels.pop()
        && let Some(outer) = levels.last_mut()
    {
        outer.chain.push_str(&level.into_text());
    }
    if let Some(level) = levels.last_mut() {
        level.chain.push_str(bracket);
    }
}

/// The tokens of an expression, with white space as tokens, so that they join to the whole.
pub(super) struct ExpressionTokens<'a>(pub(super) &'a str);

impl<'a> Iterator for ExpressionTokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.0.chars().next()?;
        let length = match first {
            c if c.is_whitespace() => span(self.0, char::is_whitespace),
            c if c.is_ascii_digit() => number_length(self.0),
            c if is_word(c) => span(self.0, is_word),
            '"' | '\'' => string_length(self.0),
            _ if ["==", "!=", "<=", ">=", "//", "**"].iter().any(|operator| self.0.starts_with(operator)) => {
                2
            }
            c => c.len_utf8(),
        };
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a number, whose exponent may have a sign.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| from + span(&text[from..], is_word);
    let mut end = digits(0);
    if text[end..].starts_with('.') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
        let has_exponent = text[..end].ends_with(['e', 'E']) && text[end..].starts_with(['+', '-']);
        if has_exponent && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(end + 1);
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn operands_are_what_binds_tighter() {
        let cases = [
            (" a ~ b ", " C(a , b) "),
            ("a~b~c", "C(a,b,c)"),
            ("a + b ~ c - d", "a + C(b , c) - d"),
            ("-a ~ +b", "C(-a , +b)"),
            ("a * b ~ c ** -d // e", "C(a * b , c ** -d // e)"),
            ("a ~ b == c ~ d", "C(a , b) == C(c , d)"),
            ("a if b ~ c else d ~ e", "a if C(b , c) else C(d , e)"),
            ("not a ~ b and c", "not C(a , b) and c"),
            ("a is not none ~ b", "C(a is not none , b)"),
            ("a is in [b] ~ c", "C(a is in [b] , c)"),
            ("x not in y ~ z", "x not in C(y , z)"),
            (
                "f(a ~ b, c=d ~ e)|g(h ~ i)[j ~ k:l ~ m]",
                "f(C(a , b), c=C(d , e))|g(C(h , i))[C(j , k):C(l , m)]",
            ),
            ("{'a' ~ 'b': c ~ d}", "{C('a' , 'b'): C(c , d)}"),
            ("(a ~ b)|trim ~ c.if ~ d", "C((C(a , b))|trim , c.if , d)"),
            ("'~' ~ \"a\\\"~\"", "C('~' , \"a\\\"~\")"),
            ("a|replace('x', 'y') ~ 1.5", "C(a|replace('x', 'y') , 1.5)"),
            ("1.5e-7 ~ 1.x ~ 2.e", "C(1.5e-7 , 1.x , 2.e)"),
            ("(a ~ b", "(C(a , b)"),
            ("a ~ b)", "C(a , b))"),
        ];
        for (expression, expected) in cases {
            assert_eq!(rewrite(expression, false), expected.replace('C', super::FUNCTION), "{expression}");
        }
        let statements = [
            (" set x = a ~ b ", " set x = C(a , b) "),
            ("if a ~ b", "if C(a , b)"),
            ("for x in a ~ b recursive", "for x in C(a , b) recursive"),
            ("include a ~ b", "include C(a , b)"),
        ];
        for (statement, expected) in statements {
            assert_eq!(rewrite(statement, true), expected.replace('C', super::FUNCTION), "{statement}");
        }
    }
}
