//! Reads a tar archive member by member, in one go from front to end, as Python's `tarfile` reads a stream: what is wrong
//! with the first header is an error, what is wrong with a later one is the end of the archive.

use bytes::Bytes;
use tar::{EntryType, Header};

use super::source::Source;

const BLOCK: usize = 512;

/// The most that a long name or a member's extended attributes may take, in bytes.
const MAX_EXTENSION: u64 = 1024 * 1024;

/// Why an archive cannot be read, in Python's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TarError(pub(super) &'static str);

const CUT_SHORT: TarError = TarError("unexpected end of data");
const BAD_HEADER: TarError = TarError("invalid header");

/// The name and the value of an extended attribute.
type Attribute = (Vec<u8>, Vec<u8>);

/// A file in an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(super) name: Vec<u8>,
    /// Length in bytes.
    pub(super) size: u64,
    /// Extended attributes by name, those of the whole archive among them; the later one counts.
    pub(super) attributes: Vec<Attribute>,
}

/// An archive that is being read.
pub(crate) struct Archive {
    source: Source,
    /// Whether anything at all could be read so far.
    begun: bool,
    /// Bytes of the present member that were not read yet, and those that fill up its last block.
    left: u64,
    padding: u64,
    /// Attributes of all members to come.
    global: Vec<Attribute>,
}

impl Archive {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            begun: false,
            left: 0,
            padding: 0,
            global: Vec::new(),
        }
    }

    /// The next file, past what was not read of the present one. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Member>, TarError> {
        loop {
            self.skip().await?;
            let mut extended = Extended::default();
            let Some(mut header) = self.header(&extended).await? else {
                return Ok(None);
            };
            while let Some(kind) = Extension::of(header.entry_type()) {
                let data = self.extension(&header).await?;
                match kind {
                    Extension::LongName => extended.name = Some(until_nul(&data).to_vec()),
                    Extension::LongLink => {}
                    Extension::Local => extended.local = attributes(&data)?,
                    Extension::Global => self.add_global(attributes(&data)?)?,
                }
                extended.any = true;
                header = self.header(&extended).await?.ok_or(BAD_HEADER)?;
            }
            if let Some(member) = self.begin(&header, extended)? {
                return Ok(Some(member));
            }
        }
    }

    /// The next bytes of the present member, at most `most`; none at its end.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Bytes, TarError> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        if most == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.source.take(most).await?;
        if bytes.is_empty() {
            return Err(CUT_SHORT);
        }
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    /// What is left of the archive, to be read and thrown away.
    pub(super) fn into_source(self) -> Source {
        self.source
    }

    /// Passes over what is left of the present member.
    async fn skip(&mut self) -> Result<(), TarError> {
        self.left = self.left.saturating_add(std::mem::take(&mut self.padding));
        while self.left > 0 {
            self.read(usize::MAX).await?;
        }
        Ok(())
    }

    /// The next header. `None` at the end of the archive, and where a header is wrong but an earlier one was right.
    async fn header(&mut self, extended: &Extended) -> Result<Option<Header>, TarError> {
        let header = self.read_header().await?;
        match header {
            Ok(header) => {
                self.begun = true;
                Ok(Some(header))
            }
            Err(TarError(message)) if extended.any => Err(TarError(message)),
            Err(END) => Ok(None),
            Err(_) if self.begun => Ok(None),
            Err(EMPTY) => Err(TarError("empty file")),
            Err(error) => Err(error),
        }
    }

    async fn read_header(&mut self) -> Result<Result<Header, TarError>, TarError> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while filled < BLOCK {
            let bytes = self.source.take(BLOCK - filled).await?;
            if bytes.is_empty() {
                return Ok(Err(if filled == 0 {
                    EMPTY
                } else {
                    TarError("truncated header")
                }));
            }
            block[filled..filled + bytes.len()].copy_from_slice(&bytes);
            filled += bytes.len();
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(Err(END));
        }
        Ok(match header.cksum() {
            Err(_) => Err(BAD_HEADER),
            Ok(sum) if !is_sum(&header, sum) => Err(TarError("bad checksum")),
            Ok(_) if header.entry_size().is_err() => Err(BAD_HEADER),
            Ok(_) => Ok(header),
        })
    }

    /// The data of a header that only says something about the next.
    async fn extension(&mut self, header: &Header) -> Result<Vec<u8>, TarError> {
        let size = header.entry_size().map_err(|_| BAD_HEADER)?;
        if size > MAX_EXTENSION {
            return Err(BAD_HEADER);
        }
        self.open(size);
        let mut data = Vec::new();
        while self.left > 0 {
            data.extend_from_slice(&self.read(BLOCK).await?);
        }
        self.skip().await?;
        Ok(data)
    }

    /// Keeps attributes for all members to come, in place of earlier ones of the same name.
    fn add_global(&mut self, attributes: Vec<Attribute>) -> Result<(), TarError> {
        for (name, value) in attributes {
            self.global.retain(|(known, _)| *known != name);
            self.global.push((name, value));
        }
        let size: usize = self
            .global
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if size as u64 > MAX_EXTENSION {
            return Err(BAD_HEADER);
        }
        Ok(())
    }

    /// Begins the member of a header; `None` if it is no file.
    fn begin(&mut self, header: &Header, extended: Extended) -> Result<Option<Member>, TarError> {
        let mut member = Member {
            name: header.path_bytes().into_owned(),
            size: header.entry_size().map_err(|_| BAD_HEADER)?,
            attributes: self.global.clone(),
        };
        member.attributes.extend(extended.local);
        for (name, value) in &member.attributes {
            match name.as_slice() {
                b"path" => member.name.clone_from(value),
                b"size" => {
                    let size = std::str::from_utf8(value)
                        .ok()
                        .and_then(|size| size.parse().ok());
                    member.size = size.ok_or(BAD_HEADER)?;
                }
                _ => {}
            }
        }
        if let Some(name) = extended.name {
            member.name = name;
        }
        let kind = header.entry_type();
        // An old archive has no type for folders, but ends their names with a slash.
        let is_old_folder = header.as_bytes()[156] == 0 && member.name.ends_with(b"/");
        let is_file = (kind.is_file() || kind.is_contiguous()) && !is_old_folder;
        let has_data = is_file || !is_old_folder && !is_without_data(kind);
        if has_data {
            self.open(member.size);
        }
        Ok(is_file.then_some(member))
    }

    fn open(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }
}

