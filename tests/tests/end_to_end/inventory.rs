//! The tests of the workspace, as the compiler finds them: from each target that
//! cargo tests, through its modules. What is commented out, ignored, left out by a
//! `cfg` or in a file that no module names, is no test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use caso_tests::build::workspace;
use serde_json::Value;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprLit, Ident, Item, Lit, Meta, Token, Visibility, braced, parenthesized,
};

/// A test that `cargo test` runs.
#[derive(Debug)]
pub struct Test {
    pub name: String,
    /// The target's name, then the modules down to the test.
    pub modules: Vec<String>,
}

/// All tests of the workspace.
pub fn tests() -> Vec<Test> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .output()
        .expect("cargo can be started");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let packages = metadata["packages"].as_array().expect("packages");
    let mut tests = Vec::new();
    for target in packages
        .iter()
        .flat_map(|package| package["targets"].as_array().expect("targets"))
    {
        if target["test"] == true {
            let path = PathBuf::from(target["src_path"].as_str().expect("a path"));
            let name = target["name"].as_str().expect("a name").to_owned();
            let below = path.parent().expect("a file is in a folder").to_owned();
            file(&path, &below, &[name], &mut tests);
        }
    }
    tests
}

/// A file, the files of whose modules are in `below`.
fn file(path: &Path, below: &Path, modules: &[String], tests: &mut Vec<Test>) {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parsed =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if is_compiled(&parsed.attrs) {
        let here = path.parent().expect("a file is in a folder");
        items(&parsed.items, here, below, modules, tests);
    }
}

/// The items of a file in the folder `here`, or of a module that stands in it.
fn items(items: &[Item], here: &Path, below: &Path, modules: &[String], tests: &mut Vec<Test>) {
    for item in items {
        match item {
            Item::Fn(function) => {
                tests.extend(test(&function.attrs, &function.sig.ident, modules));
            }
            Item::Macro(call)
                if call
                    .mac
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "proptest") =>
            {
                let properties = properties.parse2(call.mac.tokens.clone());
                for (attributes, name) in properties.expect("`proptest!` has functions") {
                    tests.extend(test(&attributes, &name, modules));
                }
            }
            Item::Mod(module) if is_compiled(&module.attrs) => {
                let name = module.ident.to_string();
                let modules = [modules, std::slice::from_ref(&name)].concat();
                match (&module.content, path_of(&module.attrs)) {
                    (Some((_, inner)), _) => {
                        self::items(inner, here, &below.join(name), &modules, tests)
                    }
                    // As `mod.rs`: its own modules are beside it.
                    (None, Some(path)) => {
                        let path = here.join(path);
                        let beside = path.parent().expect("a file is in a folder");
                        file(&path, beside, &modules, tests)
                    }
                    (None, None) => {
                        let (beside, folder) =
                            (below.join(format!("{name}.rs")), below.join(&name));
                        let path = if beside.exists() {
                            beside
                        } else {
                            folder.join("mod.rs")
                        };
                        file(&path, &folder, &modules, tests);
                    }
                }
            }
            _ => {}
        }
    }
}

fn test(attributes: &[Attribute], name: &Ident, modules: &[String]) -> Option<Test> {
    let last = |attribute: &Attribute, word: &str| {
        let path = attribute.path();
        path.segments.last().is_some_and(|last| last.ident == word)
    };
    let has = |word: &str| attributes.iter().any(|attribute| last(attribute, word));
    // Who writes `cfg_attr` may ignore it on some machines: it does not count.
    (has("test") && !has("ignore") && !has("cfg_attr") && is_compiled(attributes)).then(|| Test {
        name: name.to_string(),
        modules: modules.to_vec(),
    })
}

/// Attributes and name of each function in a `proptest!`.
fn properties(input: ParseStream) -> syn::Result<Vec<(Vec<Attribute>, Ident)>> {
    let mut found = Vec::new();
    input.call(Attribute::parse_inner)?;
    while !input.is_empty() {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse::<Token![fn]>()?;
        found.push((attributes, input.parse()?));
        let (arguments, body);
        parenthesized!(arguments in input);
        skip(&arguments)?;
        braced!(body in input);
        skip(&body)?;
    }
    Ok(found)
}

fn skip(input: ParseStream) -> syn::Result<()> {
    input.step(|cursor| {
        let mut rest = *cursor;
        while let Some((_, next)) = rest.token_tree() {
            rest = next;
        }
        Ok(((), rest))
    })
}

fn path_of(attributes: &[Attribute]) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => text(&pair.value),
            _ => None,
        })
}

fn is_compiled(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .all(|attribute| holds(&attribute.parse_args().expect("a condition")))
}

/// Whether a `cfg` holds when this machine compiles tests. What is not known here
/// does not: a test behind it may never run.
fn holds(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("unix"),
        Meta::NameValue(pair) => {
            let values = [
                ("target_os", std::env::consts::OS),
                ("target_arch", std::env::consts::ARCH),
                ("target_family", std::env::consts::FAMILY),
            ];
            let known = |(name, value): &(&str, &str)| {
                pair.path.is_ident(name) && text(&pair.value).as_deref() == Some(value)
            };
            values.iter().any(known)
        }
        Meta::List(list) => {
            let inner = list
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .expect("conditions");
            match list.path.get_ident().map(Ident::to_string).as_deref() {
                Some("all") => inner.iter().all(holds),
                Some("any") => inner.iter().any(holds),
                Some("not") => !inner.iter().any(holds),
                _ => false,
            }
        }
    }
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// Names of the tests in this text, as a crate of that one file.
fn names(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lib.rs");
    fs::write(&path, text).unwrap();
    let mut tests = Vec::new();
    file(&path, folder.path(), &["lib".into()], &mut tests);
    tests.into_iter().map(|test| test.name).collect()
}

#[test]
fn what_cargo_test_would_not_run_is_no_test() {
    assert_eq!(names("#[test] fn there() {}"), ["there"]);
    assert_eq!(
        names("#[cfg(test)] mod tests { #[tokio::test] async fn there() {} }"),
        ["there"]
    );
    assert_eq!(
        names(
            "proptest! { #![proptest_config(c())] #[test] fn there(a in 0..3, b in s()) { f(a, b)? } }"
        ),
        ["there"]
    );
    for absent in [
        "fn helper() {}",
        "// #[test] fn there() {}",
        "/* #[test]\nfn there() {} */",
        "/// #[test] fn there() {}\nfn helper() {}",
        "const TEXT: &str = \"#[test] fn there() {}\";",
        "#[test] #[ignore] fn there() {}",
        "#[test] #[ignore = \"slow\"] fn there() {}",
        "#[test] #[cfg_attr(unix, ignore)] fn there() {}",
        "#[test] #[cfg(any())] fn there() {}",
        "#[cfg(windows)] mod tests { #[test] fn there() {} }",
        "#[cfg(all(test, feature = \"slow\"))] mod tests { #[test] fn there() {} }",
        "#![cfg(target_arch = \"wasm32\")] #[test] fn there() {}",
        "proptest! { #[test] #[ignore] fn there(a in 0..3) {} }",
    ] {
        assert_eq!(names(absent), Vec::<String>::new(), "{absent}");
    }
}
