//! `[prometheus]`, read and checked.

use url::Url;

use super::error::ConfigError;
use super::origin::Origin;
use super::reader::Reader;
use super::resolve::Slot;
use super::table::prometheus as table;
use super::types::{BasicLogin, LoginSecret, PrometheusConfig};
use caso_model::notice::Notice;
use caso_model::secret::Secret;

/// Reads it. `None` when something is wrong, which the reader has noted.
pub(super) fn read(
    reader: &mut Reader<'_>,
    warnings: &mut Vec<Notice>,
) -> Option<PrometheusConfig> {
    let endpoint = endpoint(reader);
    let metric = reader.try_get(&table::METRIC_NAME);
    let uuid_label = reader.try_get(&table::UUID_LABEL);
    let labels = reader.try_get(&table::LABELS);
    let sum_labels = reader.try_get(&table::SUM_LABELS);
    let step = reader.get(&table::STEP);
    let delay = reader.get(&table::DELAY);
    let insecure = insecure(reader, warnings);
    let cafile = reader.get(&table::CAFILE);
    let user = reader.get(&table::USERNAME);
    let password = reader.get(&table::PASSWORD);
    let file = reader.get(&table::PASSWORD_FILE);
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
        uuid_label: uuid_label?.0,
        labels: labels?.0,
        sum_labels: sum_labels?.0,
        step,
        delay,
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
    reader.find(&table::ENDPOINT, &slot).map(|(url, _)| url)
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

fn insecure(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> bool {
    if reader.get(&table::VERIFY_SSL) {
        return false;
    }
    let slot = Slot::of(&table::VERIFY_SSL);
    let found = reader.resolver.resolve(&slot).ok().flatten();
    let origin = found.map_or(Origin::Default, |found| found.origin);
    let text = (
        format!(
            "{origin}: `[prometheus] prometheus_verify_ssl` is off, so that anyone in between can forge the \
             energy and read the password"
        ),
        "to trust a certificate of your own, set `prometheus_cafile`",
    );
    warnings.push(Notice::warning("prometheus-insecure", text));
    true
}
