//! What every messenger meets sooner or later, in a throw-away folder and without a network.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Subject;
use super::finding::{Findings, Verdict};
use super::samples::Records;
use super::sink::Manner;
use super::stage::{Output, Outside, Scene, Stage};
use super::trial;
use super::try_out::rest;
use crate::run::remedy;
use crate::run::summary::words::listed;
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{Batch, FailureKind, GuestFailure, Messenger as _, Rest};
use caso_sandbox::{Component, GuestMessenger, Limits};

const BATTERY: &str = "battery";
/// Records in a batch, as the engine has it.
const BATCH: usize = 1_000;
/// More than most can do in [`CUT`].
const MANY: usize = 20_000;
const CUT: Duration = Duration::from_millis(10);
/// For a peer that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Calls that took too long, after which the rest is not tried: each costs its whole time.
const SLOW: usize = 2;

/// One component's battery.
pub struct Battery<'a> {
    subject: &'a Subject,
    component: &'a Component,
    name: &'a str,
    options: Vec<(String, String)>,
    /// What a site bounds it by.
    limits: Option<caso_config::Limits>,
    folder: &'a Path,
    stages: Cell<usize>,
    slow: Cell<usize>,
    /// Files that look whole, of calls that failed.
    left: RefCell<BTreeSet<String>>,
}

/// A call that was to be ended in the middle.
enum Cut {
    /// It was over before.
    Done(String),
    Cut(Verdict, String),
}

/// A messenger at work.
struct Playing {
    stage: Stage,
    messenger: GuestMessenger,
}

impl Playing {
    async fn deliver(&mut self, batch: &Batch<'_>) -> Result<CheckedAnswer, GuestFailure> {
        self.messenger.deliver(batch).await
    }
}

/// Why it did not start.
enum Unstarted {
    /// Its options or requests cannot be had.
    Host(String),
    Guest(GuestFailure),
}

impl<'a> Battery<'a> {
    pub fn new(
        subject: &'a Subject,
        component: &'a Component,
        name: &'a str,
        options: Vec<(String, String)>,
        folder: &'a Path,
    ) -> Self {
        Self {
            subject,
            component,
            name,
            options,
            limits: None,
            folder,
            stages: Cell::new(0),
            slow: Cell::new(0),
            left: RefCell::default(),
        }
    }

    /// Bounded as the site has it.
    pub fn with_limits(self, limits: Option<caso_config::Limits>) -> Self {
        Self { limits, ..self }
    }

    /// Runs all of it.
    ///
    /// # Errors
    /// The throw-away folder cannot be read.
    pub async fn run(&mut self, findings: &mut Findings) -> anyhow::Result<()> {
        self.tries(findings).await?;
        self.folders(findings);
        Ok(())
    }

    async fn tries(&self, findings: &mut Findings) -> anyhow::Result<()> {
        if let Err(unstarted) = self.play(Outside::Kept, |_| {}).await {
            let (verdict, why, is_whole) = match unstarted {
                Unstarted::Host(why) => (Verdict::Fail, why, false),
                Unstarted::Guest(failure) => {
                    let lacks = trial::may_lack_options(&failure);
                    let verdict = match lacks {
                        true => Verdict::No,
                        false => Verdict::Fail,
                    };
                    (verdict, trial::told(&failure), !lacks)
                }
            };
            let hint = match is_whole {
                true => "",
                false => "; `--set OPTION=VALUE` gives it options",
            };
            let text = format!("does not start: {why}{hint}");
            findings.add(BATTERY, verdict, text);
            return Ok(());
        }
        findings.add(BATTERY, Verdict::Ok, "starts");
        self.without_options(findings).await;
        let records = Records::sample()?;
        let (taken, others) = self.types(&records);
        self.sizes(&records, &taken, findings).await;
        self.not_taken(&records, &others, findings).await;
        self.odd(&records, &taken, findings).await;
        if self.hangs() {
            let text = format!("{SLOW} calls took too long: the rest was not tried");
            findings.add(BATTERY, Verdict::Info, text);
            return Ok(());
        }
        let Some(first) = taken.first() else {
            return Ok(());
        };
        self.again(&records, first, findings).await?;
        self.cut(&records, first, findings).await?;
        if self.asks_for(&["queue"]) {
            self.full_queue(&records, first, findings).await;
            self.no_room(&records, first, findings).await;
        }
        if self.asks_for(&["connection", "http", "address"]) {
            for manner in [Manner::Refuses, Manner::Closes, Manner::Silent] {
                self.bad_peer(manner, &records, first, findings).await;
            }
        }
        Ok(())
    }

