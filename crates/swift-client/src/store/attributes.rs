//! Attributes as headers, and back.

use std::fmt::Write;

use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE};
use object_store::{Attribute, AttributeValue, Attributes, Result};
use percent_encoding::percent_decode_str;

use super::convert::{failed_for, not_implemented};
use crate::metadata::{set, text};
use crate::{ObjectInfo, ObjectOptions};

/// The properties of an object with these attributes.
pub(super) fn write(attributes: &Attributes) -> Result<ObjectOptions> {
    let mut options = ObjectOptions::default();
    for (attribute, value) in attributes {
        let value: &str = value.as_ref();
        let header = match attribute {
            Attribute::ContentType => {
                options.content_type = Some(value.to_owned());
                continue;
            }
            Attribute::ContentEncoding => {
                options.content_encoding = Some(value.to_owned());
                continue;
            }
            Attribute::ContentDisposition => {
                options.content_disposition = Some(value.to_owned());
                continue;
            }
            Attribute::Metadata(name) => {
                options.metadata.insert(escape(name), value);
                continue;
            }
            Attribute::CacheControl => CACHE_CONTROL,
            Attribute::ContentLanguage => CONTENT_LANGUAGE,
            other => return Err(not_implemented(&format!("the attribute {other:?}"))),
        };
        set(&mut options.headers, header.as_str(), value).map_err(failed_for)?;
    }
    Ok(options)
}

/// The attributes of an object.
pub(super) fn read(info: &ObjectInfo) -> Attributes {
    let mut attributes = Attributes::new();
    let mut add = |attribute: Attribute, value: Option<String>| {
        if let Some(value) = value {
            attributes.insert(attribute, AttributeValue::from(value));
        }
    };
    let header = |name: &str| text(&info.headers, name);
    add(Attribute::ContentType, info.content_type.clone());
    add(Attribute::ContentEncoding, header("content-encoding"));
    add(Attribute::ContentDisposition, header("content-disposition"));
    add(Attribute::ContentLanguage, header("content-language"));
    add(Attribute::CacheControl, header("cache-control"));
    for (name, value) in info.metadata.iter() {
        let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
        add(Attribute::Metadata(name.into()), Some(value.to_owned()));
    }
    attributes
}

/// A name for the end of a header. Headers know no upper case, and Swift drops those with an underscore; whatever is no
/// small letter, digit or dash is written as `%` and two digits.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loses_no_name_of_metadata() {
        for name in [
            "plain",
            "with_underscore",
            "Upper",
            "a b",
            "grün",
            "50%",
            "%5f",
        ] {
            let attribute = Attribute::Metadata(name.to_owned().into());
            let attributes = Attributes::from_iter([(attribute.clone(), "value")]);
            let options = write(&attributes).unwrap();
            let (written, _) = options.metadata.iter().next().unwrap();
            let read = percent_decode_str(written).decode_utf8_lossy();
            assert_eq!(read, name);
        }
    }

    #[test]
    fn refuses_attributes_that_swift_has_not() {
        let attributes = Attributes::from_iter([(Attribute::StorageClass, "COLD")]);
        assert!(matches!(
            write(&attributes),
            Err(object_store::Error::NotImplemented { .. })
        ));
    }
}
