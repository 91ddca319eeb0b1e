//! Times as a sorted list that does not overlap; what touches is one.

use caso_model::Window;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans(Vec<Window>);

impl Spans {
    /// Whether some of it is in here.
    pub fn overlaps(&self, it: Window) -> bool {
        let at = self.0.partition_point(|known| known.end <= it.start);
        self.0.get(at).is_some_and(|known| known.start < it.end)
    }

    pub fn add(&mut self, it: Window) {
        if it.start >= it.end {
            return;
        }
        let from = self.0.partition_point(|known| known.end < it.start);
        let to = self.0.partition_point(|known| known.start <= it.end);
        let touched = self.0.get(from..to).unwrap_or_default();
        let start = touched
            .first()
            .map_or(it.start, |it2| it2.start.min(it.start));
        let end = touched.last().map_or(it.end, |it2| it2.end.max(it.end));
        self.0.splice(from..to.max(from), [Window { start, end }]);
    }

    /// Adds what of `it` is not in `known`.
    pub fn add_without(&mut self, it: &Spans, known: &Spans) {
        for window in &it.0 {
            let mut start = window.start;
            for known in &known.0 {
                if known.end > start && known.start < window.end {
                    let end = known.start;
                    self.add(Window { start, end });
                    start = known.end;
                }
            }
            let end = window.end;
            self.add(Window { start, end });
        }
    }

    pub fn add_all(&mut self, other: &Spans) {
        for window in &other.0 {
            self.add(*window);
        }
    }

    /// How many seconds of it are in here.
    pub fn seconds_in(&self, it: Window) -> i64 {
        let from = self.0.partition_point(|known| known.end <= it.start);
        let behind = self.0.get(from..).unwrap_or_default();
        behind
            .iter()
            .take_while(|known| known.start < it.end)
            .map(|known| known.end.min(it.end) - known.start.max(it.start))
            .sum()
    }

    /// Where the first begins and the last ends.
    pub fn bounds(&self) -> Option<Window> {
        Some(Window {
            start: self.0.first()?.start,
            end: self.0.last()?.end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn w(start: i64, end: i64) -> Window {
        Window { start, end }
    }

    fn spans(windows: &[(i64, i64)]) -> Spans {
        let mut spans = Spans::default();
        for (start, end) in windows {
            spans.add(w(*start, *end));
        }
        spans
    }

    /// Beside a list of seconds, which says what is right.
    #[test]
    fn spans_are_a_set_of_seconds() {
        let windows: Vec<(i64, i64)> = (0..40)
            .map(|n| {
                let start = (n * 37) % 90;
                (start, start + (n * 13) % 7)
            })
            .collect();
        for many in 0..windows.len() {
            let windows = &windows[..many];
            let spans = spans(windows);
            let is_in = |second| windows.iter().any(|(a, b)| (*a..*b).contains(&second));
            for start in 0..97 {
                let one = w(start, start + 1);
                assert_eq!(spans.overlaps(one), is_in(start), "{start} of {windows:?}");
                let known = (start..start + 9).filter(|it| is_in(*it)).count();
                let seconds = spans.seconds_in(w(start, start + 9));
                assert_eq!(usize::try_from(seconds).unwrap(), known);
            }
            let ordered = spans.0.windows(2).all(|two| two[0].end < two[1].start);
            assert!(ordered, "{spans:?}");
        }
    }

    #[test]
    fn what_is_known_is_taken_away() {
        let mut rest = Spans::default();
        rest.add_without(
            &spans(&[(0, 10), (20, 30)]),
            &spans(&[(0, 2), (5, 7), (25, 40)]),
        );
        assert_eq!(rest, spans(&[(2, 5), (7, 10), (20, 25)]));
        assert_eq!(rest.bounds(), Some(w(2, 25)));
    }
}