    /// Whether trying more of it is a waste of time.
    fn hangs(&self) -> bool {
        self.slow.get() >= SLOW
    }

    fn asks_for(&self, kinds: &[&str]) -> bool {
        let mut requests = self.component.description.capabilities.iter();
        requests.any(|request| kinds.contains(&request.kind.as_str()))
    }

    /// A place of its own for each.
    fn scene(&self, outside: Outside, bare: bool) -> Scene {
        let number = self.stages.get();
        self.stages.set(number + 1);
        Scene {
            name: self.name.to_owned(),
            folder: PathBuf::from(self.folder).join(number.to_string()),
            outside,
            options: self.options.clone(),
            limits: self.limits,
            bare,
        }
    }

    async fn play(
        &self,
        outside: Outside,
        limits: impl FnOnce(&mut Limits),
    ) -> Result<Playing, Unstarted> {
        let scene = self.scene(outside, false);
        self.enter(&scene, limits).await
    }

    async fn enter(
        &self,
        scene: &Scene,
        limits: impl FnOnce(&mut Limits),
    ) -> Result<Playing, Unstarted> {
        let stage = Stage::set(self.subject, self.component, scene, limits)
            .map_err(|error| Unstarted::Host(remedy::line(error.as_ref())))?;
        let messenger = stage.start().await.map_err(Unstarted::Guest)?;
        Ok(Playing { stage, messenger })
    }

    /// What the sample has of what it takes, and what else there is.
    fn types(&self, records: &Records) -> (Vec<String>, Vec<String>) {
        let types = &self.component.description.record_types;
        let all = records.counts().into_keys();
        all.partition(|kind| types.is_empty() || types.contains(kind))
    }

    /// It says what is missing, or does without.
    async fn without_options(&self, findings: &mut Findings) {
        let scene = self.scene(Outside::Kept, true);
        let (verdict, text) = match self.enter(&scene, |_| {}).await {
            Ok(_) => (Verdict::Ok, "starts with no option set".to_owned()),
            Err(Unstarted::Host(why)) => (
                Verdict::Ok,
                format!("with no option set the host says: {why}"),
            ),
            Err(Unstarted::Guest(failure)) if failure.frames.is_empty() => (
                Verdict::Ok,
                format!("with no option set it says: {}", failure.detail),
            ),
            Err(Unstarted::Guest(failure)) => (
                Verdict::Fail,
                format!(
                    "with no option set it aborts instead of saying what is missing: {failure}"
                ),
            ),
        };
        findings.add(BATTERY, verdict, text);
    }

    async fn sizes(&self, records: &Records, taken: &[String], findings: &mut Findings) {
        let mut slowest = Duration::ZERO;
        let mut well = true;
        let mut silent = false;
        for kind in taken {
            for count in [0, 1, BATCH] {
                if self.hangs() {
                    return;
                }
                let batch = batch(records, kind, count, self.name);
                let began = Instant::now();
                let answered = self.one(batch, Outside::Kept, |_| {}).await;
                slowest = slowest.max(began.elapsed());
                silent |= count > 0 && came_to_nothing(&answered);
                if let Some((verdict, problem)) = short_of(&answered, count) {
                    well = false;
                    // No host gives an empty one.
                    let verdict = match count {
                        0 => Verdict::Warn,
                        _ => verdict,
                    };
                    let on = format!("{count} {kind} records");
                    match answered {
                        Err(_) => findings.failed(BATTERY, verdict, &on, &problem),
                        Ok(_) => findings.add(BATTERY, verdict, format!("{on}: {problem}")),
                    }
                }
            }
        }
        if taken.is_empty() {
            let text = "takes none of the record types of the sample: nothing to try it with";
            findings.add(BATTERY, Verdict::Info, text);
        } else if well {
            let text = format!(
                "an empty batch, 1 and 1,000 records of {}: all accepted, in {} ms at most",
                listed(taken, "and"),
                slowest.as_millis()
            );
            findings.add(BATTERY, Verdict::Ok, text);
        }
        if silent {
            let text =
                "it accepts records, and nothing comes out: neither message, file nor connection";
            findings.add(BATTERY, Verdict::Warn, text);
        }
    }

