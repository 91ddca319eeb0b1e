//! What a file is that is no component which this engine runs, and what makes one of it.
//!
//! A site meets a download that failed, an author a module that was not wrapped or a toolchain
//! that is ahead of this engine. Each needs another remedy, so none is told of the parser's
//! words alone.

use wasmparser::{Parser, Payload, TypeRef};

use super::error::AdmissionError;

/// What a component begins with, and a core module.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The imports of WASI's first version, which no component has.
const PREVIEW_1: &str = "wasi_snapshot_preview1";
/// The section in which wit-bindgen leaves what the module will be as a component.
const COMPONENT_TYPE: &str = "component-type";

const COPY_AGAIN: &str = "copy it again, and compare its sha256 with its author's";

/// What the bytes are instead of a component, by the first of them.
pub fn by_first_bytes(component: &str, bytes: &[u8]) -> Option<AdmissionError> {
    let not = |detail: &str, hint: Option<String>| {
        Some(AdmissionError::NotAComponent {
            component: component.to_owned(),
            detail: detail.to_owned(),
            hint,
        })
    };
    if bytes.starts_with(COMPONENT) {
        return None;
    }
    if bytes.starts_with(MODULE) {
        return not("it is a core module", Some(wrapping(component, bytes)));
    }
    let copy_again = || Some(COPY_AGAIN.to_owned());
    if bytes.is_empty() {
        return not("it is empty", copy_again());
    }
    if COMPONENT.starts_with(bytes) || MODULE.starts_with(bytes) {
        return not("it ends too early", copy_again());
    }
    match text(bytes) {
        Some(text) if text.starts_with('<') => not(
            "it is a text (HTML?)",
            Some("download it again: a server that answers so has another page for it".to_owned()),
        ),
        Some(text) if text.starts_with("(component") || text.starts_with("(module") => not(
            "it is WebAssembly as text",
            Some(format!(
                "wasm-tools parse {component} -o component.wasm makes a binary of it"
            )),
        ),
        Some(_) => not("it is a text", None),
        None => not("wrong first bytes", None),
    }
}

/// The beginning of a text, behind its white space.
fn text(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..512).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that was cut off where the head ends.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let shown = |c: char| !c.is_control() || c.is_whitespace();
    text.chars()
        .all(shown)
        .then(|| text.trim_start_matches('\u{feff}').trim_start())
}

/// What makes a component of a core module.
fn wrapping(file: &str, bytes: &[u8]) -> String {
    let (mut preview_1, mut typed) = (false, false);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ImportSection(imports)) => {
                preview_1 |= imports.into_imports().any(|import| {
                    import.is_ok_and(|import| {
                        import.module == PREVIEW_1 && matches!(import.ty, TypeRef::Func(_))
                    })
                });
            }
            Ok(Payload::CustomSection(section)) => {
                typed |= section.name().starts_with(COMPONENT_TYPE);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let embed = match typed {
        true => String::new(),
        false => "`wasm-tools component embed wit --world messenger MODULE -o MODULE` (the folder `wit` is what \
                  `caso component wit wit` writes), then "
            .replace("MODULE", file),
    };
    let adapt = match preview_1 {
        true => " --adapt wasi_snapshot_preview1=wasi_snapshot_preview1.reactor.wasm",
        false => "",
    };
    let whence = match preview_1 {
        true => ", with the adapter of a release of wasmtime; or build it for wasm32-wasip2",
        false => "",
    };
    format!("{embed}`wasm-tools component new {file}{adapt} -o component.wasm`{whence}")
}

/// What the compiler refused.
pub fn by_compiler(component: &str, detail: String) -> AdmissionError {
    let component = component.to_owned();
    if let Some(feature) = feature(&detail) {
        return AdmissionError::Feature {
            component,
            feature,
            detail,
        };
    }
    let cut = ["unexpected end", "end-of-file"]
        .iter()
        .any(|words| detail.contains(words));
    AdmissionError::NotAComponent {
        component,
        hint: cut.then(|| COPY_AGAIN.to_owned()),
        detail: match cut {
            true => format!("it ends too early ({detail})"),
            false => detail,
        },
    }
}

/// What of WebAssembly a component uses that this engine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Calls that wait, of WASI 0.3.
    Async,
    /// A proposal, in words; none where the validator's words have to do.
    Proposal(Option<&'static str>),
}

/// How the validator says that it has something turned off.
const TURNED_OFF: [&str; 11] = [
    "must be enabled",
    "to be enabled",
    "not enabled",
    "is disabled",
    "are disabled",
    "require the ",
    "requires the ",
    "feature required",
    "proposal not supported",
    "not supported without the",
    "are disallowed but found",
];

/// By a word in what the validator says. One that says of what it is stands before one that
/// may stand beside it.
const FEATURES: [(&str, Feature); 12] = [
    ("error-context", Feature::Async),
    ("threading", Feature::Proposal(Some("threads"))),
    ("shared-everything", Feature::Proposal(Some("threads"))),
    ("async", Feature::Async),
    (
        "memory64",
        Feature::Proposal(Some("64-bit memories (memory64)")),
    ),
    ("thread", Feature::Proposal(Some("threads"))),
    (
        "wide arithmetic",
        Feature::Proposal(Some("wide arithmetic")),
    ),
    ("exception", Feature::Proposal(Some("exception handling"))),
    (
        "stack switching",
        Feature::Proposal(Some("stack switching")),
    ),
    ("continuation", Feature::Proposal(Some("stack switching"))),
    ("page size", Feature::Proposal(Some("custom page sizes"))),
    ("gc", Feature::Proposal(Some("garbage collection (GC)"))),
];

