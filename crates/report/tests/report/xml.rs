//! A small check that a text is well-formed: tags nest, attributes are quoted and given once, references are known.

/// Elements of HTML that have no end tag.
const VOID: &[&str] = &["meta", "br", "wbr", "hr", "img", "input"];
/// Elements whose content is no markup.
const RAW: &[&str] = &["style", "script"];

/// Checks XML.
pub(crate) fn check(text: &str) -> Result<(), String> {
    walk(text, &[], &[])
}

/// Checks the HTML that this crate writes: XML but for elements without an end tag, raw elements and the document type.
pub(crate) fn check_html(text: &str) -> Result<(), String> {
    walk(text.strip_prefix("<!DOCTYPE html>").ok_or("no document type")?, VOID, RAW)
}

fn walk(text: &str, void: &[&str], raw: &[&str]) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        references(&rest[..start])?;
        let tag = &rest[start + 1..];
        let end = tag.find('>').ok_or("a tag does not end")?;
        let (inside, after) = (&tag[..end], &tag[end + 1..]);
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            let last = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
            if last != name.trim() {
                return Err(format!("</{name}> closes <{last}>"));
            }
            continue;
        }
        let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        let name = &inside[..name_end];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !name.chars().all(|c| c.is_ascii_alphanumeric())
        {
            return Err(format!("<{inside}> is no tag"));
        }
        attributes(inside[name_end..].trim_end_matches('/'))?;
        if raw.contains(&name) {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).ok_or("raw text does not end")? + close.len()..];
        } else if !inside.ends_with('/') && !void.contains(&name) {
            open.push(name);
        }
    }
    references(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("open at the end: {open:?}")) }
}

fn attributes(text: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() || name.contains(['"', '\'', '<']) || seen.contains(&name) {
            return Err(format!("attribute `{name}` of `{text}`"));
        }
        seen.push(name);
        rest = &rest[end..];
        if let Some(value) = rest.strip_prefix("=\"") {
            let end = value.find('"').ok_or_else(|| format!("`{name}` is not closed"))?;
            references(&value[..end])?;
            rest = &value[end + 1..];
        } else if rest.starts_with('=') {
            return Err(format!("`{name}` is not quoted"));
        }
        rest = rest.trim_start();
    }
    Ok(())
}

fn references(text: &str) -> Result<(), String> {
    if let Some(c) = text.chars().find(|c| c.is_control() && !c.is_whitespace()) {
        return Err(format!("control character {c:?}"));
    }
    for (start, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;"];
        if !known.iter().any(|known| text[start..].starts_with(known)) {
            return Err(format!("a bare & before {:?}", &text[start..(start + 10).min(text.len())]));
        }
    }
    Ok(())
}

#[test]
fn the_check_can_fail() {
    for bad in [
        "<a>",
        "</a>",
        "<a><b></a></b>",
        "<a b=1/>",
        "<a b=\"1\" b=\"2\"/>",
        "a & b",
        "<a b=\"&x\"/>",
        "<1/>",
        "<a",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
    check("<a b=\"1\" c=\"&lt;\">x &amp; y<d/></a>").unwrap();
    check_html("<!DOCTYPE html><p>a<br>b<script>1 < 2</script></p>").unwrap();
}
