//! The figures as a page.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{By, Finished, Known, Measure, Source};
use super::plot::{self, About, Bar, SERIES};
use crate::run::summary::words::{count, len, listed};
use caso_base::line::{clean_line, short_line};
use caso_base::time::{DAY, format_utc};

const STYLE: &str = include_str!("style.css");
/// So many bars a plot has, and so many rows a table; the rest is summed up in one more.
const MOST_BARS: usize = 12;
const MOST_ROWS: usize = 500;
const MOST_BEHIND: usize = 20;
/// In bytes, of a name in a table; an FQAN has a few dozen.
const NAME: usize = 300;

/// A VO's, project's or flavor's, as far as anybody reads it.
fn shown(text: &str) -> String {
    short_line(text, NAME)
}

/// What the page is of.
pub struct Head {
    /// The sites of the configuration.
    pub sites: Vec<String>,
    /// `2026-10`; none: all that the ledger has.
    pub month: Option<String>,
    pub now: i64,
}

/// What belongs together: the plots are of the first measure that is used, the tables have each.
struct Section {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    measures: &'static [Measure],
    by: &'static [By],
}

const SECTIONS: [Section; 4] = [
    Section {
        id: "servers",
        title: "Servers",
        about: "A server hour is an hour for which a server existed, whether it ran or was stopped. CPU \
                hours are those times its virtual CPUs.",
        measures: &[Measure::Cpus, Measure::Servers],
        by: &[By::Vo, By::Project, By::Flavor],
    },
    Section {
        id: "accelerators",
        title: "Accelerators",
        about: "An accelerator hour is an hour for which a server had one.",
        measures: &[Measure::Accelerators],
        by: &[By::Vo, By::Project, By::Flavor],
    },
    Section {
        id: "storage",
        title: "Storage",
        about: "A GiB day is a volume of one GiB that existed for a day.",
        measures: &[Measure::Storage],
        by: &[By::Vo, By::Project],
    },
    Section {
        id: "energy",
        title: "Energy",
        about: "What servers took, as measured.",
        measures: &[Measure::Energy],
        by: &[By::Vo, By::Project, By::Flavor],
    },
];

/// # Errors
/// A plot cannot be drawn.
pub fn page(head: &Head, figures: &Finished) -> anyhow::Result<String> {
    let of = match head.sites.as_slice() {
        [] => "this site".to_owned(),
        sites => clean_line(&sites.join(", ")),
    };
    let when = when(head, figures);
    let title = format!("Use of {of}, {when}");
    let used: Vec<_> = SECTIONS
        .iter()
        .filter(|section| {
            let sums = section.measures.iter().filter_map(|it| figures.total(*it));
            sums.sum::<f64>() > 0.0
        })
        .collect();
    let sections = used.iter().map(|it| self::section(it, figures));
    let sections = sections.collect::<anyhow::Result<Vec<_>>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p { "From the ledger of cASO's runs, at " (format_utc(head.now)) ". Days are in UTC." }
                    @if !used.is_empty() {
                        nav aria-label="Sections" {
                            ul {
                                @for section in &used {
                                    li { a href={ "#" (section.id) } { (section.title) } }
                                }
                            }
                        }
                    }
                }
                main {
                    (summary(figures))
                    @for section in sections { (section) }
                }
            }
        }
    };
    Ok(page.into_string())
}

fn when(head: &Head, figures: &Finished) -> String {
    match (&head.month, figures.until) {
        (Some(month), _) => month.clone(),
        (None, None) => "nothing counted yet".to_owned(),
        (None, Some(_)) => {
            let (first, behind) = figures.span;
            format!("{} to {}", date(first), date(behind - 1))
        }
    }
}

/// The sums of everything, and what is not in them.
fn summary(figures: &Finished) -> Markup {
    let totals = Measure::ALL.map(|measure| (measure, figures.total(measure)));
    html! {
        section aria-labelledby="all" {
            h2 id="all" { "Altogether" }
            dl class="totals" {
                @for (measure, total) in totals {
                    div {
                        dt { (measure.unit()) }
                        dd { @match total { Some(total) => (rounded(total)), None => "not known" } }
                    }
                }
            }
            (notes(figures))
        }
    }
}

