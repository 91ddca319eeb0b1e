//! The stand-in cloud as a process of its own, for the benchmark and for
//! whoever wants to see cASO or another client at work against many servers.
//!
//! Prints its URL on one line and answers until it is killed. `GET
//! /stand-in/requests` tells what was asked of it, `DELETE` forgets it; `/stand-in/faults`
//! makes it misbehave (`caso_stand_in`'s `loopback/remote.rs`).

use std::time::Duration;

use caso_stand_in::{Cloud, Fault, Plan, Rule};
use clap::{Arg, Command, value_parser};

fn main() -> std::io::Result<()> {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .default_value(default)
            .value_parser(value_parser!(u32))
            .help(help)
    };
    let asked = Command::new("stand-in-cloud")
        .about(
            "A stand-in OpenStack with generated servers, at `/identity/v3` of its address: user `accounting` of domain \
             `Default`, password `secret`",
        )
        .arg(number(
            "projects",
            "10",
            "How many projects, all tagged `caso`",
        ))
        .arg(number(
            "servers",
            "1000",
            "How many servers in each project",
        ))
        .arg(number(
            "port",
            "0",
            "The port on 127.0.0.1; 0 takes a free one",
        ))
        .arg(number("max-limit", "1000", "Nova's `[api]max_limit`"))
        .arg(number(
            "microversion",
            "104",
            "The newest microversion Nova speaks: N of `2.N`",
        ))
        .arg(number(
            "latency-ms",
            "0",
            "How long every answer takes, beside the work for it",
        ))
        .arg(number(
            "hours",
            "0",
            "So many hours with something that begins and ends in each, instead of all that",
        ))
        .arg(number(
            "first",
            "0",
            "When the first of these hours begins, in seconds since 1970",
        ))
        .get_matches();
    let get = |name: &str| {
        *asked
            .get_one::<u32>(name)
            .expect("every argument has a default")
    };
    let plan = match get("hours") {
        0 => Plan {
            max_limit: get("max-limit") as usize,
            microversion: get("microversion"),
            ..Plan::generated(get("projects") as usize, get("servers") as usize)
        },
        hours => Plan::hourly(get("first").into(), hours as usize),
    };
    let port = u16::try_from(get("port")).map_err(std::io::Error::other)?;
    let cloud = Cloud::start_at(plan, port, None)?;
    if let ms @ 1.. = get("latency-ms") {
        cloud.inject(Rule::on("/"), Fault::Slow(Duration::from_millis(ms.into())));
    }
    println!("{}", cloud.url());
    loop {
        std::thread::park();
    }
}
