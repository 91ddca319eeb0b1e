use super::*;
use crate::failure::Role;
use proptest::prelude::*;

fn log(secrets: &[&str], limits: &Limits) -> GuestLog {
    let mask = Mask::new(secrets.iter().map(|secret| (*secret).to_owned()));
    let who = Who {
        component: "ssm".to_owned(),
        instance: "mine".to_owned(),
        role: Role::Messenger,
    };
    GuestLog::new(&who, mask, limits, Arc::default())
}

fn said(log: &GuestLog) -> Vec<String> {
    log.with(|shared| {
        shared
            .written
            .iter()
            .map(|(_, line)| line.clone())
            .collect()
    })
}

fn small(lines: u32, bytes: usize) -> Limits {
    Limits {
        log_lines: lines,
        log_line_bytes: bytes,
        ..Limits::default()
    }
}

#[test]
fn nothing_steers_a_terminal_or_turns_text_around() {
    let log = log(&[], &Limits::default());
    log.write(
        Level::Info,
        "a\x1b[31mred\x07\u{202e}txt\u{2066}\n[ERROR] forged\u{9b}x",
    );
    assert_eq!(said(&log), ["a[31mredtxt [ERROR] forgedx"]);
}

#[test]
fn secrets_are_masked_however_they_are_written() {
    let log = log(
        &["hunter2", "abc", "first line\nsecond line"],
        &Limits::default(),
    );
    log.write(Level::Error, "hunter2 hun\0ter2 abc second line");
    log.bytes(Stdio::Stderr, b"pass=hun");
    log.bytes(Stdio::Stderr, b"ter2\n");
    assert_eq!(said(&log), ["*** *** abc ***", "pass=***"]);
    assert_eq!(log.stderr_tail(), "pass=***");
}

#[test]
fn a_cut_leaves_no_half_secret() {
    let log = log(&["0123456789"], &small(10, 20));
    // The line is cut at 80 bytes in the middle of the second secret.
    let line = format!("0123456789{}0123456789 and so on\n", "x".repeat(65));
    log.bytes(Stdio::Stdout, line.as_bytes());
    log.write(Level::Info, &line);
    for line in said(&log) {
        assert!(line.starts_with("***xxx") && line.ends_with('…'), "{line}");
        assert!(!line.contains("0123"), "{line}");
    }
}

#[test]
fn a_call_has_a_quota_and_says_once_that_it_is_spent() {
    let log = log(&[], &small(3, 100));
    for index in 0..10 {
        log.write(Level::Info, &format!("line {index}"));
    }
    assert_eq!(
        said(&log),
        [
            "line 0",
            "line 1",
            "more than 2 lines in one call: the rest is dropped"
        ]
    );
    log.begin_call();
    log.write(Level::Info, "again");
    assert_eq!(said(&log).last().unwrap(), "again");
}

#[test]
fn a_tail_is_kept_beyond_the_quota_and_ends_with_the_call() {
    let log = log(&[], &small(2, 100));
    log.bytes(Stdio::Stderr, b"1\n2\n3\n\n4\n5\npanicked at x");
    log.end_call();
    assert_eq!(log.stderr_tail(), "2 | 3 | 4 | 5 | panicked at x");
    log.begin_call();
    assert_eq!(log.stderr_tail(), "");
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    let log = log(&[], &Limits::default());
    log.bytes(Stdio::Stdout, b"\xff\xfe ok\n");
    assert_eq!(said(&log), ["\u{fffd}\u{fffd} ok"]);
}

#[test]
fn endless_output_without_a_line_end_takes_no_memory() {
    let log = log(&[], &small(5, 100));
    for _ in 0..1_000 {
        log.bytes(Stdio::Stdout, &[b'x'; 4096]);
    }
    log.with(|shared| assert!(shared.stdout.bytes.len() <= 400));
    log.end_call();
    assert_eq!(said(&log).len(), 1);
}