fn notes(figures: &Finished) -> Markup {
    let mut notes = Vec::new();
    let mut gaps: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for source in Source::ALL {
        let mut used = Measure::ALL.iter().filter(|it| it.source() == source);
        if used.any(|it| figures.total(*it).is_some()) {
            let of = gaps.entry(figures.gaps(source)).or_default();
            of.push(source.name().to_owned());
        }
    }
    for ((nothing, partly), of) in gaps {
        let parts = [(nothing, "not known"), (partly, "known in part")];
        let parts = parts.iter().filter(|(days, _)| *days > 0);
        let parts: Vec<String> = parts
            .map(|(days, how)| format!("{} {how}", is(*days)))
            .collect();
        if !parts.is_empty() {
            notes.push(format!(
                "{}: {}. No run extracted them, or one of a version of cASO that did not count; what is \
                 not known is not in the sums.",
                capital(&listed(&of, "and")),
                listed(&parts, "and")
            ));
        }
    }
    if figures.without_cpus > 0.0 {
        notes.push(format!(
            "{} server hours are in no sum of CPU hours: nobody stated the CPUs.",
            number(figures.without_cpus)
        ));
    }
    if let Some(until) = figures.until {
        notes.push(format!(
            "The last hour counted ends at {}.",
            format_utc(until)
        ));
    }
    for (project, source, until) in figures.behind.iter().take(MOST_BEHIND) {
        notes.push(format!(
            "{} of project {} is counted up to {}: it is gone, or fails (caso status).",
            capital(source.name()),
            shown(project),
            format_utc(*until)
        ));
    }
    if figures.behind.len() > MOST_BEHIND {
        let more = len(&figures.behind) - len(&[(); MOST_BEHIND]);
        notes.push(format!("The same for {more} more."));
    }
    html! { ul class="notes" { @for note in notes { li { (note) } } } }
}

fn is(days: usize) -> String {
    let days = u64::try_from(days).unwrap_or(0);
    let verb = if days == 1 { "is" } else { "are" };
    format!("{} {verb}", count(days, "day", "days"))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn section(section: &Section, figures: &Finished) -> anyhow::Result<Markup> {
    let measures = section.measures.iter().copied();
    let used: Vec<Measure> = measures
        .filter(|it| figures.total(*it).is_some_and(|total| total > 0.0))
        .collect();
    let by = section
        .by
        .iter()
        .map(|by| by_name(section, &used, *by, figures));
    let by = by.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(html! {
        section aria-labelledby=(section.id) {
            h2 id=(section.id) { (section.title) }
            p { (section.about) }
            (by_day(section, &used, figures)?)
            @for figure in by { (figure) }
        }
    })
}

fn by_name(
    section: &Section,
    used: &[Measure],
    by: By,
    figures: &Finished,
) -> anyhow::Result<Markup> {
    let (word, heading) = match by {
        By::Vo => ("vo", "VO"),
        By::Project => ("project", "Project"),
        By::Flavor => ("flavor", "Flavor"),
    };
    let Some(plotted) = used.first().copied() else {
        return Ok(html! {});
    };
    let sums = figures.by(plotted, by);
    let beside = used.get(1..).unwrap_or_default();
    // A name may have server hours alone, where its CPUs are not known.
    let mut names: Vec<&str> = sums.iter().map(|(name, _)| *name).collect();
    for measure in beside {
        for (name, _) in figures.by(*measure, by) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let caption = format!(
        "{} by {}",
        plotted.unit(),
        if by == By::Vo { "VO" } else { word }
    );
    let id = format!("{}-{word}", section.id);
    let bars: Vec<_> = short(&sums, MOST_BARS);
    let most: Vec<_> = bars
        .iter()
        .take(3)
        .map(|(name, it)| format!("{} {}", shown(name), number(*it)))
        .collect();
    let description = match most.is_empty() {
        true => "Nothing.".to_owned(),
        false => format!(
            "A bar for each, the longest first: {}. The table has all.",
            most.join(", ")
        ),
    };
    let about = About {
        id: &id,
        title: &caption,
        description: &description,
    };
    let plot = plot::bars(&about, &bars, rounded)?;
    let columns: Vec<Vec<(&str, f64)>> = used.iter().map(|it| figures.by(*it, by)).collect();
    let value = |column: &[(&str, f64)], name: &str| {
        column
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, used)| *used)
    };
    let rest = names.split_off(names.len().min(MOST_ROWS));
    let table = html! {
        table {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { (heading) }
                    @for measure in used { th scope="col" class="n" { (measure.unit()) } }
                }
            }
            tbody {
                @for name in &names {
                    tr {
                        th scope="row" { (shown(name)) }
                        @for column in &columns {
                            td class="n" { @match value(column, name) { Some(it) => (number(it)), None => "not known" } }
                        }
                    }
                }
                @if !rest.is_empty() {
                    tr {
                        th scope="row" { "(" (rest.len()) " others)" }
                        @for column in &columns {
                            td class="n" { (number(rest.iter().filter_map(|it| value(column, it)).sum())) }
                        }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "All" }
                    @for column in &columns { td class="n" { (number(column.iter().map(|(_, it)| it).sum())) } }
                }
            }
        }
    };
    Ok(figure(&caption, html! {}, plot, table))
}

