//! What a client would like to get: the `Accept` header, read as `swob.Accept` reads it.

/// An `Accept` header that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidAccept;

/// The first of `offered` that the header likes best: by quality, then exact types before wildcards, then the header's
/// own order. Without a header the first that is offered; `None` where none will do.
pub(crate) fn best_match(
    accept: &str,
    offered: &[&'static str],
) -> Result<Option<&'static str>, InvalidAccept> {
    if accept.is_empty() {
        return Ok(offered.first().copied());
    }
    let mut patterns = accept
        .split(',')
        .map(parse)
        .collect::<Result<Vec<_>, _>>()?;
    // Stable, so that the header's own order stands where nothing else decides.
    patterns.sort_by(|one, two| {
        let by_quality = two.quality.total_cmp(&one.quality);
        by_quality.then(two.is_exact().cmp(&one.is_exact()))
    });
    Ok(patterns
        .iter()
        .find_map(|pattern| offered.iter().copied().find(|offer| pattern.takes(offer))))
}

struct Pattern<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: f64,
}

impl Pattern<'_> {
    fn is_exact(&self) -> bool {
        self.kind != "*" && self.subtype != "*"
    }

    fn takes(&self, content_type: &str) -> bool {
        content_type.split_once('/').is_some_and(|(kind, subtype)| {
            (self.kind == "*" || self.kind == kind)
                && (self.subtype == "*" || self.subtype == subtype)
        })
    }
}

fn parse(text: &str) -> Result<Pattern<'_>, InvalidAccept> {
    let mut pieces = text.split(';').map(str::trim);
    let (kind, subtype) = pieces
        .next()
        .and_then(|range| range.split_once('/'))
        .filter(|(kind, subtype)| is_token(kind) && is_token(subtype))
        .ok_or(InvalidAccept)?;
    let mut quality = None;
    for piece in pieces {
        let (name, value) = piece.split_once('=').ok_or(InvalidAccept)?;
        if name.trim() == "q" {
            let value = value.trim().parse::<f64>().map_err(|_| InvalidAccept)?;
            if quality.replace(value).is_some() {
                return Err(InvalidAccept);
            }
        }
    }
    Ok(Pattern {
        kind,
        subtype,
        quality: quality.unwrap_or(1.0),
    })
}

/// RFC 2616 section 2.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter > ' ' && letter != '\x7f' && !"()<>@,;:\"/[]?={}".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [&str; 3] = ["text/plain", "application/json", "text/xml"];

    #[test]
    fn takes_the_best_by_quality_then_by_exactness_then_by_order() {
        for (accept, best) in [
            ("", Some("text/plain")),
            ("*/*", Some("text/plain")),
            ("application/*", Some("application/json")),
            (
                "text/xml;q=0.5, application/json;q=0.9",
                Some("application/json"),
            ),
            ("*/*, text/xml", Some("text/xml")),
            ("text/xml, application/json", Some("text/xml")),
            ("application/json;charset=utf-8", Some("application/json")),
            ("image/png", None),
        ] {
            assert_eq!(best_match(accept, &OFFERED), Ok(best), "{accept}");
        }
    }

    #[test]
    fn refuses_what_is_no_media_range() {
        for accept in [
            "text",
            "text/plain, ",
            "/",
            "text/plain;q=x",
            "text/plain;q=1;q=1",
            "a b/c",
        ] {
            assert_eq!(best_match(accept, &OFFERED), Err(InvalidAccept), "{accept}");
        }
    }
}
