//! The files of the folders that `caso component new` makes, as they lie in `engine/templates`.

macro_rules! template {
    ($path:literal) => {
        include_bytes!(concat!("../../../../templates/", $path))
    };
}

/// A file, and what it is for; of no interest to a reader where that is empty.
pub struct Template {
    pub name: &'static str,
    pub bytes: &'static [u8],
    pub what: &'static str,
}

const fn file(name: &'static str, bytes: &'static [u8], what: &'static str) -> Template {
    Template { name, bytes, what }
}

/// The files of a folder, in the order in which they are told of: parts, of which starters
/// share some.
#[derive(Clone, Copy)]
pub struct Folder(&'static [&'static [Template]]);

impl Folder {
    pub fn files(self) -> impl Iterator<Item = &'static Template> {
        self.0.iter().copied().flatten()
    }
}

/// Around every component in Rust.
const RUST_AROUND: &[Template] = &[
    file("Cargo.toml", template!("rust/Cargo.toml.in"), "the package"),
    file(
        "build.sh",
        template!("rust/build.sh"),
        "`cargo build` for WebAssembly",
    ),
    file("test.sh", template!("rust/test.sh"), ""),
    file(".gitignore", template!("rust/gitignore"), ""),
];

/// What a messenger in C writes.
const C_LINES: &[Template] = &[
    file("lines.c", template!("c/lines.c"), "what it writes"),
    file("lines.h", template!("c/lines.h"), ""),
    file(
        "test/test_lines.c",
        template!("c/test/test_lines.c"),
        "its test",
    ),
];

/// Around every component in C.
const C_AROUND: &[Template] = &[
    file(
        "requirements.txt",
        template!("c/requirements.txt"),
        "the compiler and linker, from PyPI",
    ),
    file(
        "build.sh",
        template!("c/build.sh"),
        "installs them, compiles and links",
    ),
    file("test.sh", template!("c/test.sh"), ""),
    file(".gitignore", template!("c/gitignore"), ""),
];

pub const RUST: Folder = Folder(&[
    &[
        file(
            "src/lib.rs",
            template!("rust/src/lib.rs"),
            "the component: `describe`, `start` and `deliver`",
        ),
        file(
            "src/lines.rs",
            template!("rust/src/lines.rs"),
            "what it writes, with its tests",
        ),
    ],
    RUST_AROUND,
]);

/// A mapper, and what is around it as for a messenger.
pub const RUST_MAPPER: Folder = Folder(&[
    &[
        file(
            "src/lib.rs",
            template!("rust-mapper/src/lib.rs"),
            "the component: `describe`, `start` and `map-usage`",
        ),
        file(
            "src/records.rs",
            template!("rust-mapper/src/records.rs"),
            "what is made of usage, with its tests",
        ),
    ],
    RUST_AROUND,
]);

/// A filter.
pub const RUST_FILTER: Folder = Folder(&[
    &[
        file(
            "src/lib.rs",
            template!("rust-filter/src/lib.rs"),
            "the component: `describe`, `start` and `filter`",
        ),
        file(
            "src/verdicts.rs",
            template!("rust-filter/src/verdicts.rs"),
            "what becomes of each record, with its tests",
        ),
    ],
    RUST_AROUND,
]);

pub const C: Folder = Folder(&[
    &[file(
        "component.c",
        template!("c/component.c"),
        "the component: `describe`, `start` and `deliver`",
    )],
    C_LINES,
    &[
        file("gen/messenger.c", template!("c/gen/messenger.c"), ""),
        file(
            "gen/messenger.h",
            template!("c/gen/messenger.h"),
            "the contract's types and functions, generated from `wit/`",
        ),
        file(
            "gen/messenger_component_type.o",
            template!("c/gen/messenger_component_type.o"),
            "",
        ),
    ],
    C_AROUND,
]);

/// A messenger of the world `messenger-http`.
pub const C_HTTP: Folder = Folder(&[
    &[file(
        "component.c",
        template!("c-http/component.c"),
        "the component: `describe`, `start` and `deliver`",
    )],
    C_LINES,
    &[
        file(
            "gen/messenger_http.c",
            template!("c-http/gen/messenger_http.c"),
            "",
        ),
        file(
            "gen/messenger_http.h",
            template!("c-http/gen/messenger_http.h"),
            "the contract's types and functions, generated from `wit/`",
        ),
        file(
            "gen/messenger_http_component_type.o",
            template!("c-http/gen/messenger_http_component_type.o"),
            "",
        ),
    ],
    C_AROUND,
]);

pub const PYTHON: Folder = Folder(&[&[
    file(
        "component.py",
        template!("python/component.py"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file("lines.py", template!("python/lines.py"), "what it writes"),
    file(
        "test_lines.py",
        template!("python/test_lines.py"),
        "its test",
    ),
    file(
        "requirements.txt",
        template!("python/requirements.txt"),
        "what builds it, from PyPI",
    ),
    file(
        "build.sh",
        template!("python/build.sh"),
        "installs that, and freezes interpreter and modules into a component",
    ),
    file("test.sh", template!("python/test.sh"), ""),
    file(".gitignore", template!("python/gitignore"), ""),
]]);

pub const JAVASCRIPT: Folder = Folder(&[&[
    file(
        "component.js",
        template!("javascript/component.js"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file(
        "lines.js",
        template!("javascript/lines.js"),
        "what it writes",
    ),
    file(
        "lines.test.js",
        template!("javascript/lines.test.js"),
        "its test",
    ),
    file(
        "package.json",
        template!("javascript/package.json.in"),
        "what builds it, from npm",
    ),
    file(
        "build.mjs",
        template!("javascript/build.mjs"),
        "makes the component of engine and modules",
    ),
    file(
        "build.sh",
        template!("javascript/build.sh"),
        "installs and builds",
    ),
    file("test.sh", template!("javascript/test.sh"), ""),
    file(".gitignore", template!("javascript/gitignore"), ""),
]]);
