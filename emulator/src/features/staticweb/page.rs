//! The pages that no object holds.

use std::fmt::Write;

use crate::listing::Entry;
use crate::path::quote;

/// What a listing shows.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) label: &'a str,
    /// Where the style sheet is, if there is one.
    pub(super) css: Option<&'a str>,
    /// What the names of all entries begin with.
    pub(super) prefix: &'a str,
    /// Whether there is a level above that the visitor may see.
    pub(super) has_parent: bool,
    /// What goes behind each link: empty, or a query with its `?`.
    pub(super) link_query: &'a str,
    pub(super) entries: &'a [Entry],
}

/// A level as a table: first the levels below it, then its objects.
pub(super) fn listing(listed: &Listed<'_>) -> String {
    let label = escape(listed.label);
    let mut page = String::with_capacity(1024 + listed.entries.len() * 256);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html>\n <head>\n  <title>Listing of {label}</title>\n"
    );
    style(
        &mut page,
        listed.css,
        "   h1 {font-size: 1em; font-weight: bold;}
   th {text-align: left; padding: 0px 1em 0px 1em;}
   td {padding: 0px 1em 0px 1em;}
   a {text-decoration: none;}
",
    );
    let _ = write!(
        page,
        r#" </head>
 <body>
  <h1 id="title">Listing of {label}</h1>
  <table id="listing">
   <tr id="heading">
    <th class="colname">Name</th>
    <th class="colsize">Size</th>
    <th class="coldate">Date</th>
   </tr>
"#
    );
    if listed.has_parent {
        let link = format!("../{}", listed.link_query);
        row(
            &mut page,
            "id=\"parent\" class=\"item\"",
            &link,
            "../",
            "&nbsp;",
            "&nbsp;",
        );
    }
    let shown = |name: &str| name.strip_prefix(listed.prefix).unwrap_or(name).to_owned();
    let link = |name: &str| format!("./{}{}", quote(name).replace('.', "%2E"), listed.link_query);
    for entry in listed.entries {
        if let Entry::Subdir(name) = entry {
            let name = shown(name);
            let (link, text) = (link(&name), escape(&name));
            row(
                &mut page,
                "class=\"item subdir\"",
                &link,
                &text,
                "&nbsp;",
                "&nbsp;",
            );
        }
    }
    for entry in listed.entries {
        if let Entry::Object(object) = entry {
            let name = shown(&object.name);
            let types: Vec<String> = object
                .content_type
                .split('/')
                .map(|part| format!("type-{}", escape(&part.to_lowercase())))
                .collect();
            let date = object.last_modified.iso();
            let date = date.split('.').next().unwrap_or("").replace('T', " ");
            row(
                &mut page,
                &format!("class=\"item {}\"", types.join(" ")),
                &link(&name),
                &escape(&name),
                &human_readable(object.bytes),
                &date,
            );
        }
    }
    page.push_str("  </table>\n </body>\n</html>\n");
    page
}

/// The page of a level that may not be listed.
pub(super) fn disabled(label: &str, css: Option<&str>, index: &str) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>Listing of {}</title>\n",
        escape(label)
    );
    style(
        &mut page,
        css,
        "   h1 {font-size: 1em; font-weight: bold;}\n   p {font-size: 2}\n",
    );
    page.push_str(
        "</head>\n<body>  <h1>Web Listing Disabled</h1>   \
         <p>The owner of this web site has disabled web listing.   \
         <p>If you are the owner of this web site, you can enable   \
         web listing by setting X-Container-Meta-Web-Listings.</p>",
    );
    if !index.is_empty() {
        // Escaped, which Swift forgets: the name is the owner's, the browser is somebody else's.
        let _ = write!(
            page,
            "<h1>Index File Not Found</h1> <p>The owner of this web site has set  \
             <b>X-Container-Meta-Web-Index: {}</b>.  However, this file is not found.</p>",
            escape(index)
        );
    }
    page.push_str(" </body>\n</html>\n");
    page
}

/// Where a page below `prefix` finds the style sheet: as it is written where that is a URL or an absolute path, else
/// from the root of the container.
pub(super) fn css_link(css: &str, prefix: &str) -> Option<String> {
    if css.is_empty() {
        return None;
    }
    if ["/", "http://", "https://"]
        .iter()
        .any(|start| css.starts_with(start))
    {
        return Some(quote(css).replace("%3A", ":"));
    }
    Some("../".repeat(prefix.matches('/').count()) + &quote(css))
}

fn style(page: &mut String, css: Option<&str>, own: &str) {
    let _ = match css {
        Some(css) => writeln!(
            page,
            "  <link rel=\"stylesheet\" type=\"text/css\" href=\"{css}\" />"
        ),
        None => writeln!(page, "  <style type=\"text/css\">\n{own}  </style>"),
    };
}

fn row(page: &mut String, attributes: &str, link: &str, text: &str, size: &str, date: &str) {
    let _ = write!(
        page,
        r#"   <tr {attributes}>
    <td class="colname"><a href="{link}">{text}</a></td>
    <td class="colsize">{size}</td>
    <td class="coldate">{date}</td>
   </tr>
"#
    );
}

/// A size in the largest binary unit that leaves a number before the point, rounded at each step
/// (`human_readable` in `swift/common/utils`).
fn human_readable(bytes: u64) -> String {
    let mut units = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter();
    let (mut value, mut unit) = (bytes, "");
    while value >= 1024 {
        let Some(larger) = units.next() else { break };
        unit = larger;
        let (whole, rest) = (value / 1024, value % 1024);
        // To the nearest, and from the middle to the even one, as Python rounds.
        let up = rest > 512 || (rest == 512 && whole % 2 == 1);
        value = whole + u64::from(up);
    }
    format!("{value}{unit}")
}

/// Text for HTML, in quotes or out of them (Python's `html.escape`).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_at_each_step() {
        for (bytes, shown) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1Ki"),
            (1536, "2Ki"),
            (2560, "2Ki"),
            (1_048_063, "1023Ki"),
            (1_048_064, "1Mi"),
            (u64::MAX, "16Ei"),
        ] {
            assert_eq!(human_readable(bytes), shown, "{bytes}");
        }
    }

    #[test]
    fn the_style_sheet_is_found_from_every_level() {
        assert_eq!(css_link("", ""), None);
        assert_eq!(css_link("a b.css", "").as_deref(), Some("a%20b.css"));
        assert_eq!(css_link("a.css", "x/y/").as_deref(), Some("../../a.css"));
        assert_eq!(css_link("/a.css", "x/").as_deref(), Some("/a.css"));
        assert_eq!(
            css_link("https://example.com:8080/a.css", "x/").as_deref(),
            Some("https://example.com:8080/a.css")
        );
    }

    #[test]
    fn names_cannot_break_out_of_a_page() {
        let page = listing(&Listed {
            label: "<a'>",
            css: None,
            prefix: "x/",
            has_parent: false,
            link_query: "",
            entries: &[Entry::Subdir("x/\"><script>/".to_owned())],
        });
        assert!(page.contains("Listing of &lt;a&#x27;&gt;"), "{page}");
        assert!(
            page.contains("<a href=\"./%22%3E%3Cscript%3E/\">&quot;&gt;&lt;script&gt;/</a>"),
            "{page}"
        );
        assert!(!page.contains("parent"), "{page}");
    }
}
