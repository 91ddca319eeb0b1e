//! Ceilometer's own API, version 2, as far as accounting needs it. It went
//! with Queens (2018); 9.0, of Pike, is the last that has it.
//! <https://docs.openstack.org/ceilometer/pike/webapi/v2.html>
//!
//! Samples come 100 at a time, silently and without a next page
//! (`[api]default_api_return_limit`), so they are never asked for: statistics
//! have no such limit, and one call tells of all servers of a project.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::nova::spell_time;
use super::{ApiError, Scope, Service, Session};

/// More than there are: without a limit, 100 are given and the rest is not
/// mentioned.
const NO_LIMIT: &str = "100000000";

/// Ceilometer, seen by one project.
#[derive(Clone)]
pub struct Ceilometer {
    session: Session,
    project: String,
}

/// The samples of one resource in one period.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Statistics {
    pub groupby: Group,
    pub max: f64,
    /// UTC without a zone; all of an answer are spelled alike.
    pub period_start: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    pub resource_id: String,
}

/// A resource with what was last known of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resource {
    pub resource_id: String,
    #[serde(default)]
    pub metadata: BTreeMap<String, serde_json::Value>,
}

impl Ceilometer {
    pub fn new(session: Session, project: &str) -> Ceilometer {
        Ceilometer {
            session,
            project: project.to_owned(),
        }
    }

    fn scope(&self) -> Scope {
        Scope::Project(self.project.clone())
    }

    /// The greatest sample of each resource of the project in each period of
    /// `start..stop`, in the order of time.
    pub async fn peaks(
        &self,
        meter: &str,
        start: i64,
        stop: i64,
        period: i64,
    ) -> Result<Vec<Statistics>, ApiError> {
        let mut query = condition("project_id", "eq", self.project.clone());
        query.extend(condition("timestamp", "ge", spell_time(start)));
        query.extend(condition("timestamp", "lt", spell_time(stop)));
        query.push(("groupby", "resource_id".to_owned()));
        query.push(("period", period.to_string()));
        let mut all: Vec<Statistics> = self
            .session
            .get(
                &self.scope(),
                Service::Metering,
                &format!("/v2/meters/{meter}/statistics"),
                &query,
                None,
            )
            .await?;
        all.sort_by(|a, b| a.period_start.cmp(&b.period_start));
        Ok(all)
    }

    /// All resources of the project.
    pub async fn resources(&self) -> Result<Vec<Resource>, ApiError> {
        let mut query = condition("project_id", "eq", self.project.clone());
        query.push(("limit", NO_LIMIT.to_owned()));
        // Without them: one link for each meter of each.
        query.push(("meter_links", "0".to_owned()));
        self.session
            .get(
                &self.scope(),
                Service::Metering,
                "/v2/resources",
                &query,
                None,
            )
            .await
    }
}

/// The i-th field, operator and value belong together, so none is left out.
fn condition(field: &str, operator: &str, value: String) -> Vec<(&'static str, String)> {
    vec![
        ("q.field", field.to_owned()),
        ("q.op", operator.to_owned()),
        ("q.value", value),
    ]
}
