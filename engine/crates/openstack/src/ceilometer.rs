//! Ceilometer's own API, version 2, as far as accounting needs it. It went
//! with Queens (2018); 9.0, of Pike, is the last that has it.
//! <https://docs.openstack.org/ceilometer/pike/webapi/v2.html>
//!
//! Samples come 100 at a time, silently and without a next page
//! (`[api]default_api_return_limit`), so they are never asked for: statistics
//! have no such limit, and one call has all servers of a project.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::filled::filled;
use super::{ApiError, Scope, Service, Session};
use caso_base::time::format_naive;

/// More than there are: without a limit, 100 are given and the rest is not
/// mentioned.
const NO_LIMIT: &str = "100000000";

/// Ceilometer, seen by one project.
#[derive(Clone)]
pub struct Ceilometer {
    session: Session,
    project: String,
}

/// The samples of one resource in one period. Times are UTC without a zone, and
/// those of an answer spelled alike.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Statistics {
    pub groupby: Group,
    /// Absent where there is none, in the samples of a meter that has no number.
    #[serde(default, deserialize_with = "filled")]
    pub max: Option<f64>,
    /// Of the first sample.
    pub duration_start: String,
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

    /// The samples of each resource of the project in `start..stop`, in one row,
    /// or in one for each period (in seconds) that has any.
    pub async fn statistics(
        &self,
        meter: &str,
        start: i64,
        stop: i64,
        period: Option<i64>,
    ) -> Result<Vec<Statistics>, ApiError> {
        let mut query = condition("project_id", "eq", self.project.clone());
        query.extend(condition("timestamp", "ge", format_naive(start)));
        query.extend(condition("timestamp", "lt", format_naive(stop)));
        query.push(("groupby", "resource_id".to_owned()));
        query.extend(period.map(|period| ("period", period.to_string())));
        let path = format!("/v2/meters/{meter}/statistics");
        self.session
            .get(&self.scope(), Service::Metering, &path, &query, None)
            .await
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    /// Answers of Ceilometer 9.0.7, as recorded.
    fn recorded(name: &str) -> (u16, Value) {
        let all: Value = serde_json::from_str(include_str!("testdata/ceilometer.json")).unwrap();
        let status = all[name]["status"].as_u64().unwrap();
        (u16::try_from(status).unwrap(), all[name]["answer"].clone())
    }

    fn cloud(name: &'static str) -> (Ceilometer, std::sync::Arc<Fake>) {
        let fake = Fake::new(move |request| {
            if request.url.path().ends_with("/auth/tokens") {
                return token(request, "t");
            }
            let (status, body) = recorded(name);
            // With `groupby` each row names its resource; the recorded one of
            // periods is of one server.
            let body = match body {
                Value::Array(mut rows) => {
                    for row in &mut rows {
                        if row.get("groupby") == Some(&Value::Null) {
                            row["groupby"] = json!({"resource_id": "s"});
                        }
                    }
                    Value::Array(rows)
                }
                other => other,
            };
            answer(status, &body)
        });
        let (session, _) = session(&fake);
        (Ceilometer::new(session, "p1"), fake)
    }

    #[tokio::test]
    async fn all_resources_of_a_meter_in_one_call() {
        let (ceilometer, fake) = cloud("statistics-groupby");
        let rows = ceilometer.statistics("cpu", 0, START, None).await.unwrap();
        assert_eq!(rows.len(), 6);
        assert_eq!(
            rows[1].groupby.resource_id,
            "40749b95-cd2b-5d59-a31f-343c6d5449d7"
        );
        assert_eq!(rows[1].max, Some(6_068_500_000_000.0));
        assert_eq!(rows[1].duration_start, "2026-10-15T00:02:17");
        let lines = fake.lines();
        assert_eq!(
            lines.last().unwrap(),
            "/v2/meters/cpu/statistics?q.field=project_id&q.op=eq&q.value=p1\
             &q.field=timestamp&q.op=ge&q.value=1970-01-01T00%3A00%3A00\
             &q.field=timestamp&q.op=lt&q.value=2026-11-21T17%3A20%3A00&groupby=resource_id"
        );
    }

    #[tokio::test]
    async fn periods_with_a_reset_among_them() {
        let (ceilometer, fake) = cloud("statistics-period");
        let rows = ceilometer
            .statistics("cpu", 0, START, Some(3600))
            .await
            .unwrap();
        let peaks: Vec<f64> = rows.iter().map(|row| row.max.unwrap() / 1e9).collect();
        assert_eq!(
            peaks,
            [47_768.5, 49_568.5, 51_368.5, 1_568.5, 3_368.5, 5_168.5]
        );
        assert!(fake.lines().last().unwrap().ends_with("&period=3600"));
    }

    #[tokio::test]
    async fn an_unknown_meter_is_empty_and_another_project_refused() {
        let (ceilometer, _) = cloud("unknown-meter");
        assert!(
            ceilometer
                .statistics("x", 0, START, None)
                .await
                .unwrap()
                .is_empty()
        );
        let (ceilometer, _) = cloud("other-project-reader");
        let refused = ceilometer
            .statistics("cpu", 0, START, None)
            .await
            .unwrap_err();
        assert!(refused.is_unauthorized(), "{refused}");
        assert!(
            refused
                .to_string()
                .contains("Not Authorized to access project"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn resources_without_the_limit_of_100() {
        let (ceilometer, fake) = cloud("resources");
        assert_eq!(ceilometer.resources().await.unwrap().len(), 2);
        assert!(
            fake.lines()
                .last()
                .unwrap()
                .contains("&limit=100000000&meter_links=0")
        );
    }
}
