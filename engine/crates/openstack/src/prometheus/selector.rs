//! Which series: a metric and the labels that they must have, written in the
//! query language.
//! <https://prometheus.io/docs/prometheus/latest/querying/basics/>

use std::fmt::Write as _;

/// The series of a metric that have these labels, and one of several servers'
/// ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// The label that holds the server's id.
    pub uuid_label: String,
    /// Names are what the language takes unquoted; values anything.
    pub labels: Vec<(String, String)>,
}

impl Selector {
    /// The series of these servers. Ids are of hex digits and dashes, which
    /// mean themselves in a regular expression, and which Prometheus matches
    /// whole.
    pub fn of_servers<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> String {
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut text = String::new();
        let plain = is_plain(&self.metric);
        if plain {
            text.push_str(&self.metric);
        }
        text.push('{');
        if !plain {
            let _ = write!(text, "__name__={},", quoted(&self.metric));
        }
        for (name, value) in &self.labels {
            let _ = write!(text, "{name}={},", quoted(value));
        }
        let how = if ids.len() == 1 { "=" } else { "=~" };
        let _ = write!(text, "{}{how}{}}}", self.uuid_label, quoted(&ids.join("|")));
        text
    }
}

/// A name that needs no quotes.
fn is_plain(metric: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    metric.chars().next().is_some_and(letter)
        && metric.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// A string of the language, which has Go's escapes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(metric: &str, value: &str) -> Selector {
        Selector {
            metric: metric.into(),
            uuid_label: "uuid".into(),
            labels: vec![("type_instance".into(), value.into())],
        }
    }

    #[test]
    fn one_server_and_several() {
        let selector = selector("prometheus_value", "power");
        assert_eq!(
            selector.of_servers(["a-1"]),
            r#"prometheus_value{type_instance="power",uuid="a-1"}"#
        );
        assert_eq!(
            selector.of_servers(["a-1", "b-2"]),
            r#"prometheus_value{type_instance="power",uuid=~"a-1|b-2"}"#
        );
    }

    #[test]
    fn values_and_odd_names_are_quoted() {
        assert_eq!(
            selector("node.power", "a\"b\\c\nd").of_servers(["x"]),
            r#"{__name__="node.power",type_instance="a\"b\\c\nd",uuid="x"}"#
        );
    }
}
