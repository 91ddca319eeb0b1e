//! Reading what ought to be a file: whoever opens a pipe to read waits until somebody writes into it.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// So much of a file's end is read first.
const BLOCK: u64 = 64 * 1024;

/// Opens a file, or what a link leads to.
///
/// # Errors
/// As the system says, who says of a folder that it is one when it is read; a pipe, a socket or a device is
/// [`NotAFile`].
pub fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?;
    match kind.is_file() || kind.is_dir() {
        true => File::open(path),
        false => Err(io::Error::other(NotAFile)),
    }
}

/// With the file or folder that could not be read, which the system's error does not name.
pub fn named(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        let text = format!("`{}`: {error}", path.display());
        io::Error::new(error.kind(), text)
    }
}

/// The bytes of a file.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last line of a file, without its line feed; none of an empty one, or one that ends in the middle of a line.
///
/// # Errors
/// As [`open`].
pub fn last_line(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut size = BLOCK;
    loop {
        let (mut tail, whole) = tail(path, size)?;
        if tail.pop() != Some(b'\n') {
            return Ok(None);
        }
        if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
            return Ok(Some(tail.split_off(at + 1)));
        }
        if whole {
            return Ok(Some(tail));
        }
        size *= 4;
    }
}

/// The whole lines at the end of a file, of so many bytes together at the most.
///
/// # Errors
/// As [`open`].
pub fn last_lines(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (mut tail, whole) = tail(path, most)?;
    let is_feed = |byte: &u8| *byte == b'\n';
    tail.truncate(tail.iter().rposition(is_feed).map_or(0, |at| at + 1));
    if !whole {
        let cut = tail.iter().position(is_feed).map_or(0, |at| at + 1);
        tail.drain(..cut);
    }
    Ok(tail)
}

/// So many bytes at the end of a file, and whether that is all of it.
fn tail(path: &Path, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(length - start).read_to_end(&mut tail)?;
    Ok((tail, start == 0))
}

/// Whether it could not be read as it is a pipe, a socket or a device.
pub fn is_no_file(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|it| it.is::<NotAFile>())
}

/// Something else lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no regular file")]
pub struct NotAFile;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_found_however_long_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        let long = "x".repeat(300_000);
        for (text, last) in [
            (String::new(), None),
            ("\n".to_owned(), Some("")),
            ("a\n".to_owned(), Some("a")),
            ("a\nb\n".to_owned(), Some("b")),
            ("a\nb".to_owned(), None),
            (format!("a\n{long}\n"), Some(long.as_str())),
            (format!("{long}\n"), Some(&long)),
            (format!("{long}\nb\n"), Some("b")),
        ] {
            fs::write(&file, &text).unwrap();
            let found = last_line(&file).unwrap();
            assert_eq!(found.as_deref(), last.map(str::as_bytes), "{}", text.len());
        }
    }

    #[test]
    fn the_last_lines_are_whole_ones() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        for (text, most, found) in [
            ("", 9, ""),
            ("a\nb\n", 9, "a\nb\n"),
            ("a\nb\n", 4, "a\nb\n"),
            ("a\nb\n", 3, "b\n"),
            ("a\nb\n", 2, ""),
            ("a\nbc", 9, "a\n"),
            ("abc", 9, ""),
        ] {
            fs::write(&file, text).unwrap();
            let lines = last_lines(&file, most).unwrap();
            assert_eq!(lines, found.as_bytes(), "{text:?}, {most}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "text").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read(&file).unwrap(), b"text");
        assert_eq!(read(&link).unwrap(), b"text");
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for other in [pipe.as_path(), Path::new("/dev/null")] {
            let error = read(other).unwrap_err();
            assert!(is_no_file(&error), "{}", other.display());
        }
        assert_eq!(
            read(&pipe).unwrap_err().to_string(),
            "it is no regular file"
        );
        let folder = read(dir.path()).unwrap_err();
        assert!(folder.kind() == io::ErrorKind::IsADirectory && !is_no_file(&folder));
        let absent = read(&dir.path().join("absent")).unwrap_err();
        assert!(absent.kind() == io::ErrorKind::NotFound && !is_no_file(&absent));
    }
}
