//! Taking a component in: from a file that anybody may have written to
//! something that can be started. Cheap checks come before dear ones.
//!
//! 1. a regular file of bounded size, read once;
//! 2. its sha256, of exactly the bytes that are used, against the pin;
//! 3. compiled, off the async threads;
//! 4. imports within what is offered, exports at least those of a world (an
//!    interpreter exports more than that);
//! 5. `describe`, in a store of its own with nothing granted and tight limits;
//! 6. the description itself.
//!
//! Grants are not looked at here: they belong to an instance, of which one
//! component may have several.

use std::borrow::Cow;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

use super::bindings::described::DescribedPre;
use super::bindings::mapper::MapperPre;
use super::bindings::messenger::MessengerPre;
use super::component::{Component, Roles};
use super::convert::Cross;
use super::describe::{self, checked};
use super::error::AdmissionError;
use super::failure::no_address_space;
use super::failure::Who;
use super::limits::Limits;
use super::link::{self, Linkers, Needs};
use caso_base::digest::hex;
use caso_disk::MonotonicNames;

/// Where a component comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// It came with the host.
    Builtin {
        /// For messages; its own comes from its description.
        name: &'a str,
        /// The component, as WebAssembly.
        bytes: &'static [u8],
    },
    /// A file of the site. Links are followed: what counts are the bytes.
    File {
        /// Where it is.
        path: &'a Path,
        /// Its digest in hexadecimal, with or without `sha256:`; another file is
        /// refused.
        sha256: Option<&'a str>,
    },
}

/// The contract's exports, by their names without a version.
const DESCRIPTION: &str = "caso:accounting/description";
const MAPPING: &str = "caso:accounting/mapping";
const DELIVERY: &str = "caso:accounting/delivery";

/// What components are taken in with.
pub struct Admission<'a> {
    pub engine: &'a Engine,
    pub linkers: &'a Linkers,
    pub moments: &'a MonotonicNames,
    /// Bytes that a file may have.
    pub component_bytes: u64,
}

impl Admission<'_> {
    pub async fn admit(&self, source: Source<'_>) -> Result<Component, AdmissionError> {
        let (label, builtin, bytes, sha256) = match source {
            Source::Builtin { name, bytes } => (
                name.to_owned(),
                true,
                Cow::Borrowed(bytes),
                hex(&Sha256::digest(bytes)),
            ),
            Source::File { path, sha256 } => {
                let (bytes, found) = read(path, self.component_bytes).await?;
                pinned(path, sha256, &found)?;
                (path.display().to_string(), false, Cow::Owned(bytes), found)
            }
        };
        let Self {
            engine, linkers, ..
        } = *self;
        let compiled = compile(engine, &label, bytes).await?;
        let (roles, imports) = examine(engine, &label, &compiled)?;
        let needs = Needs::of(&imports);

        let link_error = |error: wasmtime::Error| AdmissionError::Link {
            component: label.clone(),
            detail: chain(&error),
        };
        let described = linkers
            .all
            .instantiate_pre(&compiled)
            .and_then(DescribedPre::new)
            .map_err(link_error)?;
        let mapper = roles
            .mapper
            .then(|| linkers.mapper.instantiate_pre(&compiled))
            .map(|pre| pre.and_then(MapperPre::new))
            .transpose()
            .map_err(link_error)?;
        let messenger = roles
            .messenger
            .then(|| linkers.messenger(needs).instantiate_pre(&compiled))
            .map(|pre| pre.and_then(MessengerPre::new))
            .transpose()
            .map_err(link_error)?;

        let who = Who {
            component: label.clone(),
            instance: label.clone(),
        };
        let description = describe::ask(engine, &described, who, &Limits::describing())
            .await
            .map_err(|failure| AdmissionError::Describe {
                component: label.clone(),
                failure: Box::new(failure),
            })?;
        let description = checked(description.cross(), roles, &imports).map_err(|problem| {
            AdmissionError::Description {
                component: label,
                problem,
            }
        })?;
        Ok(Component {
            name: description.name.clone(),
            version: description.version.clone(),
            sha256,
            description,
            roles,
            builtin,
            needs,
            engine: engine.clone(),
            moments: self.moments.clone(),
            mapper,
            messenger,
        })
    }
}

/// The file's bytes and their sha256.
async fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, String), AdmissionError> {
    let owned = path.to_owned();
    tokio::task::spawn_blocking(move || read_now(&owned, limit))
        .await
        .unwrap_or_else(|error| {
            Err(AdmissionError::Read {
                path: path.to_owned(),
                source: std::io::Error::other(error),
            })
        })
}

fn read_now(path: &Path, limit: u64) -> Result<(Vec<u8>, String), AdmissionError> {
    let failed = |source| AdmissionError::Read {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe must not wait for its writer.
    let nonblock = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)
        .map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(AdmissionError::NotRegular {
            path: path.to_owned(),
        });
    }
    let too_large = |size| AdmissionError::TooLarge {
        path: path.to_owned(),
        size,
        limit,
    };
    if meta.len() > limit {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limit {
        return Err(too_large(size));
    }
    let found = hex(&Sha256::digest(&bytes));
    Ok((bytes, found))
}

