//! The address of a service: in a token's catalog, by service, interface and
//! region.

use url::Url;

use super::super::identity::catalog::Catalog;
use super::super::identity::token::Token;
use super::super::{ApiError, Scope, Service};
use super::address::Endpoint;
use super::{Session, login, unversioned};

impl Session {
    /// The endpoint of a service: the one in a token's catalog, and the version
    /// below it where that names none.
    pub(super) async fn endpoint(
        &self,
        token: &Token,
        scope: &Scope,
        service: Service,
        interfaces: &[String],
    ) -> Result<Endpoint, ApiError> {
        let listed = self.listed(token, scope, service, interfaces).await?;
        unversioned::endpoint(self, scope, token, service, listed).await
    }

    async fn listed(
        &self,
        token: &Token,
        scope: &Scope,
        service: Service,
        interfaces: &[String],
    ) -> Result<Url, ApiError> {
        let settings = &self.inner.settings;
        let region = self.place.region.as_deref();
        let catalog = token.catalog.as_ref();
        let found = catalog.and_then(|catalog| {
            let found = catalog.find(service, interfaces, region);
            // Keystone is often one for all regions, and listed in one.
            if found.is_none() && service == Service::Identity {
                catalog.find(service, interfaces, None)
            } else {
                found
            }
        });
        if let (None, Some(catalog)) = (region, catalog) {
            self.place
                .note(service, catalog.regions_of(service, interfaces));
        }
        match found {
            Some(endpoint) => Url::parse(&endpoint.url)
                .ok()
                .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
                .ok_or_else(|| ApiError::BadUrl {
                    url: endpoint.url.clone(),
                    detail: "it is not an HTTP address".to_owned(),
                    from: format!("the catalog's endpoint of {service}"),
                }),
            // Not where another interface was asked for.
            None if service == Service::Identity && interfaces == settings.interfaces => {
                login::base(self).await
            }
            None if self.is_unknown_region(catalog) => Err(ApiError::NoRegion {
                region: region.unwrap_or_default().to_owned(),
                known: catalog.map_or_else(Vec::new, Catalog::regions),
            }),
            None => Err(ApiError::NoEndpoint {
                service,
                scope: scope.clone(),
                interfaces: interfaces.to_vec(),
                region: self.place.region.clone(),
                available: catalog.map_or_else(Vec::new, |catalog| catalog.available(service)),
                lacking: catalog.is_some_and(|catalog| catalog.lacks(service, region)),
            }),
        }
    }

    /// Not that this service is missing in the region: the region is.
    fn is_unknown_region(&self, catalog: Option<&Catalog>) -> bool {
        match (&self.place.region, catalog) {
            (Some(region), Some(catalog)) => !catalog.regions().contains(region),
            _ => false,
        }
    }
}