/// A block of zeros, which ends an archive; and no block at all.
const END: TarError = TarError("end of file header");
const EMPTY: TarError = TarError("empty header");

/// What headers in front of a member say about it.
#[derive(Default)]
struct Extended {
    any: bool,
    name: Option<Vec<u8>>,
    local: Vec<Attribute>,
}

enum Extension {
    LongName,
    LongLink,
    Local,
    Global,
}

impl Extension {
    fn of(kind: EntryType) -> Option<Self> {
        match kind.as_byte() {
            b'L' => Some(Self::LongName),
            b'K' => Some(Self::LongLink),
            b'x' | b'X' => Some(Self::Local),
            b'g' => Some(Self::Global),
            _ => None,
        }
    }
}

/// Links, devices, folders and pipes, whatever size their headers name.
fn is_without_data(kind: EntryType) -> bool {
    matches!(kind.as_byte(), b'1'..=b'6')
}

/// Whether the bytes of a header add up; some old programs took them for signed.
fn is_sum(header: &Header, sum: u32) -> bool {
    let bytes = header.as_bytes();
    let counted = bytes[..148].iter().chain(&bytes[156..]);
    let unsigned = counted.clone().map(|byte| i64::from(*byte)).sum::<i64>() + 256;
    let signed = counted
        .map(|byte| i64::from(byte.cast_signed()))
        .sum::<i64>()
        + 256;
    [unsigned, signed].contains(&i64::from(sum))
}

fn until_nul(data: &[u8]) -> &[u8] {
    data.split(|byte| *byte == 0).next().unwrap_or(data)
}

/// Reads extended attributes: `length name=value` and a line feed each, where the length counts all of that.
fn attributes(mut data: &[u8]) -> Result<Vec<Attribute>, TarError> {
    let mut found = Vec::new();
    while !until_nul(data).is_empty() {
        let (pair, rest) = attribute(data).ok_or(BAD_HEADER)?;
        found.push(pair);
        data = rest;
    }
    Ok(found)
}

