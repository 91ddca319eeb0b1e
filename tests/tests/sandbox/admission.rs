//! What is taken in, and what is not.

use super::*;
use caso_sandbox::{AdmissionError, Roles};

async fn refused(path: &Path, sha256: Option<&str>) -> AdmissionError {
    let source = Source::File { path, sha256 };
    guests()
        .await
        .sandbox
        .load(source)
        .await
        .err()
        .expect("it is not admitted")
}

#[tokio::test]
async fn a_component_says_what_it_is() {
    let guests = guests().await;
    assert_eq!(guests.hostile.name, "hostile");
    assert_eq!(guests.hostile.version, "1.0.0");
    assert_eq!(
        guests.hostile.roles,
        Roles {
            mapper: false,
            messenger: true,
            filter: false,
        }
    );
    assert_eq!(
        guests.mapper.roles,
        Roles {
            mapper: true,
            messenger: false,
            filter: false,
        }
    );
    assert!(!guests.hostile.builtin);
    let options: Vec<&str> = guests
        .hostile
        .description
        .options
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    assert_eq!(
        options,
        ["mode", "output_path", "server", "directory", "key"]
    );
}

#[tokio::test]
async fn the_pinned_bytes_are_those_that_run() {
    let guests = guests().await;
    let path = file("caso_test_hostile");
    let pinned = Source::File {
        path: &path,
        sha256: Some(&guests.hostile.sha256),
    };
    assert_eq!(
        guests.sandbox.load(pinned).await.unwrap().sha256,
        guests.hostile.sha256
    );
    let error = refused(&path, Some(&guests.mapper.sha256)).await;
    assert!(matches!(error, AdmissionError::Pin { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_component_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.wasm");
    for (bytes, part) in [
        (&b"#!/bin/sh"[..], "it is a text"),
        (b"", "it is empty"),
        (b"\0asm\x01\0\0\0", "core module"),
        (
            b"\0asm\x0d\0\x01\0\xff\xff",
            "is not a WebAssembly component",
        ),
        (
            b"\0asm\x0d\0\x01\0",
            "neither a mapper, a messenger nor a filter",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = refused(&path, None).await.to_string();
        assert!(error.contains(part) && error.contains("c.wasm"), "{error}");
    }
    // One that is cut off.
    let whole = std::fs::read(file("caso_test_hostile")).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = refused(&path, None).await;
    assert!(matches!(error, AdmissionError::NotAComponent { .. }));
    assert!(error.to_string().contains("it ends too early"), "{error}");
}

#[tokio::test]
async fn a_component_is_started_as_what_it_is() {
    let guests = guests().await;
    let failure = guests
        .hostile
        .start_mapper(Vec::new(), 0, Limits::default())
        .await
        .err()
        .unwrap();
    assert_eq!(
        (failure.kind, failure.detail.as_str()),
        (FailureKind::Start, "it is not a mapper")
    );
}

/// A sandbox that may keep compiled code there.
fn cached(folder: PathBuf) -> Sandbox {
    Sandbox::new(SandboxSettings {
        cache_dirs: vec![folder],
        ..SandboxSettings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_cache_is_filled_and_used_and_its_folder_closed() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let path = file("caso_test_hostile_mapper");
    for _ in 0..2 {
        let sandbox = cached(dir.path().join("cache"));
        assert_eq!(sandbox.cache().warning(), None);
        let component = sandbox
            .load(Source::File {
                path: &path,
                sha256: None,
            })
            .await
            .unwrap();
        assert_eq!(component.name, "hostile-mapper");
        let folder = sandbox.cache().folder.as_deref().unwrap();
        assert_eq!(std::fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
        assert!(std::fs::read_dir(folder).unwrap().count() > 0);
    }
}

/// Every file of compiled code below a folder.
fn code(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(code(&path));
        } else if path.extension().is_none() {
            found.push(path);
        }
    }
    found
}

/// Defect 10 of the durability review: wasmtime runs what it finds.
#[tokio::test]
async fn damaged_compiled_code_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = file("caso_test_hostile_mapper");
    let load = async || {
        let sandbox = cached(dir.path().join("cache"));
        let source = Source::File {
            path: &path,
            sha256: None,
        };
        let component = sandbox.load(source).await.unwrap();
        assert_eq!(component.name, "hostile-mapper");
        sandbox.cache().warning()
    };
    assert_eq!(load().await, None);
    let file = code(&dir.path().join("cache/wasm")).pop().unwrap();
    let whole = std::fs::read(&file).unwrap();
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 4] = [
        |code| code[0] ^= 1,
        |code| {
            let middle = code.len() / 2;
            code[middle] ^= 0x80;
        },
        |code| {
            let block = code.len() / 4096 / 2 * 4096;
            code[block..block + 4096].fill(0);
        },
        |code| code.truncate(code.len() / 2),
    ];
    for damage in damages {
        let mut code = whole.clone();
        damage(&mut code);
        std::fs::write(&file, code).unwrap();
        let warning = load().await.unwrap();
        assert!(warning.contains("damaged on the disk"), "{warning}");
        assert_eq!(load().await, None);
        assert_eq!(std::fs::read(&file).unwrap(), whole);
    }
}

#[tokio::test]
async fn an_unsafe_cache_is_a_warning_and_no_cache() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let sandbox = cached(open);
    assert_eq!(sandbox.cache().folder, None);
    let warning = sandbox.cache().warning().unwrap();
    assert!(warning.contains("where other users may write"), "{warning}");
}
