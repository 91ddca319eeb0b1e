//! Questions to whoever sits at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::run::queue::{Answer, Ask};

/// Whom a command asks: nobody, where `--yes` has answered.
pub fn asking(yes: bool) -> Ask<'static> {
    match yes {
        true => &|_| Answer::Yes,
        false => &ask,
    }
}

/// Asks; anything but a yes is a no, and so is the end of the input.
fn ask(question: &str) -> Answer {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Answer::Nobody;
    }
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match read.is_ok() && is_yes(&line) {
        true => Answer::Yes,
        false => Answer::No,
    }
}

fn is_yes(line: &str) -> bool {
    let line = line.trim();
    line.eq_ignore_ascii_case("y") || line.eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_a_yes_is_a_no() {
        assert!(is_yes("y\n") && is_yes(" YES\r\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("yeah") && !is_yes("n"));
    }
}
