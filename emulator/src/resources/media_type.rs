//! The media type of an object that came without one, guessed from its name.

/// Where Python's `mimetypes`, which Swift asks, says something else than `mime_guess`: by extension, in order.
const AS_PYTHON: &[(&str, &str)] = &[
    ("3g2", "audio/3gpp2"),
    ("3gp", "audio/3gpp"),
    ("3gpp", "audio/3gpp"),
    ("3gpp2", "audio/3gpp2"),
    ("a", "application/octet-stream"),
    ("aif", "audio/x-aiff"),
    ("aifc", "audio/x-aiff"),
    ("aiff", "audio/x-aiff"),
    ("ass", "audio/aac"),
    ("bat", "text/plain"),
    ("cdf", "application/x-netcdf"),
    ("dll", "application/octet-stream"),
    ("h5", "application/x-hdf5"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ksh", "text/plain"),
    ("loas", "audio/aac"),
    ("m3u", "application/vnd.apple.mpegurl"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("mif", "application/x-mif"),
    ("o", "application/octet-stream"),
    ("obj", "application/octet-stream"),
    ("opus", "audio/opus"),
    ("pl", "text/plain"),
    ("py", "text/x-python"),
    ("pyc", "application/x-python-code"),
    ("pyo", "application/x-python-code"),
    ("ram", "application/x-pn-realaudio"),
    ("rdf", "application/xml"),
    ("sgm", "text/x-sgml"),
    ("sgml", "text/x-sgml"),
    ("srt", "text/plain"),
    ("wav", "audio/x-wav"),
    ("wsdl", "application/xml"),
    ("xlb", "application/vnd.ms-excel"),
    ("xpdl", "application/xml"),
    ("xsl", "application/xml"),
];

/// Extensions that stand for two.
const SHORT: &[(&str, &str)] = &[
    (".svgz", ".svg.gz"),
    (".taz", ".tar.gz"),
    (".tbz2", ".tar.bz2"),
    (".tgz", ".tar.gz"),
    (".txz", ".tar.xz"),
    (".tz", ".tar.gz"),
];

/// Extensions that tell how a file is packed, not what it is; small letters and capitals count.
const PACKED: [&str; 5] = [".gz", ".Z", ".bz2", ".xz", ".br"];

const UNKNOWN: &str = "application/octet-stream";

/// The type for a name: by its last extension, or the one before where the last says how the file is packed;
/// `application/octet-stream` where that says nothing (`mimetypes.guess_type`).
pub(crate) fn guess(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let (stem, extension) = split_extension(file);
    if extension.is_empty() {
        return UNKNOWN;
    }
    let short = SHORT
        .iter()
        .find(|(short, _)| extension.eq_ignore_ascii_case(short));
    let extension = match short {
        Some((_, long)) => split_extension(long).0,
        None if PACKED.contains(&extension) => split_extension(stem).1,
        None => extension,
    };
    let extension = extension.trim_start_matches('.').to_ascii_lowercase();
    let listed = AS_PYTHON.binary_search_by_key(&extension.as_str(), |(known, _)| known);
    if let Ok(at) = listed {
        return AS_PYTHON[at].1;
    }
    mime_guess::from_ext(&extension)
        .first_raw()
        .unwrap_or(UNKNOWN)
}

/// Divides a name before its last dot. Dots at its beginning begin no extension.
fn split_extension(file: &str) -> (&str, &str) {
    let name = file.trim_start_matches('.');
    let at = name
        .rfind('.')
        .map_or(file.len(), |at| file.len() - name.len() + at);
    file.split_at(at)
}

/// Whether a type has a parameter that Swift keeps for itself (`check_content_type` in
/// `swift/proxy/controllers/obj.py`).
pub(crate) fn has_reserved_parameter(content_type: &str) -> bool {
    content_type
        .split(';')
        .skip(1)
        .any(|parameter| parameter.trim_start().starts_with("swift_"))
}

/// A type as listings show it: its parameters without blanks around them (`extract_swift_bytes` in
/// `swift/common/utils`).
pub(crate) fn listed(content_type: &str) -> String {
    let Some((kind, parameters)) = content_type.split_once(';') else {
        return content_type.to_owned();
    };
    let mut shown = kind.to_owned();
    let mut quoted = false;
    let parameters = parameters.split(|letter| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    });
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = name.trim();
        if !name.is_empty() {
            shown.extend([";", name, "=", value.trim()]);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_as_python_does() {
        for (name, expected) in [
            ("a.txt", "text/plain"),
            ("folder.d/a.WAV", "audio/x-wav"),
            ("a.zip", "application/zip"),
            ("a.png", "image/png"),
            ("folder.png/a", "application/octet-stream"),
            ("a", "application/octet-stream"),
            ("a.js", "text/javascript"),
            ("a.tar.gz", "application/x-tar"),
            ("a.TGZ", "application/x-tar"),
            ("a.svgz", "image/svg+xml"),
            ("a.txt.bz2", "text/plain"),
            ("a.gz", "application/octet-stream"),
            (".txt", "application/octet-stream"),
            ("..txt", "application/octet-stream"),
            ("a..txt", "text/plain"),
        ] {
            assert_eq!(guess(name), expected, "{name}");
        }
    }

    #[test]
    fn the_exceptions_are_in_order() {
        assert!(AS_PYTHON.is_sorted_by_key(|(extension, _)| extension));
    }

    #[test]
    fn lists_parameters_without_blanks() {
        assert_eq!(listed("text/plain"), "text/plain");
        assert_eq!(
            listed("text/plain; charset=\"a; b\" ; x = y"),
            "text/plain;charset=\"a; b\";x=y"
        );
        assert_eq!(listed("text/plain; flag;"), "text/plain;flag=");
    }
}