    /// A host gives it none of these; one that is given one all the same must not say that
    /// it has delivered it.
    async fn not_taken(&self, records: &Records, others: &[String], findings: &mut Findings) {
        let (mut said, mut accepted, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut why = String::new();
        for kind in others {
            if self.hangs() {
                break;
            }
            let batch = batch(records, kind, 1, self.name);
            match self.one(batch, Outside::Kept, |_| {}).await {
                Ok((answer, _)) if answer.accepted == 0 => said.push(kind.clone()),
                Ok(_) => accepted.push(kind.clone()),
                Err(failure) => {
                    why = failure.detail;
                    failed.push(kind.clone());
                }
            }
        }
        let fails = format!("it fails on what it does not take: {why}");
        let mut add = |verdict, kinds: &[String], what: &str| {
            if !kinds.is_empty() {
                findings.add(
                    BATTERY,
                    verdict,
                    format!("{}: {what}", listed(kinds, "and")),
                );
            }
        };
        add(Verdict::Ok, &said, "not taken, and nothing is lost");
        add(
            Verdict::Warn,
            &accepted,
            "accepted, though its description does not name it",
        );
        add(Verdict::Info, &failed, &fails);
    }

    async fn odd(&self, records: &Records, taken: &[String], findings: &mut Findings) {
        let mut refused = 0;
        let mut well = true;
        for kind in taken {
            let odd = records.odd(kind);
            for (record, origin) in odd.records {
                if self.hangs() {
                    return;
                }
                let id = record.head().id.clone();
                let one = Records {
                    origins: odd.origins.clone(),
                    records: vec![(record, origin)],
                };
                let batch = one.batches(self.name, PATIENCE * 10, BATCH).pop();
                let answered = self.one(batch, Outside::Kept, |_| {}).await;
                match &answered {
                    Ok((answer, _)) => refused += answer.refused.len(),
                    Err(failure) => {
                        well = false;
                        let on = format!("odd texts, record `{id}`");
                        findings.failed(BATTERY, Verdict::Fail, &on, &trial::told(failure));
                    }
                }
            }
        }
        if well && !taken.is_empty() {
            let text = format!(
                "texts: 4-byte UTF-8, quotes, ends of lines, NUL, none, 64 KiB; absent fields \
                 ({refused} refused)"
            );
            findings.add(BATTERY, Verdict::Ok, text);
        }
    }

    async fn again(
        &self,
        records: &Records,
        kind: &str,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let Ok(mut playing) = self.play(Outside::Kept, |_| {}).await else {
            return Ok(());
        };
        let Some(mut batch) = batch(records, kind, 3, self.name) else {
            return Ok(());
        };
        let mut pieces = Vec::new();
        for attempt in [1, 2] {
            batch.attempt = attempt;
            if let Err(failure) = playing.deliver(&batch).await {
                let on = "the same batch again";
                findings.failed(BATTERY, Verdict::Fail, on, &trial::told(&failure));
                self.leaves(&playing.stage.output()?);
                return Ok(());
            }
            let output = playing.stage.output()?;
            pieces.push(output.iter().map(|output| output.pieces).sum::<usize>());
        }
        let text = match pieces.as_slice() {
            [_, 0] => "the same batch again: nothing comes out a second time".to_owned(),
            _ => "the same batch again: it comes out again; a consumer can tell by ids".to_owned(),
        };
        findings.add(BATTERY, Verdict::Ok, text);
        Ok(())
    }

    /// A call that is ended in the middle leaves no message, and the next one starts anew. One
    /// that writes into a folder is ended at several moments: it may not write at once.
    async fn cut(
        &self,
        records: &Records,
        kind: &str,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let moments = match self.writes_files() {
            true => vec![CUT, CUT * 4, CUT * 16],
            false => vec![CUT],
        };
        let mut found = None;
        for moment in moments {
            match self.cut_at(moment, records, kind).await? {
                // Of one that is done by then the earlier moment counts.
                Cut::Done(text) => {
                    found.get_or_insert((Verdict::Ok, text));
                    break;
                }
                Cut::Cut(verdict, text) => {
                    let is_well = verdict == Verdict::Ok;
                    found = Some((verdict, text));
                    if !is_well {
                        break;
                    }
                }
            }
        }
        if let Some((verdict, text)) = found {
            findings.add(BATTERY, verdict, text);
        }
        Ok(())
    }

    async fn cut_at(&self, moment: Duration, records: &Records, kind: &str) -> anyhow::Result<Cut> {
        let Ok(mut playing) = self
            .play(Outside::Kept, |limits| limits.deadline = moment)
            .await
        else {
            let text = "cut in the middle: it does not even start within 10 ms";
            return Ok(Cut::Cut(Verdict::Info, text.to_owned()));
        };
        let (Some(many), Some(one)) = (
            batch(records, kind, MANY, self.name),
            batch(records, kind, 1, self.name),
        ) else {
            return Ok(Cut::Done("there is no record of the type".to_owned()));
        };
        let failure = match playing.deliver(&many).await {
            Ok(_) => {
                let text = "cut in the middle: it is done before it can be";
                return Ok(Cut::Done(text.to_owned()));
            }
            Err(failure) => failure,
        };
        let left = playing.stage.output()?;
        self.leaves(&left);
        if left.iter().any(|output| output.way == "queue") {
            let text = "cut in the middle: a message was left in a queue";
            return Ok(Cut::Cut(Verdict::Fail, text.to_owned()));
        }
        // What holds for each way, as wit/README.md has it.
        let nothing = match (self.writes_files(), self.left.borrow().is_empty()) {
            (false, _) => "nothing appears",
            (true, true) => "nothing appears under a name that a reader takes",
            (true, false) => "a part of a file may stay in a folder, see below",
        };
        if failure.kind != FailureKind::Deadline {
            let text = format!("20,000 records at once: {failure}; a batch has some 1,000");
            return Ok(Cut::Cut(Verdict::Info, text));
        }
        let (verdict, text) = match playing.deliver(&one).await {
            Ok(answer) if answer.accepted == 1 => (
                Verdict::Ok,
                format!("cut in the middle: {nothing}, and it goes on in a fresh store"),
            ),
            Ok(_) => (
                Verdict::Warn,
                "cut in the middle: the next call delivers nothing".to_owned(),
            ),
            Err(failure) => (
                Verdict::Info,
                format!("cut in the middle: {nothing}; then {failure}"),
            ),
        };
        Ok(Cut::Cut(verdict, text))
    }

    fn writes_files(&self) -> bool {
        self.asks_for(&["directory-write"])
    }

    /// Notes what a call that failed has left in a folder.
    fn leaves(&self, output: &[Output]) {
        let folders = output.iter().filter(|output| output.way == "directory");
        let files = folders.flat_map(|output| &output.files);
        let names = files.filter_map(|file| final_name(file));
        self.left.borrow_mut().extend(names);
    }

    /// What stays in a folder is nobody's to take back: only queues are staged.
    fn folders(&self, findings: &mut Findings) {
        let left: Vec<String> = self.left.borrow().iter().take(3).cloned().collect();
        if left.is_empty() {
            return;
        }
        let text = format!(
            "a call that was ended or trapped has left {} in a folder, which may hold a part of what it was to hold: write under \
             a name with `.` in front or `.tmp` behind, and rename it when it is whole",
            listed(&left, "and")
        );
        findings.add(BATTERY, Verdict::Warn, text);
    }

    async fn full_queue(&self, records: &Records, kind: &str, findings: &mut Findings) {
        let batch = batch(records, kind, 3, self.name);
        let full = |limits: &mut Limits| limits.queue_messages = 0;
        let answered = self.one(batch, Outside::Kept, full).await;
        self.must_not_accept("a queue that is full", answered, true, findings);
    }

    async fn no_room(&self, records: &Records, kind: &str, findings: &mut Findings) {
        let batch = batch(records, kind, 1, self.name);
        let small = |limits: &mut Limits| limits.queue_bytes = 1;
        let what = "a message that is too large for its queue";
        match self.one(batch, Outside::Kept, small).await {
            Ok((answer, _)) if answer.rest == Rest::TooLarge => findings.add(
                BATTERY,
                Verdict::Ok,
                format!("{what}: too-large; one record that is too large alone is quarantined"),
            ),
            answered => self.must_not_accept(what, answered, true, findings),
        }
    }

    async fn bad_peer(
        &self,
        manner: Manner,
        records: &Records,
        kind: &str,
        findings: &mut Findings,
    ) {
        let batch = batch(records, kind, 3, self.name);
        let short = |limits: &mut Limits| {
            limits.connect_timeout = PATIENCE;
            limits.transfer_timeout = PATIENCE;
            limits.timeout = 8 * PATIENCE;
        };
        let what = format!("a peer that {}", manner.words());
        let answered = self.one(batch, Outside::Peer(manner), short).await;
        // What a peer took that closes at once nobody knows.
        let certain = manner != Manner::Closes;
        self.must_not_accept(&what, answered, certain, findings);
    }

    /// What could not be delivered must not be accepted, unless something came out by
    /// another way.
    fn must_not_accept(
        &self,
        what: &str,
        answered: Result<(CheckedAnswer, Vec<Output>), GuestFailure>,
        certain: bool,
        findings: &mut Findings,
    ) {
        let (verdict, text) = match answered {
            Ok((answer, _)) if answer.accepted == 0 && answer.refused.is_empty() => {
                let rest = rest_in_words(answer.into_inner().rest);
                (Verdict::Ok, format!("{what}: {rest}"))
            }
            Ok((answer, output)) if output.is_empty() && certain => (
                Verdict::Fail,
                format!(
                    "{what}: it says that {} records are dealt with, and nothing came out: they are lost",
                    answer.accepted
                ),
            ),
            Ok((answer, _)) => (
                Verdict::Info,
                format!("{what}: {} records accepted all the same", answer.accepted),
            ),
            Err(failure) if matches!(failure.kind, FailureKind::Start | FailureKind::Host) => {
                (Verdict::Info, format!("{what}: {failure}"))
            }
            Err(failure) => (
                Verdict::Warn,
                format!("{what}: it aborts, where an answer `retry` would do: {failure}"),
            ),
        };
        findings.add(BATTERY, verdict, text);
    }

    /// One batch to a fresh instance, and what came out.
    async fn one(
        &self,
        batch: Option<Batch<'_>>,
        outside: Outside,
        limits: impl FnOnce(&mut Limits),
    ) -> Result<(CheckedAnswer, Vec<Output>), GuestFailure> {
        let component = &self.component.name;
        let host = |detail: String| {
            GuestFailure::seen_by_host(component, self.name, "start", FailureKind::Start, detail)
        };
        let Some(batch) = batch else {
            return Err(host("there is no record of the type".to_owned()));
        };
        let mut playing = match self.play(outside, limits).await {
            Ok(playing) => playing,
            Err(Unstarted::Host(why)) => return Err(host(why)),
            Err(Unstarted::Guest(failure)) => return Err(failure),
        };
        let answered = playing.deliver(&batch).await;
        // A peer that is silent costs time, too, which is not the component's.
        let too_long = answered
            .as_ref()
            .is_err_and(|failure| failure.kind == FailureKind::Deadline);
        if too_long && outside == Outside::Kept {
            self.slow.set(self.slow.get() + 1);
        }
        let output = playing.stage.output();
        let output = output.map_err(|error| host(error.to_string()))?;
        if answered.is_err() {
            self.leaves(&output);
        }
        Ok((answered?, output))
    }
}

/// A file that looks as if it were whole: one that is being written has a dot before its name, or
/// an end that says so, as readers of a folder know them.
fn final_name(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_string_lossy();
    let unfinished = name.starts_with('.')
        || [".tmp", ".temp", ".part", ".new", "~"]
            .iter()
            .any(|end| name.ends_with(end));
    (!unfinished).then(|| format!("`{name}`"))
}

/// So many records of a type, in one batch.
fn batch(records: &Records, kind: &str, count: usize, name: &str) -> Option<Batch<'static>> {
    let made = records.many(kind, count.max(1));
    let mut batch = made.batches(name, PATIENCE * 60, count.max(1)).pop()?;
    if count == 0 {
        batch.records = batch.records.none();
        batch.origin_of.clear();
    }
    Some(batch.into_owned())
}

