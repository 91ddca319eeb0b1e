//! Components of other versions of the contract. They are the frozen one with names
//! changed in its bytes: a name of the same length leaves a component valid, and says
//! of itself what one that was built on another version would.

use super::*;

/// The frozen component with every one of these texts replaced by one of its length.
fn renamed(folder: &Path, names: &[(&str, &str)]) -> PathBuf {
    let mut bytes = std::fs::read(messenger()).unwrap();
    for (from, to) in names {
        assert_eq!(from.len(), to.len());
        let mut found = 0;
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from.as_bytes()) {
                bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
                found += 1;
            }
        }
        assert!(found > 0, "{from}");
    }
    let path = folder.join("renamed.wasm");
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn refused(names: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = load(&renamed(folder.path(), names), None).await.err();
    let error = error.expect("it is not admitted");
    caso_base::error_chain(&error).replace(&folder.path().display().to_string(), "")
}

#[tokio::test]
async fn a_later_minor_version_runs_as_far_as_it_needs_nothing_new() {
    for version in ["@1.0.1", "@1.1.0", "@1.9.0"] {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("queue");
        let path = renamed(folder.path(), &[("@1.0.0", version)]);
        let component = load(&path, None).await.unwrap();
        let mut messenger = start(&component, &queue, "red").await.unwrap();
        let [(record_type, records, _), ..] = contract::one_of_each();
        let answer = messenger.deliver(&batch(record_type, records)).await;
        assert_eq!(answer.unwrap().accepted, 2, "{version}");
        assert_eq!(messages(&queue).len(), 1, "{version}");
    }
}

#[tokio::test]
async fn a_component_of_another_version_is_told_the_way_out() {
    let built = "it is built for version 1.1.0 of the contract, this engine has 1.0.0: update the \
                 engine, or build the component against that";
    // A new interface, which it imports.
    let error = refused(&[("caso:accounting/queue@1.0.0", "caso:accounting/https@1.1.0")]).await;
    assert_eq!(
        error,
        format!(
            "component `/renamed.wasm` imports `caso:accounting/https@1.1.0`, which this host does \
             not offer: {built}"
        )
    );
    // A new function of an interface that 1.0 has.
    let error = refused(&[("@1.0.0", "@1.1.0"), ("\u{5}write", "\u{5}wrote")]).await;
    assert!(
        error.starts_with(&format!(
            "component `/renamed.wasm` does not fit this host: {built} ("
        )),
        "{error}"
    );
    // A record of another shape, which no 1.1 may have.
    let error = refused(&[
        ("@1.0.0", "@1.1.0"),
        ("time-left-milliseconds", "time-left-nanosecondss"),
    ])
    .await;
    assert!(
        error.contains(built) && error.contains("time-left"),
        "{error}"
    );
    // Another major version.
    let two = "it is built for version 2.0.0 of the contract, this engine has 1.0.0: update the \
               engine, or build the component against that";
    let error = refused(&[("@1.0.0", "@2.0.0")]).await;
    assert_eq!(
        error,
        format!("component `/renamed.wasm` cannot be used: {two}")
    );
    // A draft from before it.
    let error = refused(&[("@1.0.0", "@0.9.0")]).await;
    assert!(
        error.ends_with("this engine has 1.0.0: build the component against that"),
        "{error}"
    );
}

#[tokio::test]
async fn a_component_that_lies_about_1_0_is_refused_before_it_runs() {
    let error = refused(&[("time-left-milliseconds", "time-left-nanosecondss")]).await;
    assert!(
        error.contains("could not describe itself") && error.contains("time-left"),
        "{error}"
    );
    assert!(!error.contains("built for version"), "{error}");
}
