//! Taking a component in: from a file that anybody may have written to
//! something that can be started. Cheap checks come before dear ones.
//!
//! 1. a regular file of bounded size, read once;
//! 2. its sha256, of exactly the bytes that are used, against the pin;
//! 3. compiled, a file in a process of its own, within limits;
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
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

use super::abi::version::{built_for, exported, newer, not_spoken};
use super::abi::{DescribedAbi, FilterAbi, Major, MapperAbi, MessengerAbi};
use super::compile::{self, CompileError, CompilerProcess, Job};
use super::component::{Component, Roles};
use super::describe::{self, checked};
use super::error::AdmissionError;
use super::failure::no_address_space;
use super::failure::{Role, Who};
use super::limits::{Limits, RESERVED};
use super::link::{self, Linkers, Needs};
use super::shape;
use super::unusable;
use caso_base::digest::hex;
use caso_base::line::short_line;
use caso_disk::MonotonicNames;
use caso_model::guest::{Bound, GuestFailure, Limit};

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

/// What a site sets for a component before it is known what it is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Bytes that its memories may have together. It is asked what it is with no less than
    /// what one may have by default: the memories of some are large from the beginning.
    pub memory: u64,
    /// Where the site sets that: `messenger_NAME`, `filter_NAME` or `mapper`; empty where nobody
    /// does.
    pub section: &'a str,
}

impl Default for Place<'_> {
    fn default() -> Self {
        Self {
            memory: RESERVED,
            section: "",
        }
    }
}

impl Place<'_> {
    /// The limit that keeps it from saying what it is, if the site can raise it.
    fn raises(&self, failure: &GuestFailure) -> Option<Limit> {
        let bound = failure.limit.as_ref()?.bound;
        (bound == Bound::Memory && !self.section.is_empty()).then(|| Limit {
            bound,
            section: self.section.to_owned(),
        })
    }
}

/// Bytes of a detail.
const DETAIL_BYTES: usize = 1_000;

/// The contract's exports, by their names without a version.
const DESCRIPTION: &str = "caso:accounting/description";
const MAPPING: &str = "caso:accounting/mapping";
const DELIVERY: &str = "caso:accounting/delivery";
const FILTERING: &str = "caso:filter/filtering";

/// What components are taken in with.
pub struct Admission<'a> {
    pub engine: &'a Engine,
    pub linkers: &'a Linkers,
    pub moments: &'a MonotonicNames,
    /// Bytes that a file may have.
    pub component_bytes: u64,
    /// Where machine code is kept.
    pub code: Option<&'a Path>,
    /// What makes it of a file.
    pub compiler: Option<&'a CompilerProcess>,
    pub compiling: &'a Semaphore,
}

