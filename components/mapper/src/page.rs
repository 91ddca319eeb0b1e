//! A page of usage, with its tables indexed by id.

use caso_component::records::Benchmark;
use rustc_hash::FxHashMap;

use crate::flavor::Properties;
use crate::policy::Policy;
use crate::usage::{Context, Flavor, Image, Server, SizeSpan, Tables, UsageItem, User};

/// The id of the flavor that a server had from that moment on, where somebody saw it.
pub fn flavor_of(size: &SizeSpan) -> Option<&str> {
    let mut named = size.attributes.iter();
    let id = named.find(|attribute| attribute.name == "flavor-id")?;
    Some(&id.value)
}

/// What the items of a page are mapped with.
pub struct Page<'a> {
    /// The site's choices.
    pub policy: &'a Policy,
    /// Site, project and window.
    pub context: &'a Context,
    // Ids are the cloud's own, and a guest that is made to compute for long is ended: a hash that
    // nobody can steer took more than the rest of a lookup.
    flavors: FxHashMap<&'a str, &'a Flavor>,
    images: FxHashMap<&'a str, &'a Image>,
    users: FxHashMap<&'a str, &'a User>,
    /// Properties of the flavors that servers of this page have. Each flavor is read once,
    /// so that it warns of a bad property once and not for each server.
    properties: FxHashMap<&'a str, Properties>,
}

impl<'a> Page<'a> {
    /// Indexes the tables, and reads the flavors of the servers among the items.
    pub fn new(
        policy: &'a Policy,
        context: &'a Context,
        tables: &'a Tables,
        items: &'a [UsageItem],
    ) -> Self {
        let flavors: FxHashMap<&str, &Flavor> = tables
            .flavors
            .iter()
            .map(|flavor| (flavor.id.as_str(), flavor))
            .collect();
        let mut properties = FxHashMap::default();
        for item in items {
            let UsageItem::Server(server) = item else {
                continue;
            };
            let former = server.sizes.iter().filter_map(flavor_of);
            for id in server.flavor_id.as_deref().into_iter().chain(former) {
                if let Some(flavor) = flavors.get(id) {
                    properties
                        .entry(id)
                        .or_insert_with(|| Properties::read(policy, flavor));
                }
            }
        }
        Self {
            policy,
            context,
            flavors,
            images: tables.images.iter().map(|i| (i.id.as_str(), i)).collect(),
            users: tables.users.iter().map(|u| (u.id.as_str(), u)).collect(),
            properties,
        }
    }

    /// The server's flavor as it is now, or else the copy embedded in the server.
    pub fn flavor(&self, server: &'a Server) -> Option<&'a Flavor> {
        server
            .flavor_id
            .as_deref()
            .and_then(|id| self.flavors.get(id).copied())
            .or(server.embedded_flavor.as_ref())
    }

    /// The accounting properties of that flavor.
    pub fn properties(&self, server: &'a Server) -> Properties {
        if let Some(known) = server
            .flavor_id
            .as_deref()
            .and_then(|id| self.properties.get(id))
        {
            return known.clone();
        }
        self.flavor(server)
            .map(|flavor| Properties::read(self.policy, flavor))
            .unwrap_or_default()
    }

    /// The benchmark of that flavor.
    pub fn benchmark(&self, server: &'a Server) -> Option<Benchmark> {
        match server
            .flavor_id
            .as_deref()
            .and_then(|id| self.properties.get(id))
        {
            Some(known) => known.benchmark.clone(),
            None => self.properties(server).benchmark,
        }
    }

    /// The flavor of that id; none where nobody knows it any more.
    pub fn flavor_of_id(&self, flavor_id: &str) -> Option<&'a Flavor> {
        self.flavors.get(flavor_id).copied()
    }

    /// Its accounting properties, where a server of the page has or had it.
    pub fn properties_of(&self, flavor_id: &str) -> Option<&Properties> {
        self.properties.get(flavor_id)
    }

    /// The name of a user; absent where Keystone does not know it or does not state it.
    pub fn user_name(&self, id: Option<&str>) -> Option<String> {
        let user = self.users.get(id?)?;
        user.name.clone().filter(|name| !name.is_empty())
    }

    /// The record's name of an image, as APEL wants it: the URI in the catalogue it comes
    /// from, where its properties have one, or else its id.
    pub fn image_id(&self, id: Option<&str>) -> Option<String> {
        const CATALOGUE_URI: &str = "vmcatcher_event_ad_mpuri";
        let id = id?;
        let uri = self.images.get(id).and_then(|image| {
            image
                .properties
                .iter()
                .find(|property| property.name == CATALOGUE_URI)
        });
        Some(uri.map_or(id, |property| &property.value).to_owned())
    }
}