/// H2 of the sandbox's review: a megabyte of line ends cost a minute.
#[test]
fn what_is_beyond_the_quota_is_not_even_masked() {
    let log = log(&["hunter2"], &small(3, 100));
    log.bytes(Stdio::Stderr, &[b'\n'; 64 << 10]);
    for _ in 0..10 {
        log.write(Level::Info, "hunter2");
    }
    assert_eq!(said(&log).len(), 3);
    // The last words are masked all the same.
    log.bytes(Stdio::Stderr, b"hunter2\n");
    assert_eq!(log.stderr_tail(), "***");
}

/// The log of one more store of an instance whose run has this budget.
fn of_run(budget: &Arc<Budget>) -> GuestLog {
    let who = Who {
        component: "c".to_owned(),
        instance: "mine".to_owned(),
        role: Role::Messenger,
    };
    GuestLog::new(
        &who,
        Mask::default(),
        &Limits::default(),
        Arc::clone(budget),
    )
}

/// All that was logged in a run of so many calls, each in a store of its own.
fn logged(calls: u32, write: impl Fn(u32, &GuestLog)) -> Vec<(Level, String)> {
    let budget = Arc::<Budget>::default();
    let mut all = Vec::new();
    for call in 0..calls {
        let log = of_run(&budget);
        log.begin_call();
        write(call, &log);
        log.with(|shared| all.append(&mut shared.written));
    }
    all
}

/// b10 and c02: a call for each record, and each with errors for root's mail.
#[test]
fn a_run_has_a_quota_for_all_calls_and_stores_of_an_instance() {
    let all = logged(100, |_, log| {
        for _ in 0..100 {
            log.write(Level::Error, "error");
            log.write(Level::Info, "info");
        }
    });
    let count = |word: &str| all.iter().filter(|(_, line)| line == word).count();
    assert_eq!(count("error"), 50);
    assert!(all.len() <= 2_002, "{}", all.len());
    let told = |part: &str| all.iter().filter(|(_, line)| line.contains(part)).count();
    assert_eq!(told("more than 50 errors in one run"), 1);
    assert_eq!(told("more than 2000 lines in one run"), 1);
}

/// A run over a million servers has thousands of batches, and `ssm` a line for each that is
/// seen with `--debug` alone: it must neither be warned of nor cost a later warning.
#[test]
fn lines_that_nobody_asked_for_cost_no_warning() {
    let all = logged(3_000, |call, log| {
        log.write(Level::Debug, "a batch");
        if call == 2_999 {
            log.write(Level::Warning, "a warning");
            log.write(Level::Error, "an error");
        }
    });
    let loud: Vec<&str> = all
        .iter()
        .filter(|(level, _)| *level != Level::Debug)
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(loud, ["a warning", "an error"]);
    assert_eq!(all.len(), 2_003);
}

/// However a component sorts its lines, a run has little more than its quota.
#[test]
fn warnings_beyond_the_quota_are_few() {
    let all = logged(100, |_, log| {
        for level in [Level::Error, Level::Debug, Level::Warning] {
            (0..60).for_each(|_| log.write(level, "flood"));
        }
    });
    // The lines, the late warnings, and a last word of each sort.
    assert_eq!(all.len(), 2_000 + 50 + 3);
}

proptest! {
    #[test]
    fn no_secret_is_ever_left(
        before in "\\PC{0,60}", after in "\\PC{0,60}",
        secret in "[a-zA-Z0-9/+$]{4,12}", limit in 5usize..60,
    ) {
        let log = log(&[&secret], &small(10, limit));
        log.write(Level::Info, &format!("{before}{secret}{after}"));
        log.bytes(Stdio::Stdout, format!("{before}{secret}{after}\n").as_bytes());
        for line in said(&log) {
            prop_assert!(!line.contains(&secret));
            prop_assert!(line.len() <= limit + '…'.len_utf8());
        }
    }
}
