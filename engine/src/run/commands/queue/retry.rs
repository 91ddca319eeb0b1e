//! `caso queue retry`: what lies in quarantine goes back into the queue, as it is or with what
//! the configuration says today of the site.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use caso_base::line::clean_line;
use caso_config::Config;
use caso_journal::Returned;
use caso_model::Origin;
use caso_model::record::AccountingRecord;

use super::{Ask, agreed, nothing, of_messenger, opened, sight};
use crate::run::exit::Exit;
use crate::run::prepare::Stopped;
use crate::run::remedy::advised;
use crate::run::summary::words::{of, records};
use crate::stdout;

/// What to put back.
#[derive(Debug, PartialEq)]
pub struct Retry {
    pub messenger: String,
    /// With today's `site_name`, `service_name` and `cloud_type`.
    pub remap: bool,
}

/// What the configuration says of a cloud today.
struct Site {
    name: String,
    service: String,
    cloud_type: String,
}

/// The sites of the clouds, by the clouds' names; none where records stay as they are.
struct Remap(Option<BTreeMap<String, Site>>);

/// Old value, new value, by option; how many records.
type Changes = BTreeMap<(&'static str, String, String), u64>;

/// Says what would go back and what would stay, asks where records change, and does it.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn retry(config: &Config, what: &Retry, ask: Ask<'_>) -> Result<(), Exit> {
    retried(config, what, ask).await.map_err(Stopped::report)
}

async fn retried(config: &Config, retry: &Retry, ask: Ask<'_>) -> Result<(), Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let name = &retry.messenger;
    let (_, sight, _) = sight(config).map_err(failed())?;
    of_messenger(config, &sight, name).map_err(failed())?;
    let remap = Remap::of(config, retry.remap).map_err(Stopped::with(Exit::Usage))?;
    let mut changes = Changes::new();
    let mut unknown = BTreeSet::new();
    let would = sight
        .would_return(name, &mut |origin, mut record| {
            if !remap.knows(origin) {
                unknown.insert(origin.cloud.clone());
            }
            remap.apply(origin, &mut record, &mut changes);
        })
        .context("cannot read the quarantine")
        .map_err(failed())?;
    if let Some(cloud) = unknown.first() {
        return Err(Stopped::with(Exit::Usage)(advised(
            format!(
                "records of cloud `{cloud}` are among them, which is not in `clouds`: nothing says \
                 of which site they are today"
            ),
            "put the cloud into `clouds` for this, or retry without `--remap`",
        )));
    }
    if would == Returned::default() {
        return stdout::page(&nothing(name, true, "")).map_err(failed());
    }
    stdout::page(&announced(name, would, &changes)).map_err(failed())?;
    if would.returned == 0 {
        let mut next = format!("next  caso queue show {name} --quarantine\n");
        if would.superseded > 0 {
            next += &format!("      caso queue drop {name} --quarantine\n");
        }
        return stdout::page(&next).map_err(failed());
    }
    if retry.remap {
        agreed(ask, "Put them back?")?;
    }
    let opened = opened(config).await?;
    let returned = opened
        .journal
        .retry(name, &mut |origin, record| {
            remap.apply(origin, record, &mut Changes::new());
        })
        .context("not all could be put back; what was is in the queue, to be tried again")
        .map_err(failed())?;
    let is_configured = config.messengers.iter().any(|it| it.name() == name);
    let next = match is_configured {
        true => format!("next  caso queue flush {name}\n"),
        false => format!("`{name}` is not in `messengers`: they wait until it is put back\n"),
    };
    let done = format!("{} put back\n{next}", records(returned.returned));
    stdout::page(&done).map_err(failed())
}

fn announced(name: &str, would: Returned, changes: &Changes) -> String {
    let verb = |number| of(number, "goes", "go");
    let mut text = format!(
        "{} {} back into the queue of `{name}`",
        records(would.returned),
        verb(would.returned)
    );
    for (at, ((option, old, new), number)) in changes.iter().enumerate() {
        let sign = if at == 0 { ": " } else { ", " };
        let (old, new) = (clean_line(old), clean_line(new));
        text += &format!("{sign}{option} `{old}` to `{new}` in {number}");
    }
    text.push('\n');
    for (number, why) in [
        (
            would.superseded,
            "older than what was delivered since, or than what waits: sent now, usage would be taken back",
        ),
        (
            would.of_unknown_origin,
            "from an earlier build, which did not keep where a record comes from",
        ),
        (
            would.still_offered,
            "still in the queue, too, and offered from there",
        ),
    ] {
        if number > 0 {
            text += &format!(
                "{} {} out: {why}\n",
                records(number),
                of(number, "stays", "stay")
            );
        }
    }
    text
}

impl Remap {
    fn of(config: &Config, remap: bool) -> anyhow::Result<Self> {
        if !remap {
            return Ok(Remap(None));
        }
        let mut sites = BTreeMap::new();
        for cloud in &config.clouds {
            let name = cloud.site()?.to_owned();
            let site = Site {
                service: cloud.service_name.clone().unwrap_or_else(|| name.clone()),
                cloud_type: cloud.cloud_type.clone(),
                name,
            };
            sites.insert(cloud.name.clone(), site);
        }
        Ok(Remap(Some(sites)))
    }

    fn knows(&self, origin: &Origin) -> bool {
        let Remap(sites) = self;
        sites
            .as_ref()
            .is_none_or(|sites| sites.contains_key(&origin.cloud))
    }

    /// Nothing is measured anew, and no id changes: it is the same record, of the same moment.
    fn apply(&self, origin: &Origin, record: &mut AccountingRecord, changes: &mut Changes) {
        let Some(site) = self.0.as_ref().and_then(|sites| sites.get(&origin.cloud)) else {
            return;
        };
        let mut set = |option: &'static str, field: &mut String, value: &String| {
            if field != value {
                let old = std::mem::replace(field, value.clone());
                *changes.entry((option, old, value.clone())).or_default() += 1;
            }
        };
        let (name, service, cloud_type) = match record {
            AccountingRecord::Cloud(it) => (
                &mut it.site_name,
                &mut it.compute_service,
                &mut it.cloud_type,
            ),
            AccountingRecord::Ip(it) => {
                // Its key is of the site, see the mapper.
                let was = format!("{}:{}:", it.site_name, it.compute_service);
                let is = format!("{}:{}:", site.name, site.service);
                if let Some(rest) = it.head.supersedes.strip_prefix(&was) {
                    it.head.supersedes = is + rest;
                }
                (
                    &mut it.site_name,
                    &mut it.compute_service,
                    &mut it.cloud_type,
                )
            }
            AccountingRecord::Accelerator(it) => (
                &mut it.site_name,
                &mut it.compute_service,
                &mut it.cloud_type,
            ),
            AccountingRecord::Storage(it) => (
                &mut it.site_name,
                &mut it.storage_system,
                &mut it.cloud_type,
            ),
            AccountingRecord::Energy(it) => (
                &mut it.site_name,
                &mut it.compute_service,
                &mut it.cloud_type,
            ),
            AccountingRecord::Other(it) => {
                for fact in &mut it.head.attributes {
                    match fact.name.as_str() {
                        "site-name" => set("site_name", &mut fact.value, &site.name),
                        "compute-service" => set("service_name", &mut fact.value, &site.service),
                        "cloud-type" => set("cloud_type", &mut fact.value, &site.cloud_type),
                        _ => {}
                    }
                }
                return;
            }
        };
        set("site_name", name, &site.name);
        set("service_name", service, &site.service);
        set("cloud_type", cloud_type, &site.cloud_type);
    }
}
