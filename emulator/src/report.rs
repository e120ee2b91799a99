//! Reports of requests that do many things at once: what was done, and what was not and why
//! (`get_heartbeat_response_body` in `swift/common/request_helpers.py`).

use std::fmt::Write;

use quick_xml::escape::partial_escape;
use serde_json::Value;

/// The forms a report can have, in the order of Swift's preference.
pub(crate) const FORMATS: [&str; 4] = [
    "text/plain",
    "application/json",
    "application/xml",
    "text/xml",
];

/// A report's facts, in the order in which JSON shows them; the other forms sort them.
pub(crate) type Facts<'a> = [(&'a str, Value)];

/// Writes a report in one of [`FORMATS`]. `failed` are names, already quoted, with what went wrong; `root` names the
/// outermost element of XML.
pub(crate) fn write(
    format: &str,
    facts: &Facts<'_>,
    failed: &[(String, String)],
    root: &str,
) -> String {
    let mut sorted: Vec<(&str, String)> = facts
        .iter()
        .map(|(name, value)| (*name, shown(value)))
        .collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut text = String::new();
    // Writing to a String cannot fail.
    if format == "application/json" {
        text.push('{');
        for (name, value) in facts {
            let _ = write!(text, "\"{name}\": {}, ", crate::json::to_string(value));
        }
        let _ = write!(text, "\"Errors\": {}}}", crate::json::to_string(&failed));
    } else if format.ends_with("/xml") {
        let _ = writeln!(text, "<{root}>");
        for (name, value) in sorted {
            let element = name.replace(' ', "_").to_lowercase();
            let _ = writeln!(
                text,
                "<{element}>{}</{element}>",
                partial_escape(value.as_str())
            );
        }
        text.push_str("<errors>\n");
        for (name, why) in failed {
            let _ = writeln!(
                text,
                "<object><name>{}</name><status>{}</status></object>",
                partial_escape(name.as_str()),
                partial_escape(why.as_str())
            );
        }
        let _ = writeln!(text, "</errors>\n</{root}>");
    } else {
        for (name, value) in sorted {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push_str("Errors:\n");
        for (name, why) in failed {
            let _ = writeln!(text, "{name}, {why}");
        }
    }
    text
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A status as reports spell it: `404 Not Found`.
pub(crate) fn status_line(status: http::StatusCode) -> String {
    format!("{} {}", status.as_u16(), crate::reject::reason(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(format: &str) -> String {
        let facts = [
            ("Response Status", Value::from("400 Bad Request")),
            ("Number Deleted", Value::from(1)),
        ];
        write(
            format,
            &facts,
            &[("/c/o".to_owned(), "a < b".to_owned())],
            "delete",
        )
    }

    #[test]
    fn has_the_form_that_was_asked_for() {
        assert_eq!(
            report("text/plain"),
            "Number Deleted: 1\nResponse Status: 400 Bad Request\nErrors:\n/c/o, a < b\n"
        );
        assert_eq!(
            report("application/json"),
            "{\"Response Status\": \"400 Bad Request\", \"Number Deleted\": 1, \"Errors\": [[\"/c/o\", \"a < b\"]]}"
        );
        assert_eq!(
            report("text/xml"),
            "<delete>\n<number_deleted>1</number_deleted>\n<response_status>400 Bad Request</response_status>\n\
             <errors>\n<object><name>/c/o</name><status>a &lt; b</status></object>\n</errors>\n</delete>\n"
        );
    }
}
