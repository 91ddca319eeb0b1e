//! What README.md and the book show of commands and what they print: the blocks of kind `console`.
//! Each command (`$ caso …`) is run, in a site that extracted three hours of a small cloud, and what
//! it prints is held against the lines below it. In these, `…` stands for whatever differs, and a
//! line of it alone for any lines.

use std::fmt::Write as _;
use std::fs;

use caso_tests::build::workspace;
use caso_tests::outcome::for_the_default;
use caso_tests::site::Site;

use crate::republish::extracted;

/// A command and what it is shown to print.
#[derive(Debug)]
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// Those of a page, in their order.
fn shown(page: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut within = false;
    for line in page.lines() {
        match (within, line) {
            (false, "```console") => within = true,
            (true, "```") => within = false,
            (true, line) => match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => all.push(Shown {
                    command: command.to_owned(),
                    lines: Vec::new(),
                }),
                (None, Some(last)) => last.lines.push(line.to_owned()),
                (None, None) => panic!("`{line}` stands below no command"),
            },
            _ => {}
        }
    }
    all
}

/// Whether a line is what is shown, blanks aside.
fn is_like(line: &str, shown: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, shown) = (words(line), words(shown));
    let mut parts = shown.split('…').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut ends = !shown.contains('…');
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        // The last part ends the line, where it is one.
        ends = part.is_empty() || rest.ends_with(part);
        rest = &rest[at + part.len()..];
    }
    ends && (shown.contains('…') || rest.is_empty())
}

/// Whether the lines are those that are shown.
fn are_like(lines: &[&str], shown: &[String]) -> bool {
    match (lines, shown) {
        ([], []) => true,
        (_, [any, rest @ ..]) if any.trim() == "…" => {
            (0..=lines.len()).any(|skipped| are_like(&lines[skipped..], rest))
        }
        ([line, lines @ ..], [shown, rest @ ..]) => is_like(line, shown) && are_like(lines, rest),
        _ => false,
    }
}

#[test]
fn commands_print_what_the_pages_show() {
    let root = workspace();
    let book = fs::read_dir(root.join("docs/src")).unwrap();
    let mut pages: Vec<_> = book.map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    pages.sort();
    let mut tried = 0;
    let mut wrong = String::new();
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        let shown = shown(&page);
        if shown.is_empty() {
            continue;
        }
        let (_cloud, site) = extracted();
        for Shown { command, lines } in shown {
            let mut words = command.split_whitespace();
            let program = words.next().unwrap();
            let output = site
                .command(program)
                .args(words)
                .arg("--config-file")
                .arg(site.path().join("caso.conf"))
                .output()
                .unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            let printed = for_the_default(&printed, site.path())
                .replace(&site.spool().display().to_string(), "/var/spool/caso")
                .replace(
                    &site.ssm().display().to_string(),
                    "/var/spool/apel/outgoing/openstack",
                )
                .replace(&site.path().display().to_string(), "/etc/caso");
            let printed: Vec<&str> = printed.trim_end().lines().collect();
            tried += 1;
            if !are_like(&printed, &lines) {
                let _ = writeln!(
                    wrong,
                    "{}: `{command}` is shown to print\n{}\nand prints\n{}\n",
                    path.display(),
                    lines.join("\n"),
                    printed.join("\n")
                );
            }
        }
    }
    assert!(
        tried > 8,
        "only {tried} commands are shown with what they print"
    );
    assert!(wrong.is_empty(), "{wrong}");
}

/// The longest of them: what README.md shows of the demo.
#[test]
fn the_demo_prints_what_the_readme_shows() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, behind) = readme.split_once("cargo run -- demo\n").unwrap();
    let block = behind.split("```\n").nth(1).unwrap();
    let shown: Vec<String> = block.lines().map(str::to_owned).collect();
    let site = Site::with_auth_url("http://127.0.0.1:1/v3");
    let folder = site.path().join("caso-demo-abc");
    let output = site.command("caso").arg("demo").arg(&folder).output();
    let output = output.unwrap();
    // A terminal has both, in the order in which they are printed.
    let printed = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let printed = printed.replace(&site.path().display().to_string(), "/tmp");
    let printed: Vec<&str> = printed.lines().collect();
    assert!(
        are_like(&printed, &shown),
        "README.md shows\n{}\nand it prints\n{}",
        shown.join("\n"),
        printed.join("\n")
    );
}

#[test]
fn an_ellipsis_stands_for_what_differs() {
    assert!(is_like("a  b 12 s", "a b … s"));
    assert!(is_like("a b", "a b") && is_like("ab", "…b") && is_like("ab", "a…"));
    assert!(!is_like("a b c", "a b") && !is_like("a b c", "a … b") && !is_like("x", "y…"));
    let shown = |lines: &[&str]| lines.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert!(are_like(&["a", "b", "c"], &shown(&["a", "…", "c"])));
    assert!(!are_like(&["a", "b", "c"], &shown(&["a", "c"])));
    assert!(!are_like(&["a"], &shown(&["a", "b"])));
}
