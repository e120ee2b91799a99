//! The `Accept` header, as Swift reads it (`Accept.best_match` in `swift/common/swob.py`).

/// An `Accept` header that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Which of the `offers`, media types in the order of our preference, the header likes best: by quality, then exact
/// types before wildcards, then its own order. `None` where it takes none of them.
pub(crate) fn best_match(accept: &str, offers: &[&str]) -> Result<Option<usize>, Malformed> {
    if accept.trim().is_empty() {
        return Ok((!offers.is_empty()).then_some(0));
    }
    let mut patterns = Vec::new();
    for part in accept.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let pattern = pieces.next().unwrap_or("");
        if !pattern.contains('/') {
            return Err(Malformed);
        }
        let mut quality = 1.0;
        for piece in pieces {
            if let Some(("q", value)) = piece.split_once('=') {
                quality = value.trim().parse::<f64>().map_err(|_| Malformed)?;
            }
        }
        patterns.push((pattern, quality));
    }
    patterns.sort_by(|one, two| {
        let exact = |pattern: &str| !pattern.contains('*');
        two.1
            .total_cmp(&one.1)
            .then(exact(two.0).cmp(&exact(one.0)))
    });
    Ok(patterns
        .iter()
        .find_map(|(pattern, _)| offers.iter().position(|offer| matches(pattern, offer))))
}

fn matches(pattern: &str, content_type: &str) -> bool {
    let (kind, subtype) = pattern.split_once('/').unwrap_or((pattern, ""));
    let (own_kind, own_subtype) = content_type.split_once('/').unwrap_or((content_type, ""));
    (kind == "*" || kind == own_kind) && (subtype == "*" || subtype == own_subtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERS: [&str; 3] = ["text/plain", "application/json", "text/xml"];

    #[test]
    fn quality_decides_and_then_exactness() {
        let best = |accept| best_match(accept, &OFFERS).expect("the header is well-formed");
        assert_eq!(best(""), Some(0));
        assert_eq!(best("*/*"), Some(0));
        assert_eq!(best("application/json"), Some(1));
        assert_eq!(best("text/xml;q=0.5, application/json;q=0.9"), Some(1));
        assert_eq!(best("*/*, text/xml"), Some(2));
        assert_eq!(best("image/png"), None);
    }

    #[test]
    fn what_names_no_type_is_malformed() {
        assert_eq!(best_match("nonsense", &OFFERS), Err(Malformed));
        assert_eq!(best_match("text/plain;q=much", &OFFERS), Err(Malformed));
    }
}
