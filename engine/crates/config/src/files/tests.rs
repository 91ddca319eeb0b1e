use super::*;
use crate::tests::told;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "[DEFAULT]\n").unwrap();
        }
        Self(folder)
    }

    fn places(&self) -> Places {
        Places {
            home: Some(self.0.path().join("home")),
            root: self.0.path().into(),
            snap_common: None,
            snap: Some(self.0.path().join("snap")),
        }
    }

    fn read(&self, named: &[ConfigPlace]) -> (Vec<String>, Vec<ConfigError>) {
        let mut errors = Collector::default();
        let files = read(Program::Extract, &self.places(), named, &mut errors);
        let names = files
            .iter()
            .map(|file| {
                file.path
                    .strip_prefix(self.0.path())
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        let errors = errors.finish::<()>(None).unwrap_err().0;
        (names, errors)
    }
}

#[test]
fn the_first_folder_that_has_a_file_counts_for_each_name() {
    let tree = Tree::new(&[
        "home/caso-extract.conf",
        "etc/caso/caso.conf",
        "etc/caso.conf",
        "etc/caso/caso-extract.conf",
        "etc/caso/caso-projects.conf",
        "etc/caso.conf.d/20.conf",
        "etc/caso.conf.d/10.conf",
        "etc/caso.conf.d/.hidden.conf",
        "etc/caso.conf.d/30.conf.bak",
        "snap/etc/caso/caso-extract.conf.d/x.conf",
    ]);
    let (names, errors) = tree.read(&[]);
    assert_eq!(errors, []);
    assert_eq!(
        names,
        [
            "etc/caso/caso.conf",
            "home/caso-extract.conf",
            "etc/caso.conf.d/10.conf",
            "etc/caso.conf.d/20.conf",
            "snap/etc/caso/caso-extract.conf.d/x.conf",
        ]
    );
}

#[test]
fn a_named_file_replaces_default_files_and_a_named_folder_default_folders() {
    let tree = Tree::new(&[
        "etc/caso/caso.conf",
        "etc/caso.conf.d/10.conf",
        "home/x.conf",
        "d/1.conf",
    ]);
    let file = ConfigPlace::File("~/x.conf".into());
    let folder = ConfigPlace::Folder(tree.0.path().join("d"));
    assert_eq!(
        tree.read(std::slice::from_ref(&file)).0,
        ["etc/caso.conf.d/10.conf", "home/x.conf"]
    );
    assert_eq!(
        tree.read(std::slice::from_ref(&folder)).0,
        ["etc/caso/caso.conf", "d/1.conf"]
    );
    assert_eq!(tree.read(&[folder, file]).0, ["d/1.conf", "home/x.conf"]);
}

#[test]
fn what_is_named_must_be_there() {
    let tree = Tree::new(&[]);
    let missing = tree.0.path().join("missing");
    let (_, errors) = tree.read(&[
        ConfigPlace::File(missing.clone()),
        ConfigPlace::Folder(missing),
    ]);
    assert!(matches!(errors[0], ConfigError::Folder { .. }));
    assert!(matches!(errors[1], ConfigError::Unreadable { .. }));
}

#[test]
fn all_faults_of_all_files_are_reported_with_their_lines() {
    let tree = Tree::new(&[]);
    let path = tree.0.path().join("bad.conf");
    fs::write(&path, b"[DEFAULT]\nfoo\nbar\n").unwrap();
    let latin = tree.0.path().join("latin.conf");
    fs::write(&latin, b"[DEFAULT]\nsite_name = M\xe1laga\n").unwrap();
    let marked = tree.0.path().join("mark.conf");
    fs::write(&marked, "\u{feff}[DEFAULT]\nsite_name = S\nbar\n").unwrap();
    let named = [path, latin, marked].map(ConfigPlace::File);
    let lines: Vec<_> = tree
        .read(&named)
        .1
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(
        lines[0]
            .ends_with("bad.conf:2`: the line has neither `=` nor `:`; expected `option = value`")
    );
    assert!(lines[2].ends_with("latin.conf:2`: the line is not UTF-8 text"));
    assert!(lines[3].contains("mark.conf:1`: the file begins with a byte-order mark"));
    assert!(lines[4].contains("mark.conf:3`: the line has neither"));
}

#[test]
fn toml_is_looked_for_beside_conf() {
    let tree = Tree::new(&[
        "etc/caso/caso.toml",
        "home/caso-extract.conf",
        "etc/caso.toml.d/20.toml",
        "etc/caso.toml.d/10.conf",
        "etc/caso.toml.d/.hidden.toml",
    ]);
    let (names, errors) = tree.read(&[]);
    assert_eq!(errors, []);
    assert_eq!(
        names,
        [
            "etc/caso/caso.toml",
            "home/caso-extract.conf",
            "etc/caso.toml.d/10.conf",
            "etc/caso.toml.d/20.toml",
        ]
    );
}

/// Wherever in the search they are: one would hide the other.
#[test]
fn both_grammars_are_an_error_with_a_way_out() {
    let tree = Tree::new(&["etc/caso/caso.conf", "home/caso.toml", "x.toml"]);
    let (_, errors) = tree.read(&[]);
    let text = told(&errors[0]);
    assert!(
        text.starts_with("there are both `")
            && text.contains("caso config convert")
            && text.ends_with("`--config-file`"),
        "{text}"
    );
    let (names, errors) = tree.read(&[ConfigPlace::File(tree.0.path().join("x.toml"))]);
    assert_eq!((names, errors), (vec!["x.toml".to_owned()], vec![]));
}
