//! For tests of what another process or another user meets: the test program
//! starts itself again, with one of its ignored tests.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::Uid;

const FOLDER: &str = "CASO_TEST_FOLDER";
const ANSWER: &str = "answer: ";

/// The other side: answers about the folder of the test that started it.
pub(crate) fn answer(about: impl FnOnce(&Path) -> String) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        println!("{ANSWER}{}", about(Path::new(&folder)));
    }
}

/// This program, about to run one of its ignored tests.
pub(crate) fn command(program: &Path, folder: &Path, test: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The answer in a line of the other side's output.
pub(crate) fn answer_in(line: &str) -> Option<String> {
    line.split_once(ANSWER).map(|(_, answer)| answer.to_owned())
}

/// What an ignored test answers as a user who owns nothing: nobody, where the
/// tests run as root; else the same user, from whom modes keep enough.
pub(crate) fn without_rights(folder: &Path, test: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, open).unwrap();
    // Where the program lies nobody may be allowed to look.
    let place = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).unwrap();
    let program = place.path().join("test-program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = command(&program, folder, test);
    if Uid::effective().is_root() {
        command.uid(65534).gid(65534);
    }
    // A child that another test is just starting may have the copy open for
    // writing until it has become its own program.
    let output = loop {
        match command.output() {
            Err(busy) if busy.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            output => break output.unwrap(),
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = text.lines().find_map(answer_in);
    answer.unwrap_or_else(|| panic!("`{test}` gave no answer: {text}"))
}
