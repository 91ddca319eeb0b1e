//! `[prometheus]`, read and checked.

use url::Url;

use super::error::ConfigError;
use super::origin::Origin;
use super::reader::Reader;
use super::resolve::Slot;
use super::table::{Row, prometheus as table};
use super::types::{BasicLogin, LoginSecret, PrometheusConfig};
use super::value;
use caso_model::notice::Notice;
use caso_model::secret::Secret;

/// Reads it. `None` when something is wrong, which the reader has noted.
pub(super) fn read(
    reader: &mut Reader<'_>,
    warnings: &mut Vec<Notice>,
) -> Option<PrometheusConfig> {
    let endpoint = endpoint(reader);
    let metric = checked(reader, &table::METRIC_NAME, |text| match text {
        "" => Err("the name of a metric".to_owned()),
        _ => Ok(text.to_owned()),
    });
    let uuid_label = checked(reader, &table::UUID_LABEL, label_name);
    let labels = checked(reader, &table::LABELS, |text| {
        value::texts(text).iter().map(|pair| filter(pair)).collect()
    });
    let sum_labels = checked(reader, &table::SUM_LABELS, |text| {
        value::texts(text)
            .iter()
            .map(|name| label_name(name))
            .collect()
    });
    let step = reader.integer(&table::STEP);
    let insecure = insecure(reader, warnings);
    let cafile = reader.path(&Slot::of(&table::CAFILE));
    let user = reader.text(&Slot::of(&table::USERNAME));
    let password = reader.secret(&Slot::of(&table::PASSWORD));
    let file = reader.path(&Slot::of(&table::PASSWORD_FILE));
    let endpoint = endpoint?;
    let login = match (user, password, file) {
        (Some(user), _, Some(file)) => Some(BasicLogin {
            user,
            password: LoginSecret::File(file),
        }),
        (Some(user), Some(password), None) => Some(BasicLogin {
            user,
            password: LoginSecret::Text(password),
        }),
        (Some(_), None, None) => {
            reader.errors.push(ConfigError::Missing {
                section: table::PROMETHEUS.into(),
                option: table::PASSWORD.name.into(),
                why: "`prometheus_username` is set, and a user needs a password; set it, or \
                      `prometheus_password_file`"
                    .into(),
            });
            None
        }
        (None, ..) => in_address(&endpoint),
    };
    Some(PrometheusConfig {
        endpoint: without_user(endpoint),
        login,
        metric: metric?,
        uuid_label: uuid_label?,
        labels: labels?,
        sum_labels: sum_labels?,
        step,
        cafile,
        insecure,
    })
}

/// An address that holds a password is shown to nobody.
fn endpoint(reader: &mut Reader<'_>) -> Option<Url> {
    let mut slot = Slot::of(&table::ENDPOINT);
    if let Ok(Some(resolved)) = reader.resolver.resolve(&slot) {
        slot.secret = resolved.text.contains('@');
    }
    let parse = |text: &str| match text {
        "" => Ok(None),
        _ => value::url(text).map(Some),
    };
    reader.parsed(&slot, parse).map(|(url, _)| url)
}

fn in_address(endpoint: &Url) -> Option<BasicLogin> {
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let user = Some(endpoint.username()).filter(|user| !user.is_empty())?;
    let password = endpoint.password().unwrap_or_default();
    Some(BasicLogin {
        user: decoded(user),
        password: LoginSecret::Text(Secret::new(decoded(password))),
    })
}

fn without_user(mut endpoint: Url) -> Url {
    // Only addresses that cannot have a user refuse to lose it.
    let _ = endpoint.set_username("");
    let _ = endpoint.set_password(None);
    endpoint
}

/// A value that must be right; an empty one means what `parse` makes of it.
fn checked<T>(
    reader: &mut Reader<'_>,
    row: &'static Row,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let parse = |text: &str| parse(text).map(Some);
    reader.parsed(&Slot::of(row), parse).map(|(value, _)| value)
}

/// cASO left a filter without a colon out with a warning, and then added up
/// series that were never meant: percentages to microwatts.
fn filter(pair: &str) -> Result<(String, String), String> {
    let expected = || "a list of labels, each as name:value".to_owned();
    let (name, value) = pair.split_once(':').ok_or_else(expected)?;
    Ok((label_name(name.trim())?, value.trim().to_owned()))
}

/// A name that the query language takes unquoted, in every version.
/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn label_name(text: &str) -> Result<String, String> {
    let mut characters = text.chars();
    let first = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(text.to_owned())
    } else {
        Err("names of labels, of letters, digits and `_`".to_owned())
    }
}

fn insecure(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> bool {
    let slot = Slot::of(&table::VERIFY_SSL);
    if reader.boolean(&slot) {
        return false;
    }
    let found = reader.resolver.resolve(&slot).ok().flatten();
    let origin = found.map_or(Origin::Default, |found| found.origin);
    let text = format!(
        "{origin}: `[prometheus] prometheus_verify_ssl` is off, so that whoever sits between can make up the energy \
         and read the password; to trust a certificate of your own, set `prometheus_cafile`"
    );
    warnings.push(Notice::warning("prometheus-insecure", text));
    true
}
