//! What keeps a message from being signed. No text of a file is in it but a subject's.

use std::io;
use std::path::PathBuf;

/// Why something is not signed. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A PEM file that is cut, or is no PEM.
    #[error("`{}` is no PEM file that can be read: {problem}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A certificate that cannot be used.
    #[error("the certificate in `{}` cannot be used: {problem}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A key that cannot be used.
    #[error("the private key in `{}` cannot be used: {problem}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        problem: String,
    },
    /// The key is another certificate's.
    #[error(
        "the certificate in `{}` and the key in `{}` do not belong together; name the two files \
         of one pair",
        .certfile.display(),
        .keyfile.display()
    )]
    Apart {
        /// The certificate's file.
        certfile: PathBuf,
        /// The key's.
        keyfile: PathBuf,
    },
    /// A certificate that does not count yet.
    #[error(
        "the certificate `{subject}` in `{}` is not valid before {from}; is the clock right?",
        .path.display()
    )]
    NotYet {
        /// Its file.
        path: PathBuf,
        /// Its subject.
        subject: String,
        /// The time in UTC.
        from: String,
    },
    /// A certificate that has ended or ends within a day.
    #[error(
        "the certificate `{subject}` in `{}` {}: a receiver would refuse what is signed or \
         encrypted with it; renew it",
        .path.display(),
        .ends
    )]
    Ended {
        /// Its file.
        path: PathBuf,
        /// Its subject.
        subject: String,
        /// When, in words.
        ends: String,
    },
    /// A text that S/MIME does not carry.
    #[error("the text cannot be signed: {0}")]
    Text(&'static str),
    /// The signature was not made.
    #[error("the key in `{}` made no signature", .0.display())]
    Sign(PathBuf),
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}