fn by_day(section: &Section, used: &[Measure], figures: &Finished) -> anyhow::Result<Markup> {
    let Some(measure) = used.first().copied() else {
        return Ok(html! {});
    };
    let sums = figures.by(measure, By::Vo);
    let own = sums.len().min(if sums.len() > SERIES {
        SERIES - 1
    } else {
        SERIES
    });
    let vos: Vec<&str> = sums.iter().take(own).map(|(vo, _)| *vo).collect();
    let mut series: Vec<String> = vos.iter().map(|vo| shown(vo)).collect();
    if sums.len() > own {
        series.push(format!("({} others)", sums.len() - own));
    }
    let parts = |day: i64| {
        let of_day = figures.day(measure, day);
        let value = |vo: &&str| of_day.and_then(|it| it.get(*vo)).copied().unwrap_or(0.0);
        let mut parts: Vec<f64> = vos.iter().map(value).collect();
        if sums.len() > own {
            let others = of_day
                .into_iter()
                .flatten()
                .filter(|(vo, _)| !vos.contains(&vo.as_str()));
            parts.push(others.map(|(_, used)| *used).sum());
        }
        parts
    };
    let bars: Vec<Bar> = (figures.span.0..figures.span.1)
        .map(|day| Bar {
            day,
            parts: (figures.known(measure.source(), day) != Known::Nothing).then(|| parts(day)),
        })
        .collect();
    let caption = format!("{} by day and VO", measure.unit());
    let id = format!("{}-day", section.id);
    let sum = |bar: &Bar| bar.parts.iter().flatten().sum::<f64>();
    let most = bars.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)));
    let description = most.map_or_else(String::new, |most| {
        format!(
            "A stack of bars for each of {} days, the tallest on {}: {}. The table has all.",
            bars.len(),
            date(most.day),
            number(sum(most))
        )
    });
    let about = About {
        id: &id,
        title: &caption,
        description: &description,
    };
    let plot = plot::days(&about, &bars)?;
    let has_gaps = bars.iter().any(|bar| bar.parts.is_none());
    let legend = html! {
        ul class="legend" {
            @for (number, name) in series.iter().enumerate() {
                li { span class={ "swatch s" (number) } {} (name) }
            }
            @if has_gaps { li { span class="swatch gap" {} "not known" } }
        }
    };
    let table = html! {
        table {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "Day" }
                    @for name in &series { th scope="col" class="n" { (name) } }
                    th scope="col" class="n" { "All" }
                }
            }
            tbody {
                @for bar in &bars {
                    tr {
                        th scope="row" class="d" {
                            (date(bar.day))
                            @if figures.known(measure.source(), bar.day) == Known::Partly { " (in part)" }
                        }
                        @match &bar.parts {
                            Some(parts) => {
                                @for part in parts { td class="n" { (number(*part)) } }
                                td class="n" { (number(parts.iter().sum())) }
                            }
                            None => td class="n" colspan=(series.len() + 1) { "not known" }
                        }
                    }
                }
            }
        }
    };
    Ok(figure(&caption, legend, plot, table))
}

fn figure(caption: &str, legend: Markup, plot: Markup, table: Markup) -> Markup {
    html! {
        figure {
            figcaption { h3 { (caption) } }
            div class="pair" {
                div class="plot" { (plot) (legend) }
                div class="table" role="region" tabindex="0" aria-label={ "Table: " (caption) } { (table) }
            }
        }
    }
}

/// The first of them, and the sum of the others.
fn short(sums: &[(&str, f64)], most: usize) -> Vec<(String, f64)> {
    let (first, rest) = sums.split_at(sums.len().min(most));
    let mut rows: Vec<_> = first
        .iter()
        .map(|(name, used)| ((*name).to_owned(), *used))
        .collect();
    if !rest.is_empty() {
        rows.push((
            format!("({} others)", rest.len()),
            rest.iter().map(|(_, used)| *used).sum(),
        ));
    }
    rows
}

/// A day since 1970: `2026-10-01`.
pub fn date(day: i64) -> String {
    format_utc(day * DAY).chars().take(10).collect()
}

/// `12,345.6`.
fn number(it: f64) -> String {
    grouped(&format!("{it:.1}"))
}

/// `12,346` where a table has the rest.
fn rounded(it: f64) -> String {
    match it < 1_000.0 {
        true => number(it),
        false => grouped(&format!("{it:.0}")),
    }
}

/// A number's digits before the point in threes.
pub fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.parse() {
        Ok(whole) => crate::run::summary::words::grouped(whole) + rest,
        Err(_) => text.to_owned(),
    }
}
