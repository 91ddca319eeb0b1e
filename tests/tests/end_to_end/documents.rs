//! The pages for people: every command of ours in README.md and docs/ is one that
//! the programs understand, every link leads somewhere, and every page is in the
//! book's table of contents. What the commands print is in `words` and in the
//! modules of their subjects.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use caso_tests::build::workspace;
use caso_tests::site::Site;

const PROGRAMS: [&str; 4] = [
    "caso",
    "caso-extract",
    "caso-projects",
    "caso-mapping-migrate",
];

/// README.md and the pages of the book, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let root = workspace();
    let book = fs::read_dir(root.join("docs/src")).unwrap();
    let mut paths: Vec<_> = book.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.extend(["README.md", "packaging/README.md"].map(|name| root.join(name)));
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The words of a command line of ours: what stands before a remark, a pipe, a
/// redirection or another command. `None` where another program is called.
fn command(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("(umask 077; ");
    let end = [" # ", " | ", " > ", " && ", ";"]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()
        .unwrap_or(line.len());
    let words: Vec<_> = line[..end].split_whitespace().map(str::to_owned).collect();
    let first = words.first()?;
    PROGRAMS.contains(&first.as_str()).then_some(words)
}

/// Commands in indented blocks, and those between backticks that have a
/// subcommand or flag.
fn commands(text: &str) -> BTreeSet<Vec<String>> {
    let mut fenced = false;
    let mut all = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            continue;
        } else if line.starts_with("    ") {
            all.extend(command(line));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            all.extend(spans.filter_map(command).filter(|words| words.len() > 1));
        }
    }
    all
}

/// What stands between two texts, the first of which must be there.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).unwrap_or_else(|| panic!("no `{from}`")) + from.len();
    text[begin..].split(to).next().unwrap()
}

/// Every way of logging in is named wherever they are listed, in one order.
#[test]
fn the_auth_types_are_listed_alike() {
    let mut site = Site::with_auth_url("http://127.0.0.1:1/v3");
    site.set("keystone_auth", "auth_type", "nonsense");
    let refusal = site.start("caso", &["check", "--offline"], &[]).finish();
    let refusal = format!("{}{}", refusal.stdout, refusal.stderr);
    let quoted = |text: &str| -> Vec<String> {
        let words = text.split('`').skip(1).step_by(2);
        words.map(str::to_owned).collect()
    };
    let known = quoted(between(
        &refusal,
        "is not an auth type; expected one of",
        "\n",
    ));
    assert!(known.contains(&"v3password".to_owned()), "{refusal}");

    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    assert_eq!(quoted(between(&readme, "`auth_type` may be", ". ")), known);

    let sample = fs::read_to_string(workspace().join("etc/caso.conf.sample")).unwrap();
    let words = sample.replace("\n#", "");
    let listed = between(&words, "How to authenticate:", ".").replace(" or ", ", ");
    let listed: Vec<_> = listed.split(',').map(str::trim).collect();
    assert_eq!(listed, known);
}

#[test]
fn every_command_in_the_pages_is_one_that_we_have() {
    let site = Site::with_auth_url("http://127.0.0.1:1/v3");
    let mut tried = 0;
    let mut wrong = Vec::new();
    for (path, text) in pages() {
        for words in commands(&text) {
            // `caso queue retry NAME …`: an ellipsis stands for more of the same.
            let words: Vec<_> = words.iter().filter(|word| *word != "…").collect();
            // Help is printed where the subcommand exists and the flags before it do.
            let output = site
                .command(words[0])
                .args(&words[1..])
                .arg("--help")
                .output()
                .unwrap();
            tried += 1;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!("{}: {words:?}: {said}", path.display()));
            }
        }
    }
    assert!(tried > 40, "only {tried} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Before its filesystem is mounted the spool is an empty folder, from which a run begins anew.
#[test]
fn the_unit_waits_for_the_filesystem_of_the_spool() {
    let unit = fs::read_to_string(workspace().join("etc/systemd/caso.service")).unwrap();
    let (head, service) = unit.split_once("[Service]").unwrap();
    assert!(
        head.contains("\nRequiresMountsFor=/var/spool/caso\n"),
        "{head}"
    );
    // Of a folder of systemd's own it knows by itself.
    assert!(service.contains("/var/spool/caso"));
    let of_many = fs::read_to_string(workspace().join("etc/systemd/caso@.service")).unwrap();
    assert!(of_many.contains("\nStateDirectory=caso/%i\n"), "{of_many}");
}

#[test]
fn every_link_in_the_pages_leads_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in pages() {
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            let elsewhere = file.starts_with("https://") || file.is_empty();
            if !elsewhere && !path.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let folder = workspace().join("docs/src");
    let contents = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let listed = name == "SUMMARY.md" || contents.contains(&format!("]({name})"));
        assert!(listed, "{name} is not in SUMMARY.md");
    }
}

/// Options in the pages' examples are options: an unknown one would be warned about.
#[test]
fn every_configuration_in_the_pages_has_options_that_we_have() {
    let site = Site::with_auth_url("http://127.0.0.1:1/v3");
    let mut tried = 0;
    for (path, text) in pages() {
        for part in text.split("```ini\n").skip(1) {
            let example = part.split("```").next().unwrap();
            let file = site.path().join("example.conf");
            fs::write(&file, example).unwrap();
            let mut command = site.command("caso");
            command.args(["config", "show", "--config-file"]).arg(&file);
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            tried += 1;
            for wrong in ["is not an option", "is an old name"] {
                assert!(!said.contains(wrong), "{}: {said}{example}", path.display());
            }
        }
    }
    assert!(tried > 3, "only {tried} examples were found");
}

/// What the packages install as caso.conf, with the `#` taken away before each
/// option: an unknown one would be warned about.
#[test]
fn the_packages_caso_conf_is_understood_once_it_is_filled_in() {
    let site = Site::with_auth_url("http://127.0.0.1:1/v3");
    let shipped = fs::read_to_string(workspace().join("packaging/caso.conf")).unwrap();
    let filled: String = shipped
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(option) if !option.starts_with(' ') && option.ends_with('=') => {
                format!("{option} x\n")
            }
            Some(option) if !option.starts_with(' ') => format!("{option}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let file = site.path().join("filled.conf");
    fs::write(&file, filled).unwrap();
    let output = site
        .command("caso")
        .args(["config", "show", "--config-file"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("no option"), "{said}");
    assert!(shown.contains("site_name = x"), "{shown}");
    assert!(shown.contains("messengers = ssm"), "{shown}");
}