fn pinned(path: &Path, pin: Option<&str>, found: &str) -> Result<(), AdmissionError> {
    let Some(pin) = pin else { return Ok(()) };
    let path = path.to_owned();
    let found = found.to_owned();
    let expected = pin
        .trim()
        .trim_start_matches("sha256:")
        .to_ascii_lowercase();
    if expected.len() != 64 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(AdmissionError::BadPin {
            path,
            pin: pin.to_owned(),
            found,
        });
    }
    if expected != found {
        return Err(AdmissionError::Pin {
            path,
            expected,
            found,
        });
    }
    Ok(())
}

async fn compile(
    engine: &Engine,
    label: &str,
    bytes: Cow<'static, [u8]>,
) -> Result<Compiled, AdmissionError> {
    let not = |detail: String| AdmissionError::NotAComponent {
        component: label.to_owned(),
        detail,
    };
    match bytes.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => {}
        Some(b"\0asm\x01\0\0\0") => {
            let hint = "it is a core module; build it for wasm32-wasip2, or wrap it with \
                        `wasm-tools component new`";
            return Err(not(hint.to_owned()));
        }
        _ => return Err(not("it does not begin as one".to_owned())),
    }
    let engine = engine.clone();
    tokio::task::spawn_blocking(move || Compiled::new(&engine, &bytes))
        .await
        .map_err(|error| not(error.to_string()))?
        .map_err(|error| {
            let detail = chain(&error);
            not(no_address_space(&detail).unwrap_or(detail))
        })
}

/// What the component can do and what it imports.
fn examine(
    engine: &Engine,
    label: &str,
    compiled: &Compiled,
) -> Result<(Roles, Vec<String>), AdmissionError> {
    let ty = compiled.component_type();
    let exports: Vec<String> = ty
        .exports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let roles = Roles {
        mapper: exports_version_1(label, &exports, MAPPING)?,
        messenger: exports_version_1(label, &exports, DELIVERY)?,
    };
    let missing = |export: &str, why: &str| AdmissionError::Export {
        component: label.to_owned(),
        export: export.to_owned(),
        why: why.to_owned(),
    };
    if !roles.mapper && !roles.messenger {
        let why = "it is neither a mapper nor a messenger";
        return Err(missing("caso:accounting/delivery@1.0.0", why));
    }
    if !exports_version_1(label, &exports, DESCRIPTION)? {
        let why = "it must say what it is and which options it has";
        return Err(missing("caso:accounting/description@1.0.0", why));
    }
    let imports: Vec<String> = ty
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    // A component with both duties must be able to do the pure one.
    for import in &imports {
        if let Some(why) = link::refuses(import, !roles.mapper) {
            return Err(AdmissionError::Import {
                component: label.to_owned(),
                import: import.clone(),
                why,
            });
        }
    }
    Ok((roles, imports))
}

fn exports_version_1(
    label: &str,
    exports: &[String],
    interface: &str,
) -> Result<bool, AdmissionError> {
    let versions: Vec<&str> = exports
        .iter()
        .filter_map(|export| export.strip_prefix(interface)?.strip_prefix('@'))
        .collect();
    if versions.iter().any(|version| version.starts_with("1.")) {
        return Ok(true);
    }
    match versions.first() {
        None => Ok(false),
        Some(version) => Err(AdmissionError::Export {
            component: label.to_owned(),
            export: format!("{interface}@1.0.0"),
            why: format!("it speaks version {version} of the contract, this host version 1"),
        }),
    }
}

/// An error and its causes in one line.
fn chain(error: &wasmtime::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_compared_whole_and_a_bad_one_is_no_pin() {
        let path = Path::new("/c.wasm");
        let found = hex(&Sha256::digest(b"bytes"));
        assert!(pinned(path, None, &found).is_ok());
        assert!(pinned(path, Some(&found), &found).is_ok());
        assert!(
            pinned(
                path,
                Some(&format!("sha256:{}", found.to_uppercase())),
                &found
            )
            .is_ok()
        );
        let other = hex(&Sha256::digest(b"other"));
        let error = pinned(path, Some(&other), &found).unwrap_err();
        assert!(matches!(error, AdmissionError::Pin { .. }));
        assert!(error.to_string().contains(&found) && error.to_string().contains(&other));
        for pin in ["", "abc", &found[..63]] {
            assert!(matches!(
                pinned(path, Some(pin), &found),
                Err(AdmissionError::BadPin { .. })
            ));
        }
    }

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, [0; 10]).unwrap();
        assert_eq!(read_now(&file, 10).unwrap().0.len(), 10);
        let error = read_now(&file, 9).unwrap_err();
        assert!(matches!(
            error,
            AdmissionError::TooLarge {
                size: 10,
                limit: 9,
                ..
            }
        ));
        assert!(matches!(
            read_now(dir.path(), 9),
            Err(AdmissionError::NotRegular { .. })
        ));
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(
            read_now(&pipe, 9),
            Err(AdmissionError::NotRegular { .. })
        ));
        assert!(matches!(
            read_now(&dir.path().join("no"), 9),
            Err(AdmissionError::Read { .. })
        ));
    }

    #[test]
    fn another_major_version_is_named() {
        let exports = ["caso:accounting/mapping@2.0.0".to_owned()];
        let error = exports_version_1("x", &exports, MAPPING)
            .unwrap_err()
            .to_string();
        assert!(error.contains("version 2.0.0 of the contract"), "{error}");
        let exports = [
            "caso:accounting/mapping@1.3.0".to_owned(),
            "exports".to_owned(),
        ];
        assert!(exports_version_1("x", &exports, MAPPING).unwrap());
        assert!(!exports_version_1("x", &exports, DELIVERY).unwrap());
    }
}