fn attribute(data: &[u8]) -> Option<(Attribute, &[u8])> {
    let blank = data.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
    let (record, rest) = data.split_at_checked(length)?;
    let pair = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some(((pair[..equals].to_vec(), pair[equals + 1..].to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::source::Compression;
    use super::*;
    use crate::message::Body;

    type WithData = (Member, Vec<u8>);

    /// All members with their bytes, and how it ended.
    fn read(
        bytes: &[u8],
        compression: Compression,
        step: usize,
    ) -> (Vec<WithData>, Result<(), TarError>) {
        let chunks = bytes.chunks(step).map(Bytes::copy_from_slice).collect();
        let mut archive = Archive::new(Source::new(Body::Chunks(chunks), compression));
        let mut members = Vec::new();
        let work = async {
            while let Some(member) = archive.next().await? {
                let mut data = Vec::new();
                loop {
                    let bytes = archive.read(100).await?;
                    if bytes.is_empty() {
                        break;
                    }
                    data.extend_from_slice(&bytes);
                }
                members.push((member, data));
            }
            Ok(())
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let ended = runtime.block_on(work);
        (members, ended)
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, data) in members {
            let mut header = Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, name, *data)
                .expect("a Vec takes all");
        }
        builder.into_inner().expect("a Vec takes all")
    }

    fn named(members: &[WithData]) -> Vec<(String, usize)> {
        let name = |member: &Member| String::from_utf8_lossy(&member.name).into_owned();
        members
            .iter()
            .map(|(member, data)| (name(member), data.len()))
            .collect()
    }

    #[test]
    fn reads_every_member_however_the_bytes_come_in() {
        let long = "d/".repeat(100) + "long";
        let bytes = archive(&[
            ("a", b"1"),
            (&long, &[7; 1000]),
            ("empty", b""),
            ("full", &[1; 512]),
        ]);
        for step in [1, 7, 512, 100_000] {
            let (members, ended) = read(&bytes, Compression::None, step);
            assert_eq!(ended, Ok(()));
            let expected: Vec<(String, usize)> =
                [("a", 1), (&*long, 1000), ("empty", 0), ("full", 512)]
                    .map(|(name, length)| (name.to_owned(), length))
                    .into();
            assert_eq!(named(&members), expected);
        }
    }

    #[test]
    fn decompresses_as_the_bytes_come_in() {
        use std::io::Write;
        let bytes = archive(&[("a", &vec![3; 200_000]), ("b", b"2")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bytes).expect("a Vec takes all");
        let gzip = gzip.finish().expect("a Vec takes all");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&bytes).expect("a Vec takes all");
        let bzip2 = bzip2.finish().expect("a Vec takes all");
        for (bytes, compression) in [(gzip, Compression::Gzip), (bzip2, Compression::Bzip2)] {
            for step in [1, 1000, 100_000] {
                let (members, ended) = read(&bytes, compression, step);
                assert_eq!(ended, Ok(()), "{compression:?} {step}");
                assert_eq!(
                    named(&members),
                    [("a".to_owned(), 200_000), ("b".to_owned(), 1)]
                );
            }
        }
    }

    #[test]
    fn says_what_is_wrong_in_python_s_words() {
        for (bytes, compression, message) in [
            (&b""[..], Compression::None, "empty file"),
            (b"this is no archive", Compression::None, "truncated header"),
            (&[b'x'; 600], Compression::None, "invalid header"),
            (b"", Compression::Gzip, "not a gzip file"),
            (b"this is no archive", Compression::Gzip, "not a gzip file"),
            (b"\x1f\x8b\x08\0\0", Compression::Gzip, "empty file"),
            (b"", Compression::Bzip2, "empty file"),
            (
                b"this is no archive",
                Compression::Bzip2,
                "invalid compressed data",
            ),
        ] {
            assert_eq!(
                read(bytes, compression, 1000).1,
                Err(TarError(message)),
                "{compression:?} {bytes:?}"
            );
        }
    }

    #[test]
    fn ends_at_a_later_header_that_is_wrong_but_not_within_a_member() {
        let mut bytes = archive(&[("a", b"1"), ("b", b"2")]);
        let (members, ended) = read(&bytes[..1536], Compression::None, 1000);
        assert_eq!((members.len(), ended), (1, Err(CUT_SHORT)));
        let (members, ended) = read(&bytes[..1200], Compression::None, 1000);
        assert_eq!((members.len(), ended), (1, Ok(())));
        bytes[1024] = b'c';
        let (members, ended) = read(&bytes, Compression::None, 1000);
        assert_eq!((members.len(), ended), (1, Ok(())));
    }

    #[test]
    fn gives_a_member_its_attributes_and_takes_its_name_from_them() {
        let mut builder = tar::Builder::new(Vec::new());
        let pairs: [(&str, &[u8]); 2] = [
            ("path", b"named"),
            ("SCHILY.xattr.user.meta.a", b"line\nfeed"),
        ];
        builder
            .append_pax_extensions(pairs)
            .expect("a Vec takes all");
        let mut header = Header::new_ustar();
        header.set_size(1);
        builder
            .append_data(&mut header, "b", &b"1"[..])
            .expect("a Vec takes all");
        let (members, ended) = read(
            &builder.into_inner().expect("a Vec takes all"),
            Compression::None,
            512,
        );
        assert_eq!(ended, Ok(()));
        assert_eq!(named(&members), [("named".to_owned(), 1)]);
        assert_eq!(members[0].0.attributes[1].1, b"line\nfeed");
    }

    proptest! {
        #[test]
        fn any_bytes_at_all_end_in_members_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            at in 0usize..2048,
            value in any::<u8>(),
        ) {
            for compression in [Compression::None, Compression::Gzip, Compression::Bzip2] {
                let (members, ended) = read(&bytes, compression, 300);
                // Nobody hits upon a checksum by chance.
                prop_assert!(members.is_empty());
                prop_assert!(ended.is_err() || bytes.len() >= BLOCK);
            }
            let mut bytes = archive(&[("a", b"1"), ("b", b"2")]);
            bytes[at] = value;
            prop_assert!(read(&bytes, Compression::None, 300).0.len() <= 2);
        }
    }
}