impl Admission<'_> {
    pub async fn admit(
        &self,
        source: Source<'_>,
        place: &Place<'_>,
    ) -> Result<Component, AdmissionError> {
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
        let compiled = self.compile(&label, bytes, builtin, &sha256).await?;
        let Examined {
            roles,
            major,
            imports,
            exports,
        } = examine(engine, &label, &compiled)?;
        let needs = Needs::of(&imports);

        let link_error = |error: wasmtime::Error| AdmissionError::Link {
            component: label.clone(),
            detail: version_words(&imports, &exports, chain(&error)),
        };
        let described = linkers
            .describing
            .instantiate_pre(&compiled)
            .and_then(|pre| DescribedAbi::new(major, pre))
            .map_err(link_error)?;
        let mapper = roles
            .mapper
            .then(|| linkers.mapper.instantiate_pre(&compiled))
            .map(|pre| pre.and_then(|pre| MapperAbi::new(major, pre)))
            .transpose()
            .map_err(link_error)?;
        let messenger = roles
            .messenger
            .then(|| linkers.messenger(needs).instantiate_pre(&compiled))
            .map(|pre| pre.and_then(|pre| MessengerAbi::new(major, pre)))
            .transpose()
            .map_err(link_error)?;

        let filter = roles
            .filter
            .then(|| linkers.filter.instantiate_pre(&compiled))
            .map(|pre| pre.and_then(|pre| FilterAbi::new(major, pre)))
            .transpose()
            .map_err(link_error)?;

        let who = Who {
            component: label.clone(),
            instance: String::new(),
            role: Role::Asked,
        };
        let description = describe::ask(
            engine,
            &described,
            roles,
            who,
            &Limits::describing(place.memory),
        )
        .await
        .map_err(|mut failure| {
            failure.detail = version_words(&imports, &exports, failure.detail);
            failure.limit = place.raises(&failure);
            AdmissionError::Describe {
                component: label.clone(),
                failure: Box::new(failure),
            }
        })?;
        let description = checked(description, roles, &imports).map_err(|problem| {
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
            contract: built_for(&[imports.clone(), exports].concat()),
            imports,
            needs,
            engine: engine.clone(),
            moments: self.moments.clone(),
            mapping: Arc::default(),
            mapper,
            messenger,
            filter,
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

impl Admission<'_> {
    async fn compile(
        &self,
        label: &str,
        bytes: Cow<'static, [u8]>,
        builtin: bool,
        digest: &str,
    ) -> Result<Compiled, AdmissionError> {
        let not = |detail: String| unusable::by_compiler(label, detail);
        if let Some(error) = unusable::by_first_bytes(label, &bytes) {
            return Err(error);
        }
        let bytes = Arc::new(bytes.into_owned());
        if !builtin {
            self.outside(&bytes, digest)
                .await
                .map_err(|error| match error {
                    CompileError::Refused(detail) => not(detail),
                    error => AdmissionError::Compile {
                        component: label.to_owned(),
                        detail: error.to_string(),
                    },
                })?;
        }
        let engine = self.engine.clone();
        // Of what was compiled before, and can be again, nothing is compiled here.
        tokio::task::spawn_blocking(move || Compiled::new(&engine, &*bytes))
            .await
            .map_err(|error| not(error.to_string()))?
            .map_err(|error| {
                let detail = chain(&error);
                not(no_address_space(&detail).unwrap_or(detail))
            })
    }

    /// A stranger's component, within limits.
    async fn outside(&self, bytes: &Arc<Vec<u8>>, digest: &str) -> Result<(), CompileError> {
        let (Some(cache), Some(process)) = (self.code, self.compiler) else {
            return shape::check(bytes).map_err(|error| CompileError::Refused(error.to_string()));
        };
        // Never closed.
        let _turn = self.compiling.acquire().await;
        compile::outside(Job {
            bytes: Arc::clone(bytes),
            digest: digest.to_owned(),
            cache: cache.to_owned(),
            process: process.clone(),
        })
        .await
    }
}

/// An error of the linker, which speaks of types, behind the reason for it where
/// that is the version of the contract.
fn version_words(imports: &[String], exports: &[String], detail: String) -> String {
    match newer(&[imports, exports].concat()) {
        Some(words) => format!("{words} ({detail})"),
        // wasmtime's words for a type of the contract that is not ours, though its version is.
        None if detail.contains("expected") && detail.contains("found") => format!(
            "it was not built with the contract of this version as it is, but with another `wit/`: `caso component \
             wit DIR` writes it, then build again ({detail})"
        ),
        None => detail,
    }
}

/// What the component can do, in which version of the contract, and its names.
struct Examined {
    roles: Roles,
    major: Major,
    imports: Vec<String>,
    exports: Vec<String>,
}

fn examine(engine: &Engine, label: &str, compiled: &Compiled) -> Result<Examined, AdmissionError> {
    let ty = compiled.component_type();
    let exports: Vec<String> = ty
        .exports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    let roles = Roles {
        mapper: spoken(label, &exports, MAPPING)?.is_some(),
        messenger: spoken(label, &exports, DELIVERY)?.is_some(),
        filter: spoken(label, &exports, FILTERING)?.is_some(),
    };
    let missing = |export: &str, why: &str| AdmissionError::Export {
        component: label.to_owned(),
        export: export.to_owned(),
        why: why.to_owned(),
    };
    if !roles.mapper && !roles.messenger && !roles.filter {
        let why = "it is neither a mapper, a messenger nor a filter";
        return Err(missing("caso:accounting/delivery@1.0.0", why));
    }
    let Some(major) = spoken(label, &exports, DESCRIPTION)? else {
        let why = "it must say what it is and which options it has";
        return Err(missing("caso:accounting/description@1.0.0", why));
    };
    let imports: Vec<String> = ty
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    // A component with several duties must be able to do the pure ones.
    let pure = roles.mapper || roles.filter;
    for import in &imports {
        if let Some(why) = link::refuses(import, !pure) {
            return Err(AdmissionError::Import {
                component: label.to_owned(),
                import: short_line(import, 200),
                why,
            });
        }
    }
    Ok(Examined {
        roles,
        major,
        imports,
        exports,
    })
}

/// The version in which it exports the interface, if it does.
fn spoken(
    label: &str,
    exports: &[String],
    interface: &str,
) -> Result<Option<Major>, AdmissionError> {
    exported(exports, interface)
        .transpose()
        .map_err(|version| AdmissionError::Version {
            component: label.to_owned(),
            why: not_spoken(&short_line(&version, 80)),
        })
}

/// An error and its causes in one line. It may hold names that the file chose.
fn chain(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string);
    short_line(&causes.collect::<Vec<_>>().join(": "), DETAIL_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_model::guest::FailureKind;

    /// Who needs more than any site may give is not sent to an option.
    #[test]
    fn the_option_is_named_where_raising_it_helps() {
        let failed = |bound: Option<Bound>| GuestFailure {
            limit: bound.map(|bound| Limit {
                bound,
                section: String::new(),
            }),
            ..GuestFailure::seen_by_host("c", "", "describe", FailureKind::Memory, "it needs more")
        };
        let place = Place {
            memory: 128 << 20,
            section: "messenger_mine",
        };
        let hint = |place: Place<'_>, bound| {
            let mut failure = failed(bound);
            failure.limit = place.raises(&failure);
            let error = AdmissionError::Describe {
                component: "c".to_owned(),
                failure: Box::new(failure),
            };
            error.hint()
        };
        let told = hint(place, Some(Bound::Memory)).unwrap();
        assert!(told.starts_with("`memory` in [messenger_mine]"), "{told}");
        // What `describe` may compute, and how many tables there may be, nobody sets.
        assert_eq!(hint(place, Some(Bound::Deadline)), None);
        assert_eq!(hint(place, None), None);
        assert_eq!(hint(Place::default(), Some(Bound::Memory)), None);
    }

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
}
