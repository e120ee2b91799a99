//! JSON as Python writes it: a blank behind each comma and colon, nothing but ASCII. Sizes and ETags of what Swift
//! writes down itself depend on it.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The text of a value.
pub(crate) fn to_string(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    // Writing to memory cannot fail, and what is written is ASCII.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut text, Python));
    String::from_utf8(text).unwrap_or_default()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // The rest of ASCII has been escaped already.
        let is_plain = |letter: char| letter.is_ascii() && letter != '\u{7f}';
        if fragment.chars().all(is_plain) {
            return writer.write_all(fragment.as_bytes());
        }
        for letter in fragment.chars() {
            if is_plain(letter) {
                writer.write_all(&[letter as u8])?;
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

fn separate<W: ?Sized + io::Write>(writer: &mut W, first: bool) -> io::Result<()> {
    if first {
        Ok(())
    } else {
        writer.write_all(b", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_python_writes() {
        let value = serde_json::json!([{"a": "é𝄞\n", "b": [1, true]}, {}]);
        assert_eq!(
            to_string(&value),
            "[{\"a\": \"\\u00e9\\ud834\\udd1e\\n\", \"b\": [1, true]}, {}]"
        );
        assert_eq!(to_string(&"~\u{7f}\u{8}"), r#""~\u007f\b""#);
    }
}
