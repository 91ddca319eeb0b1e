//! Plots as SVG: bars by name, and by day.
//!
//! What is drawn has a colour of its own here for each of its parts; on the way out it becomes a
//! class, so that the page's style has the last word, in the dark and on paper too.

use std::error::Error;

use anyhow::anyhow;
use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use caso_base::line::short_line;

/// Units of the drawing for one pixel of a small screen: coordinates are whole numbers.
const SCALE: i32 = 4;
const WIDTH: i32 = 440 * SCALE;
/// The height of a text, as plotters has it: 13 pixels.
const TEXT: i32 = 16 * SCALE;
const BAR: i32 = 26 * SCALE;
const NAME_WIDTH: i32 = 158 * SCALE;
const VALUE_WIDTH: i32 = 90 * SCALE;
/// In bytes, of a name beside a bar.
const NAME: usize = 18;

/// So many parts of a stack have a colour of their own; the last is for all others.
pub const SERIES: usize = 7;

const INK: RGBColor = RGBColor(1, 0, 0);
const GRID: RGBColor = RGBColor(1, 0, 1);
const GAP: RGBColor = RGBColor(1, 0, 2);

fn series(number: usize) -> RGBColor {
    RGBColor(2, 0, u8::try_from(number.min(SERIES - 1)).unwrap_or(0))
}

/// What a plot is called, for who does not see it.
pub struct About<'a> {
    /// Of the page, and unlike any other.
    pub id: &'a str,
    pub title: &'a str,
    pub description: &'a str,
}

/// A bar for each name, with its value.
pub fn bars(
    about: &About<'_>,
    rows: &[(String, f64)],
    show: fn(f64) -> String,
) -> anyhow::Result<Markup> {
    let height = BAR * i32::try_from(rows.len().max(1))?;
    draw(about, height, |root| {
        let most = rows.iter().map(|(_, used)| *used).fold(0.0, f64::max);
        let room = f64::from(WIDTH - NAME_WIDTH - VALUE_WIDTH);
        let left = text(HPos::Left);
        let right = text(HPos::Right);
        for ((name, used), row) in rows.iter().zip(0..) {
            let (top, middle) = (row * BAR, row * BAR + BAR / 2);
            let length = match most > 0.0 {
                true => whole((used / most * room).round()),
                false => 0,
            };
            let end = NAME_WIDTH + length;
            let name = Text::new(
                short_line(name, NAME),
                (NAME_WIDTH - 8 * SCALE, middle),
                right.clone(),
            );
            root.draw(&name)?;
            let corners = [(NAME_WIDTH, top + 4 * SCALE), (end, top + BAR - 4 * SCALE)];
            root.draw(&Rectangle::new(corners, series(0).filled()))?;
            root.draw(&Text::new(
                show(*used),
                (end + 6 * SCALE, middle),
                left.clone(),
            ))?;
        }
        Ok(())
    })
}

/// One day of a plot: what each of the series came to; none where that is not known.
pub struct Bar {
    /// Since 1970.
    pub day: i64,
    pub parts: Option<Vec<f64>>,
}

/// A stack of bars for each day.
pub fn days(about: &About<'_>, bars: &[Bar]) -> anyhow::Result<Markup> {
    let sum = |bar: &Bar| bar.parts.iter().flatten().sum::<f64>();
    let most = bars.iter().map(sum).fold(0.0, f64::max);
    let most = if most > 0.0 { most * 1.05 } else { 1.0 };
    let first = bars.first().map_or(0, |bar| bar.day);
    let behind = bars.last().map_or(1, |bar| bar.day + 1);
    let gap = if bars.len() > 62 {
        0
    } else {
        SCALE.unsigned_abs()
    };
    draw(about, 240 * SCALE, |root| {
        let mut chart = ChartBuilder::on(root)
            .margin_top(8 * SCALE)
            .margin_right(14 * SCALE)
            .set_label_area_size(LabelAreaPosition::Left, 58 * SCALE)
            .set_label_area_size(LabelAreaPosition::Bottom, 26 * SCALE)
            .build_cartesian_2d(first..behind, 0.0..most)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .axis_style(GRID.stroke_width(2))
            .bold_line_style(GRID.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", TEXT).into_font().color(&INK))
            .x_labels(5)
            .y_labels(6)
            .x_label_formatter(&|day| super::page::date(*day))
            .y_label_formatter(&|used| match most < 10.0 {
                true => format!("{used:.1}"),
                false => super::page::grouped(&format!("{used:.0}")),
            })
            .draw()?;
        for bar in bars {
            let bar_of = |from: f64, to: f64, color: RGBColor| {
                let mut it = Rectangle::new([(bar.day, from), (bar.day + 1, to)], color.filled());
                it.set_margin(0, 0, gap, gap);
                it
            };
            let Some(parts) = &bar.parts else {
                chart.draw_series([bar_of(0.0, most, GAP)])?;
                continue;
            };
            let mut reached = 0.0;
            for (number, part) in parts.iter().enumerate() {
                if *part > 0.0 {
                    chart.draw_series([bar_of(reached, reached + part, series(number))])?;
                    reached += part;
                }
            }
        }
        Ok(())
    })
}

fn text(at: HPos) -> TextStyle<'static> {
    let style = ("sans-serif", TEXT).into_font().color(&INK);
    style.pos(Pos::new(at, VPos::Center))
}

/// A length in units of the drawing, of which a page has few thousand.
fn whole(length: f64) -> i32 {
    format!("{length:.0}").parse().unwrap_or(0)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn Error + Send + Sync>>;

/// What `content` draws, as an image with a title.
fn draw(
    about: &About<'_>,
    height: i32,
    content: impl FnOnce(&Area<'_>) -> Drawn,
) -> anyhow::Result<Markup> {
    let mut svg = String::new();
    {
        let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        content(&root).map_err(|error| anyhow!("a plot cannot be drawn: {error}"))?;
        root.present()
            .map_err(|error| anyhow!("a plot cannot be drawn: {error}"))?;
    }
    // Its own opening tag has a size in pixels and no name.
    let inner = svg.split_once('>').map_or("", |(_, inner)| inner);
    let inner = inner.trim().strip_suffix("</svg>").unwrap_or(inner);
    let mut inner = inner
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "");
    let mut styled = |color: RGBColor, class: &str| {
        let RGBColor(r, g, b) = color;
        for attribute in ["fill", "stroke"] {
            let drawn = format!("{attribute}=\"#{r:02X}{g:02X}{b:02X}\"");
            inner = inner.replace(&drawn, &format!("class=\"{class}\""));
        }
    };
    styled(INK, "ink");
    styled(GRID, "grid");
    styled(GAP, "gap");
    for number in 0..SERIES {
        styled(series(number), &format!("s{number}"));
    }
    let (title, description) = (format!("{}-t", about.id), format!("{}-d", about.id));
    Ok(html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby={ (title) " " (description) } {
            title id=(title) { (about.title) }
            desc id=(description) { (about.description) }
            (PreEscaped(inner))
        }
    })
}