/// Where fewer than all were accepted, though nothing was in the way.
fn short_of(
    answered: &Result<(CheckedAnswer, Vec<Output>), GuestFailure>,
    count: usize,
) -> Option<(Verdict, String)> {
    let (answer, _) = match answered {
        Ok(answered) => answered,
        Err(failure) => return Some((Verdict::Fail, trial::told(failure))),
    };
    let accepted = usize::try_from(answer.accepted).unwrap_or(usize::MAX);
    if accepted == count && answer.refused.is_empty() {
        return None;
    }
    let text = format!(
        "accepted {accepted}, refused {}, {}",
        answer.refused.len(),
        rest_in_words(answer.rest.clone())
    );
    // A record of the sample that is too large alone: so would be every one of a site's.
    let verdict = match (count, &answer.rest) {
        (1, Rest::TooLarge) => Verdict::Fail,
        _ => Verdict::Warn,
    };
    Some((verdict, text))
}

fn rest_in_words(answered: Rest) -> String {
    match rest(answered) {
        (word, None) => word.to_owned(),
        (word, Some(reason)) => format!("{word}: {reason}"),
    }
}

fn came_to_nothing(answered: &Result<(CheckedAnswer, Vec<Output>), GuestFailure>) -> bool {
    let taken =
        |(answer, output): &(CheckedAnswer, Vec<Output>)| answer.accepted > 0 && output.is_empty();
    answered.as_ref().is_ok_and(taken)
}
