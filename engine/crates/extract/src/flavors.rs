//! The flavors of the run, each read once however many projects use it.
//!
//! Accounting properties come from the flavor as it is now, found by its id:
//! a flavor that was re-created under its name is another one. The first
//! project's list serves all others, as far as it shows the same to all: a
//! private flavor, or one whose extra specs this account may not read through
//! that project, counts for that project alone. Otherwise a server's record
//! would depend on which project happened to be read first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::fields::Row;
use super::{ExtractError, ItemError};
use caso_model::Attribute;
use caso_model::notice::Notices;
use caso_model::usage::Flavor;
use caso_openstack::Service;
use caso_openstack::nova::Nova;

/// Flavors by id.
pub type Flavors = HashMap<String, Arc<Flavor>>;

#[derive(Debug, Default)]
pub struct FlavorCache {
    // Held while a list is read, so that projects that start together wait
    // for one list and do not each ask for it.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shared: Flavors,
    own: HashMap<String, OwnFlavors>,
}

/// What only one project sees.
#[derive(Debug, Default)]
struct OwnFlavors {
    flavors: Flavors,
    /// Whether this project's list was read: what it lacks is gone.
    listed: bool,
    extra_specs_forbidden: bool,
}

impl FlavorCache {
    /// The flavors with these ids that `nova`'s project may use now. The
    /// others are gone.
    pub async fn lookup(
        &self,
        nova: &Nova,
        ids: &BTreeSet<String>,
        page_size: u32,
        warnings: &Notices,
    ) -> Result<Flavors, ExtractError> {
        let mut state = self.state.lock().await;
        let listed = state.own.get(nova.project()).is_some_and(|own| own.listed);
        let known = |state: &State| {
            ids.iter()
                .all(|id| state.find(nova.project(), id).is_some())
        };
        if !listed && !known(&state) {
            state.read_list(nova, page_size, warnings).await?;
        }
        if !nova.flavors_have_extra_specs() {
            state.read_extra_specs(nova, ids, warnings).await?;
        }
        Ok(ids
            .iter()
            .filter_map(|id| Some((id.clone(), state.find(nova.project(), id)?.clone())))
            .collect())
    }

    /// Drops what only this project could see.
    pub async fn forget(&self, project: &str) {
        self.state.lock().await.own.remove(project);
    }
}

impl State {
    fn find(&self, project: &str, id: &str) -> Option<&Arc<Flavor>> {
        self.own
            .get(project)
            .and_then(|own| own.flavors.get(id))
            .or_else(|| self.shared.get(id))
    }

    async fn read_list(
        &mut self,
        nova: &Nova,
        page_size: u32,
        warnings: &Notices,
    ) -> Result<(), ExtractError> {
        let mut pager = nova.flavors(page_size);
        let mut own = Flavors::new();
        while let Some(page) = pager.next(nova.session()).await? {
            for raw in page.rows {
                let flavor = Row::parse("flavor", "id", &raw).and_then(|row| {
                    let public = row.flag("os-flavor-access:is_public").unwrap_or(false);
                    Ok((read(&row)?, public))
                });
                let (flavor, public) = match flavor {
                    Ok(flavor) => flavor,
                    Err(error) => {
                        warnings.warn_once(&format!("flavor-{}", error.id), || error.to_string());
                        continue;
                    }
                };
                // Where the list should have brought them: not shown to us.
                let forbidden = nova.flavors_have_extra_specs() && flavor.extra_specs.is_none();
                if forbidden {
                    warn_forbidden(warnings, nova.project());
                }
                if public && !forbidden {
                    self.shared
                        .entry(flavor.id.clone())
                        .or_insert_with(|| Arc::new(flavor));
                } else {
                    own.insert(flavor.id.clone(), Arc::new(flavor));
                }
            }
        }
        let entry = self.own.entry(nova.project().to_owned()).or_default();
        entry.flavors.extend(own);
        entry.listed = true;
        Ok(())
    }

    /// Below microversion 2.61: one request a flavor, for those that a server
    /// has and no other.
    async fn read_extra_specs(
        &mut self,
        nova: &Nova,
        ids: &BTreeSet<String>,
        warnings: &Notices,
    ) -> Result<(), ExtractError> {
        for id in ids {
            let own = self.own.entry(nova.project().to_owned()).or_default();
            let private = own.flavors.contains_key(id);
            let Some(flavor) = own.flavors.get(id).or_else(|| self.shared.get(id)) else {
                continue;
            };
            if flavor.extra_specs.is_some() || own.extra_specs_forbidden {
                continue;
            }
            match nova.extra_specs(id).await {
                Ok(specs) => {
                    let flavor = Arc::new(Flavor {
                        extra_specs: Some(
                            specs
                                .into_iter()
                                .map(|(name, value)| Attribute { name, value })
                                .collect(),
                        ),
                        ..Flavor::clone(flavor)
                    });
                    let place = if private {
                        &mut own.flavors
                    } else {
                        &mut self.shared
                    };
                    place.insert(id.clone(), flavor);
                }
                Err(error) if error.status_of(Service::Compute) == Some(403) => {
                    own.extra_specs_forbidden = true;
                    warn_forbidden(warnings, nova.project());
                }
                // Deleted since the list was read.
                Err(error) if error.status_of(Service::Compute) == Some(404) => {
                    own.flavors.remove(id);
                    self.shared.remove(id);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn warn_forbidden(warnings: &Notices, project: &str) {
    warnings.warn_once("extra-specs-forbidden", || {
        (
            format!(
                "this account may not read the extra specs of flavors (seen in project `{project}`), so records have neither benchmark nor accelerators"
            ),
            "give it Nova's right `os_compute_api:os-flavor-extra-specs:index`, which the role `reader` has by default; then \
             `caso republish` of that month for servers that ended meanwhile",
        )
    });
}

fn read(row: &Row<'_>) -> Result<Flavor, ItemError> {
    Ok(Flavor {
        id: row.id().to_owned(),
        name: row.text("name")?,
        vcpus: row.small_count("vcpus")?,
        memory_mib: row.count("ram")?,
        root_gib: row.count("disk")?,
        ephemeral_gib: row.count("OS-FLV-EXT-DATA:ephemeral")?,
        extra_specs: row.attributes("extra_specs")?,
        attributes: Vec::new(),
    })
}
