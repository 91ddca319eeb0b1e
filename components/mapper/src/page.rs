//! A page of usage with its tables made ready to look into.

use std::collections::HashMap;

use crate::flavor::Properties;
use crate::policy::Policy;
use crate::usage::{Context, Flavor, Image, Server, Tables, UsageItem, User};

/// What every item of a page is mapped with.
pub struct Page<'a> {
    pub policy: &'a Policy,
    pub context: &'a Context,
    flavors: HashMap<&'a str, &'a Flavor>,
    images: HashMap<&'a str, &'a Image>,
    users: HashMap<&'a str, &'a User>,
    /// Of the flavors that servers of this page have. Read here, once each, so
    /// that a flavor with a bad property warns once and not for each server.
    properties: HashMap<&'a str, Properties>,
}

impl<'a> Page<'a> {
    pub fn new(
        policy: &'a Policy,
        context: &'a Context,
        tables: &'a Tables,
        items: &'a [UsageItem],
    ) -> Self {
        let flavors: HashMap<&str, &Flavor> = tables
            .flavors
            .iter()
            .map(|flavor| (flavor.id.as_str(), flavor))
            .collect();
        let mut properties = HashMap::new();
        for item in items {
            if let UsageItem::Server(server) = item
                && let Some(id) = server.flavor_id.as_deref()
                && let Some(flavor) = flavors.get(id)
            {
                properties
                    .entry(id)
                    .or_insert_with(|| Properties::read(policy, flavor));
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

    /// The server's flavor as it is now, or else the server's own copy of it.
    pub fn flavor(&self, server: &'a Server) -> Option<&'a Flavor> {
        server
            .flavor_id
            .as_deref()
            .and_then(|id| self.flavors.get(id).copied())
            .or(server.embedded_flavor.as_ref())
    }

    /// What that flavor's extra specs say.
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

    /// The name of a user, where Keystone knows and tells it.
    pub fn user_name(&self, id: Option<&str>) -> Option<String> {
        let user = self.users.get(id?)?;
        user.name.clone().filter(|name| !name.is_empty())
    }

    /// What the record says of an image: the URI of the catalogue it comes from
    /// where its property tells, as APEL wants it, and else its id.
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
