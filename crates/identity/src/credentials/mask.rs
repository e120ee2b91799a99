//! Secrets taken out of what others say.

use std::fmt::Write as _;

use zeroize::Zeroizing;

const MASK: &str = "***";

/// `text` without `secret`: as it is, or escaped in whatever way and however often (JSON, Python and Rust put backslashes
/// before some letters, and write others as `\u00fc`), or as it stood in a header, which loses the blanks around it.
pub(super) fn mask(text: String, secret: &str) -> String {
    let text = without(text, &escaped(secret));
    let text = without(text, secret);
    without(text, secret.trim())
}

/// As JSON writes it that has only ASCII letters.
fn escaped(secret: &str) -> Zeroizing<String> {
    // Room enough: what grows leaves copies behind.
    let mut json = Zeroizing::new(String::with_capacity(secret.len() * 6));
    for letter in secret.chars() {
        match letter {
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            ' '..='~' => json.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json
}

/// Takes `secret` out, however many backslashes stand between its letters.
fn without(text: String, secret: &str) -> String {
    let is_letter = |letter: &char| *letter != '\\';
    let wanted: Zeroizing<String> = secret.chars().filter(is_letter).collect::<String>().into();
    if wanted.is_empty() {
        return if secret.is_empty() {
            text
        } else {
            text.replace(secret, MASK)
        };
    }
    // The letters of the text, and where each of their bytes stands there.
    let mut letters = Zeroizing::new(String::with_capacity(text.len()));
    let mut places = Vec::with_capacity(text.len());
    for (place, letter) in text.char_indices().filter(|(_, letter)| is_letter(letter)) {
        letters.push(letter);
        places.extend(place..place + letter.len_utf8());
    }
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for (found, _) in letters.match_indices(wanted.as_str()) {
        // Those before the first letter belong to it.
        let start = text[end..places[found]].trim_end_matches('\\').len() + end;
        masked.push_str(&text[end..start]);
        masked.push_str(MASK);
        end = places[found + wanted.len() - 1] + 1;
    }
    if end == 0 {
        return text;
    }
    masked.push_str(&text[end..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn masks(secret: &str, text: &str, expected: &str) {
        assert_eq!(
            mask(text.to_owned(), secret),
            expected,
            "{secret} in {text}"
        );
    }

    #[test]
    fn takes_out_a_secret_wherever_it_stands() {
        masks("hush", "say hush, hush!", "say ***, ***!");
        masks("hush", "nothing", "nothing");
        masks("", "nothing", "nothing");
        masks("\u{fc}\u{1f511}", "x\u{fc}\u{1f511}\u{fc}", "x***\u{fc}");
    }

    #[test]
    fn takes_out_a_secret_in_whatever_way_it_was_escaped() {
        let secret = "a\"b\\c'd";
        let json = serde_json::to_string(secret).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        masks(secret, &format!("got {json}."), "got \"***\".");
        masks(secret, &format!("got {twice}."), "got \"\\\"***\\\"\".");
        masks(secret, r#"got 'a"b\\c\'d'"#, "got '***'");
        masks(secret, &format!("got {secret:?}"), "got \"***\"");
        masks(
            "\u{fc}\u{1f511}\n",
            r"got \u00fc\ud83d\udd11\n.",
            "got ***.",
        );
        masks(
            " hush ",
            "header: hush, body: ' hush '",
            "header: ***, body: '***'",
        );
        masks("\\", r"one \ and", "one *** and");
    }
}
