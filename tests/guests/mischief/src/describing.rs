//! Descriptions that no host should take, or that do something else than to describe.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind, connection, queue,
};

use crate::FORGED;

/// How it describes itself: `describe` has no options, so a test that wants another
/// description writes its name over these blanks, in the component's file.
static DESCRIBED_AS: [u8; 32] = *b"@described-as:                 @";

/// The name there; empty as it was built.
fn described_as() -> String {
    let mark = std::hint::black_box(&DESCRIBED_AS);
    let text: String = mark.iter().map(|byte| char::from(*byte)).collect();
    text.trim_matches('@')
        .trim_start_matches("described-as:")
        .trim()
        .to_owned()
}

/// The description, or what the mark in the file wants instead.
pub fn odd(usual: ComponentDescription) -> ComponentDescription {
    let option = |name: &str| OptionDescription::new(name, OptionKind::Text, None, "");
    let asks = |kind: &str, target: &str| CapabilityRequest::new("more", kind, target);
    let mut odd = usual;
    match described_as().as_str() {
        "exit" => std::process::exit(0),
        "trap" => panic!("asked to trap"),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "allocate" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
            }
        }
        "recurse" => odd.summary = deep(0).to_string(),
        "shout" => {
            for n in 0..100_000 {
                println!("{n} {FORGED}");
            }
        }
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "ask" => {
            let tried = (queue::put("outgoing", b"x"), connection::open("server"));
            assert!(tried.0.is_err() && tried.1.is_err(), "{tried:?}");
        }
        "time" => odd.summary = format!("{:?}", std::time::SystemTime::now()),
        "long-help" => odd.summary = "x".repeat(500_000),
        "long-answer" => odd.summary = "x".repeat(16 << 20),
        "many-options" => odd.options = (0..5_000).map(|n| option(&format!("o{n}"))).collect(),
        "many-types" => odd.record_types = (0..50_000).map(|n| format!("t{n}")).collect(),
        "odd-type" => odd.record_types.push(format!("../{FORGED}")),
        "odd-name" => odd.name = FORGED.into(),
        "odd-version" => odd.version = FORGED.into(),
        "odd-summary" => odd.summary = FORGED.into(),
        "odd-option" => odd.options.push(option(FORGED)),
        "odd-default" => {
            let default = OptionDescription::new("d", OptionKind::Text, Some(FORGED), "");
            odd.options.push(default);
        }
        "odd-kind" => odd.capabilities.push(asks(FORGED, "/x")),
        "odd-target" => odd.capabilities.push(asks("queue", FORGED)),
        "unknown-kind" => odd.capabilities.push(asks("shell", "/bin/sh")),
        "root" => odd.capabilities.push(asks("directory-write", "/")),
        "environment" => odd.capabilities.push(asks("directory", "/proc/self")),
        "metadata" => odd
            .capabilities
            .push(asks("http", "http://169.254.169.254")),
        "foreign-option" => odd.options.push(option("ssm.output_path")),
        "foreign-old-name" => {
            let mut option = option("mine");
            option.old_names.push("keystone_auth.password".into());
            odd.options.push(option);
        }
        "option-twice" => odd.options.push(option("verb")),
        "same-name" => odd.name = "ssm".into(),
        "packing" => odd.packing_option = Some("verb".into()),
        _ => {}
    }
    odd
}

#[allow(unconditional_recursion)]
fn deep(depth: u64) -> u64 {
    let wide = [depth; 16];
    deep(std::hint::black_box(wide)[3] + 1) + wide[5]
}
