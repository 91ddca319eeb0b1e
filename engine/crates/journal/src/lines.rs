//! Files of JSON lines.
//!
//! Two sorts: those written once (a segment, a pack), whose last line carries
//! a checksum over all lines before it; and those that grow (progress,
//! quarantine), whose last line may be torn.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use caso_base::digest::hex;
use caso_base::regular;
use caso_disk::{DiskError, DiskFile, Step};

const BLOCK: usize = 64 * 1024;

/// Writes lines, in blocks, and their checksum.
pub(crate) struct LineWriter {
    buffer: Vec<u8>,
    digest: Sha256,
    written: u64,
}

impl LineWriter {
    pub(crate) fn new() -> Self {
        LineWriter {
            buffer: Vec::new(),
            digest: Sha256::new(),
            written: 0,
        }
    }

    /// Adds a line and answers its length.
    pub(crate) fn line<T: Serialize>(
        &mut self,
        file: &mut DiskFile,
        line: &T,
    ) -> Result<u64, DiskError> {
        let start = self.buffer.len();
        if let Err(failed) = append_line(&mut self.buffer, file.path(), line) {
            self.buffer.truncate(start);
            return Err(failed);
        }
        let text = self.buffer.get(start..).unwrap_or_default();
        self.digest.update(text);
        let length = text.len() as u64;
        self.written += length;
        if self.buffer.len() >= BLOCK {
            self.flush(file)?;
        }
        Ok(length)
    }

    /// Checksum of the lines so far, for the last one.
    pub(crate) fn checksum(&self) -> String {
        hex(&self.digest.clone().finalize())
    }

    pub(crate) fn flush(&mut self, file: &mut DiskFile) -> Result<(), DiskError> {
        if !self.buffer.is_empty() {
            file.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.written
    }
}

/// A value as one line.
pub(crate) fn to_line<T: Serialize>(path: &Path, line: &T) -> Result<Vec<u8>, DiskError> {
    let mut text = Vec::new();
    append_line(&mut text, path, line)?;
    Ok(text)
}

fn append_line<T: Serialize>(text: &mut Vec<u8>, path: &Path, line: &T) -> Result<(), DiskError> {
    serde_json::to_writer(&mut *text, line)
        .map_err(|e| DiskError::new(Step::Write, path, io::Error::other(e)))?;
    text.push(b'\n');
    Ok(())
}

/// Reads a file line by line, without the line feed; a last line that has none
/// is torn and is not there.
pub(crate) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    offset: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Lines {
            reader: BufReader::with_capacity(BLOCK, regular::open(path)?),
            line: Vec::new(),
            offset: 0,
        })
    }

    /// What is read already is not read again.
    pub(crate) fn seek(&mut self, offset: u64) -> io::Result<()> {
        // A torn line was read, and is not counted.
        let here = self.reader.stream_position()?;
        let by = i128::from(offset) - i128::from(here);
        match i64::try_from(by) {
            Ok(by) => self.reader.seek_relative(by)?,
            Err(_) => {
                self.reader.seek(SeekFrom::Start(offset))?;
            }
        }
        self.offset = offset;
        Ok(())
    }

    /// The next line and where it begins.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.line.clear();
        let length = self.reader.read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Ok(None);
        }
        let start = self.offset;
        self.offset += length as u64;
        Ok(Some((start, &self.line)))
    }
}

/// Why a file written once cannot be used.
#[derive(Debug)]
pub(crate) enum Bad {
    /// Not what was written.
    Corrupt(String),
    Io(io::Error),
}

impl From<io::Error> for Bad {
    fn from(e: io::Error) -> Self {
        // A pipe in its place is nothing of ours.
        match regular::is_no_file(&e) {
            true => Bad::Corrupt(e.to_string()),
            false => Bad::Io(e),
        }
    }
}

/// Compares a file with the checksum in its last line.
pub(crate) fn verify(path: &Path) -> Result<(), Bad> {
    #[derive(serde::Deserialize)]
    struct Footer {
        sha256: String,
    }
    let mut lines = Lines::open(path)?;
    let mut digest = Sha256::new();
    let mut last: Option<Vec<u8>> = None;
    while let Some((_, line)) = lines.next()? {
        if let Some(before) = &mut last {
            digest.update(&*before);
            digest.update(b"\n");
            before.clear();
            before.extend_from_slice(line);
        } else {
            last = Some(line.to_vec());
        }
    }
    let length = lines.reader.get_ref().metadata()?.len();
    if lines.offset != length {
        return Err(Bad::Corrupt("its end is missing".into()));
    }
    let footer: Footer = parse(last.as_deref().unwrap_or_default())
        .map_err(|_| Bad::Corrupt("its end is missing".into()))?;
    if footer.sha256 != hex(&digest.finalize()) {
        return Err(Bad::Corrupt("its checksum differs".into()));
    }
    Ok(())
}

/// The first line of a file.
pub(crate) fn first_line<T: DeserializeOwned>(path: &Path) -> Result<T, Bad> {
    let mut lines = Lines::open(path)?;
    match lines.next()? {
        Some((_, line)) => parse(line),
        None => Err(Bad::Corrupt("its beginning is missing".into())),
    }
}

/// The last line of a file.
pub(crate) fn last_line<T: DeserializeOwned>(path: &Path) -> Result<T, Bad> {
    let torn = || Bad::Corrupt("its end is missing".into());
    let line = regular::last_line(path)?.ok_or_else(torn)?;
    parse(&line).map_err(|_| torn())
}

pub(crate) fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Bad> {
    serde_json::from_slice(line).map_err(|e| Bad::Corrupt(e.to_string()))
}

/// The format a file names in its first line, whatever else stands there.
pub(crate) fn format_of(path: &Path) -> Result<(u32, String), Bad> {
    #[derive(serde::Deserialize)]
    struct Header {
        format: u32,
        #[serde(default)]
        engine: String,
    }
    first_line::<Header>(path).map(|header| (header.format, header.engine))
}
