use super::*;

fn parse(program: Program, args: &[&str]) -> Result<CommandLine, clap::Error> {
    let command = arguments(Command::new("caso-extract"), program);
    let args = std::iter::once("caso-extract").chain(args.iter().copied());
    command
        .try_get_matches_from(args)
        .map(|matches| CommandLine::from_matches(&matches))
}

fn value(args: &[&str], option: &str) -> Option<(String, String)> {
    let typed = parse(Program::Extract, args).unwrap();
    typed
        .values
        .get(&("DEFAULT".to_owned(), option.to_owned()))
        .cloned()
}

/// `caso-extract --help` of 5.2.2, flag by flag.
const FLAGS: &[&str] = &[
    "--caso_tag x",
    "--config-dir x",
    "--config-file x",
    "--debug",
    "-d",
    "--dry-run",
    "--extract-from x",
    "--extract-to x",
    "--extractor x",
    "--log-config-append x",
    "--log-config x",
    "--log_config x",
    "--log-date-format x",
    "--log-dir x",
    "--logdir x",
    "--log-file x",
    "--logfile x",
    "--mapping_file x",
    "--extractor-mapping_file x",
    "--nodebug",
    "--nodry-run",
    "--nouse-journal",
    "--nouse-json",
    "--nouse-syslog",
    "--nowatch-log-file",
    "--projects x",
    "--shell_completion bash",
    "--syslog-log-facility x",
    "--use-journal",
    "--use-json",
    "--use-syslog",
    "--version",
    "--vo_property x",
    "--watch-log-file",
    // Of earlier versions.
    "--extract_from x",
    "--extract_to x",
    "--dry_run",
    "--tenants x",
    "--nodry_run",
];

#[test]
fn every_flag_is_taken() {
    for flag in FLAGS {
        let args: Vec<&str> = flag.split(' ').collect();
        let typed =
            parse(Program::Extract, &args).unwrap_or_else(|error| panic!("{flag}: {error}"));
        assert_ne!(typed, CommandLine::default(), "{flag}");
    }
    assert!(parse(Program::Extract, &["--migrate-projects"]).is_err());
    assert!(parse(Program::Projects, &["--nomigrate-projects"]).is_ok());
    assert_eq!(
        parse(Program::Extract, &["--nonsense"])
            .unwrap_err()
            .exit_code(),
        2
    );
}

#[test]
fn former_spellings_set_the_same_option() {
    let expected = Some(("None".to_owned(), "--extract-from".to_owned()));
    assert_eq!(value(&["--extract_from", "None"], "extract_from"), expected);
    assert_eq!(value(&["--tenants", "a,b"], "projects").unwrap().0, "a,b");
    assert_eq!(
        value(&["--extractor-mapping_file=x"], "mapping_file")
            .unwrap()
            .0,
        "x"
    );
}

#[test]
fn the_last_one_counts() {
    assert_eq!(
        value(&["--debug", "--nodebug"], "debug").unwrap().0,
        "false"
    );
    assert_eq!(
        value(&["--nodry-run", "--dry_run"], "dry_run").unwrap().0,
        "true"
    );
    assert_eq!(
        value(&["--projects", "a", "--projects", "b"], "projects")
            .unwrap()
            .0,
        "b"
    );
    assert_eq!(value(&["-d", "-d"], "debug").unwrap().0, "true");
    assert_eq!(
        value(&["--nodebug", "--nodebug"], "debug").unwrap().0,
        "false"
    );
    assert_eq!(value(&["--projects="], "projects").unwrap().0, "");
}

#[test]
fn flags_of_old_cron_lines_are_taken_without_effect() {
    for (typed, name) in [
        (["-v", "--debug"], "verbose"),
        (["--verbose", "--debug"], "verbose"),
        (["--noverbose", "--debug"], "verbose"),
        (["--log-format=%(message)s", "--debug"], "log_format"),
        (["--log-format", "x"], "log_format"),
        (
            ["--use-syslog-rfc-format", "--debug"],
            "use_syslog_rfc_format",
        ),
        (
            ["--nouse-syslog-rfc-format", "--debug"],
            "use_syslog_rfc_format",
        ),
    ] {
        let typed = typed.map(|word| super::with_former_flags(word.into()));
        let typed: Vec<&str> = typed.iter().map(|word| word.to_str().unwrap()).collect();
        let (_, flag) = value(&typed, name).unwrap();
        assert!(!flag.contains("former"), "{flag}");
    }
}

#[test]
fn unique_abbreviations_work() {
    assert_eq!(value(&["--proj", "a"], "projects").unwrap().0, "a");
    assert_eq!(value(&["--dry"], "dry_run").unwrap().0, "true");
    assert_eq!(value(&["--extract-f=x"], "extract_from").unwrap().0, "x");
    assert!(parse(Program::Extract, &["--extract-", "x"]).is_err());
    assert_eq!(
        value(&["--extractor", "nova"], "extractor").unwrap().0,
        "nova"
    );
    // Each flag of 5.2.2 by its shortest prefix that argparse takes.
    for flag in FLAGS
        .iter()
        .filter(|flag| flag.starts_with("--"))
        .filter_map(|flag| flag.split(' ').next())
    {
        let matching = |prefix: &str| {
            let longs = FLAGS
                .iter()
                .take(34)
                .filter_map(|flag| flag.split(' ').next());
            longs.filter(|long| long.starts_with(prefix)).count()
        };
        for end in 3..flag.len() {
            if matching(&flag[..end]) == 1
                && !["--extract_", "--nodry_", "--dry_", "--t"]
                    .iter()
                    .any(|new| flag.starts_with(new))
            {
                let args = [&flag[..end], "bash"];
                let args = if FLAGS.contains(&flag) {
                    &args[..1]
                } else {
                    &args[..]
                };
                assert!(parse(Program::Extract, args).is_ok(), "{flag}: {args:?}");
                break;
            }
        }
    }
}

#[test]
fn files_and_folders_keep_their_order() {
    let typed = parse(
        Program::Extract,
        &[
            "--config-dir",
            "d",
            "--config-file=a",
            "--projects",
            "p",
            "--config-dir",
            "e",
            "--config-file",
            "b",
        ],
    );
    let file = |path: &str| ConfigPlace::File(path.into());
    let folder = |path: &str| ConfigPlace::Folder(path.into());
    assert_eq!(
        typed.unwrap().configs,
        [folder("d"), file("a"), folder("e"), file("b")]
    );
}
