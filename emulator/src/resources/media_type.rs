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
    ("js", "application/javascript"),
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

/// The type for a name: by its last extension, `application/octet-stream` where that says nothing.
pub(crate) fn guess(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let extension = file
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .unwrap_or_default();
    let listed = AS_PYTHON.binary_search_by_key(&extension.as_str(), |(known, _)| known);
    if let Ok(at) = listed {
        return AS_PYTHON[at].1;
    }
    mime_guess::from_ext(&extension)
        .first_raw()
        .unwrap_or("application/octet-stream")
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
        ] {
            assert_eq!(guess(name), expected, "{name}");
        }
    }

    #[test]
    fn the_exceptions_are_in_order() {
        assert!(AS_PYTHON.is_sorted_by_key(|(extension, _)| extension));
    }
}
