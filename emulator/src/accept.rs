//! What form of answer a client likes best (`Accept.best_match` in `swift/common/swob.py`).

/// An `Accept` header that is none.
#[derive(Debug)]
pub(crate) struct InvalidAccept;

/// The first of the offered types that an `Accept` header likes best: by quality, then exact types before wildcards, then
/// its own order. `None` where it takes none of them; without a header the first is as good as any.
pub(crate) fn best_match(
    accept: &str,
    offered: &[&'static str],
) -> Result<Option<&'static str>, InvalidAccept> {
    if accept.trim().is_empty() {
        return Ok(offered.first().copied());
    }
    let mut patterns = Vec::new();
    for part in accept.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let pattern = pieces.next().unwrap_or("");
        if !pattern.contains('/') {
            return Err(InvalidAccept);
        }
        let mut quality = 1.0;
        for piece in pieces {
            if let Some(("q", value)) = piece.split_once('=') {
                quality = value.trim().parse::<f64>().map_err(|_| InvalidAccept)?;
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
    Ok(patterns.iter().find_map(|(pattern, _)| {
        offered
            .iter()
            .copied()
            .find(|content_type| matches(pattern, content_type))
    }))
}

fn matches(pattern: &str, content_type: &str) -> bool {
    let (kind, subtype) = pattern.split_once('/').unwrap_or((pattern, ""));
    let (own_kind, own_subtype) = content_type.split_once('/').unwrap_or((content_type, ""));
    (kind == "*" || kind == own_kind) && (subtype == "*" || subtype == own_subtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [&str; 4] = [
        "text/plain",
        "application/json",
        "application/xml",
        "text/xml",
    ];

    #[test]
    fn takes_the_best_liked_and_the_first_where_nothing_is_said() {
        let best = |accept| best_match(accept, &OFFERED).ok().flatten();
        assert_eq!(best(""), Some("text/plain"));
        assert_eq!(best("*/*"), Some("text/plain"));
        assert_eq!(best("application/*"), Some("application/json"));
        assert_eq!(
            best("application/xml;q=0.5, application/json;q=0.9"),
            Some("application/json")
        );
        assert_eq!(best("*/*, text/xml"), Some("text/xml"));
        assert_eq!(best("image/png"), None);
        assert!(best_match("nonsense", &OFFERED).is_err());
    }
}