fn feature(detail: &str) -> Option<Feature> {
    if !TURNED_OFF.iter().any(|words| detail.contains(words)) {
        return None;
    }
    let said = detail.to_ascii_lowercase();
    let known = FEATURES.iter().find(|(word, _)| said.contains(word));
    Some(known.map_or(Feature::Proposal(None), |(_, feature)| *feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (String, Option<String>) {
        let error = by_first_bytes("c.wasm", bytes).unwrap();
        (error.to_string(), error.hint())
    }

    #[test]
    fn what_is_something_else_is_called_what_it_is() {
        for (bytes, words) in [
            (&b""[..], "it is empty"),
            (b"\0asm", "it ends too early"),
            (b"\n<!DOCTYPE html><html>", "it is a text (HTML?)"),
            (b"(component)", "it is WebAssembly as text"),
            ("#!/bin/sh\necho \u{e4}".as_bytes(), "it is a text"),
            (b"\x7fELF\0\0\xff\xff", "wrong first bytes"),
        ] {
            let (text, _) = told(bytes);
            assert!(text.ends_with(words), "{text}");
        }
        // A character that is cut off makes no binary of a text.
        let long = format!("{}\u{e4}", "a".repeat(511));
        assert!(told(long.as_bytes()).0.ends_with("it is a text"));
        assert!(by_first_bytes("c.wasm", COMPONENT).is_none());
    }

    #[test]
    fn a_module_is_wrapped_with_what_it_lacks() {
        let import = |module: &str| {
            let mut section = vec![1, u8::try_from(module.len()).unwrap()];
            section.extend(module.bytes());
            section.extend([1, b'f', 0, 0]);
            let size = u8::try_from(section.len()).unwrap();
            let types = [1, 4, 1, 0x60, 0, 0];
            [MODULE, &types, &[2, size], &section].concat()
        };
        let typed = |module: Vec<u8>| {
            let name = "component-type:mine";
            let size = u8::try_from(name.len() + 1).unwrap();
            let section = [&[0, size, size - 1], name.as_bytes()].concat();
            [module, section].concat()
        };
        let embed = "wasm-tools component embed wit";
        let adapt = "--adapt wasi_snapshot_preview1=";
        for (bytes, embeds, adapts) in [
            (import("env"), true, false),
            (import(PREVIEW_1), true, true),
            (typed(import("env")), false, false),
            (typed(import(PREVIEW_1)), false, true),
        ] {
            let (text, hint) = told(&bytes);
            assert!(text.ends_with("it is a core module"), "{text}");
            let hint = hint.unwrap();
            assert!(hint.contains("wasm-tools component new c.wasm"), "{hint}");
            assert_eq!(hint.contains(embed), embeds, "{hint}");
            assert_eq!(hint.contains(adapt), adapts, "{hint}");
        }
    }

    #[test]
    fn what_the_engine_does_not_have_is_not_called_something_else() {
        let proposal = |words| Some(Feature::Proposal(Some(words)));
        for (said, expected) in [
            (
                "memory64 must be enabled for 64-bit memories (at offset 0x11)",
                proposal("64-bit memories (memory64)"),
            ),
            (
                "threads must be enabled for shared memories",
                proposal("threads"),
            ),
            ("threads support is not enabled", proposal("threads")),
            (
                "`thread.index` requires the component model threading feature",
                proposal("threads"),
            ),
            (
                "exceptions proposal not enabled",
                proposal("exception handling"),
            ),
            (
                "legacy_exceptions feature required for try instruction",
                proposal("exception handling"),
            ),
            (
                "struct indexed types not supported without the gc feature",
                proposal("garbage collection (GC)"),
            ),
            (
                "rec group usage requires `gc` proposal to be enabled",
                proposal("garbage collection (GC)"),
            ),
            (
                "wide arithmetic support is not enabled",
                proposal("wide arithmetic"),
            ),
            (
                "canonical option `async` requires the component model async feature",
                Some(Feature::Async),
            ),
            (
                "`stream` requires the component model async feature",
                Some(Feature::Async),
            ),
            (
                "`error-context` requires the component model error-context feature",
                Some(Feature::Async),
            ),
            (
                "support for component model `value`s is not enabled",
                Some(Feature::Proposal(None)),
            ),
            (
                "cannot define struct types when gc types are disabled",
                proposal("garbage collection (GC)"),
            ),
            (
                "async component functions require the component model async feature",
                Some(Feature::Async),
            ),
            (
                "Maps require the component model map feature",
                Some(Feature::Proposal(None)),
            ),
            ("type mismatch: expected i32, found i64", None),
        ] {
            assert_eq!(feature(said), expected, "{said}");
        }
        let cut = by_compiler(
            "c.wasm",
            "unexpected end-of-file (at offset 0x9)".to_owned(),
        );
        assert!(cut.to_string().contains("it ends too early"), "{cut}");
        assert!(cut.hint().is_some());
        let of_async = by_compiler(
            "c.wasm",
            "`future` requires the component model async feature".to_owned(),
        );
        let text = of_async.to_string();
        assert!(text.contains("is built for async (WASI 0.3)"), "{text}");
    }
}
