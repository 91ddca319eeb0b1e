//! The stand-in AMS as a process of its own, for clients that others wrote.
//!
//! Writes its certificate to a file, prints its two ports and a token on one line, and
//! answers until it is killed.

use std::path::PathBuf;

use caso_stand_in::{Ams, Certificate};
use clap::{Arg, Command, value_parser};

fn main() -> std::io::Result<()> {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    let asked = Command::new("stand-in-ams")
        .about("A stand-in of ARGO's messaging service")
        .arg(file(
            "certificate",
            "Where to write the server's certificate",
        ))
        .arg(file(
            "clients",
            "PEM: the authority of the certificates that are given a token",
        ))
        .arg(
            Arg::new("topic")
                .long("topic")
                .action(clap::ArgAction::Append)
                .help("A topic, with a subscription of the same name"),
        )
        .get_matches();
    let path = |name: &str| {
        asked
            .get_one::<PathBuf>(name)
            .expect("it is required")
            .clone()
    };
    let server = Certificate::for_loopback();
    std::fs::write(path("certificate"), &server.pem)?;
    let clients = Certificate::anchor(&std::fs::read(path("clients"))?);
    let topics: Vec<&str> = asked
        .get_many::<String>("topic")
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let ams = Ams::start(&server, &clients, &topics);
    println!("{} {} {}", ams.port(), ams.authn_port(), ams.token());
    loop {
        std::thread::park();
    }
}
