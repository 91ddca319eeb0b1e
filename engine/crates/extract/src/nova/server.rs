//! A row of `servers/detail` as the facts of a server. Nothing is judged here.

use serde_json::Value;

use crate::ItemError;
use crate::fields::Row;
use caso_model::Attribute;
use caso_model::notice::Notices;
use caso_model::usage::{Address, Flavor, Server};

/// Reads a server as Nova shows it below microversion 2.47. Most fields may be
/// missing: older clouds and other policies leave them out. Of a record without image, addresses
/// or zone little is lost: one of them that cannot be read is missing, too, and named once a run.
pub fn read(row: &Row<'_>, project_id: &str, warnings: &Notices) -> Result<Server, ItemError> {
    if let Some(owner) = row.text("tenant_id")?
        && owner != project_id
    {
        return Err(row.error(format!(
            "belongs to project `{owner}`, not to `{project_id}`"
        )));
    }
    let odd = Odd(warnings);
    Ok(Server {
        id: row.id().to_owned(),
        name: row.text("name")?,
        project_id: project_id.to_owned(),
        // Of a row without an owner the APIs show an empty one.
        user_id: row.text("user_id")?.filter(|id| !id.is_empty()),
        status: row.text("status")?,
        vm_state: row.text("OS-EXT-STS:vm_state")?,
        task_state: row.text("OS-EXT-STS:task_state")?,
        created: row.time("created")?,
        launched: row.time("OS-SRV-USG:launched_at")?,
        terminated: row.time("OS-SRV-USG:terminated_at")?,
        updated: row.time("updated")?,
        image_id: odd.absent("image", row.reference("image")),
        flavor_id: row.reference("flavor")?,
        embedded_flavor: None,
        addresses: odd.absent("addresses", addresses(row)),
        compute_usage: None,
        counters: None,
        earlier_counters: None,
        sizes: Vec::new(),
        metadata: row.written_by_users("metadata"),
        tags: tags(row),
        attributes: odd
            .absent(ZONE, row.text(ZONE))
            .filter(|zone| !zone.is_empty())
            .map(|value| Attribute {
                name: ZONE.into(),
                value,
            })
            .into_iter()
            .collect(),
    })
}

/// Facts that a record can do without.
struct Odd<'a>(&'a Notices);

impl Odd<'_> {
    fn absent<T>(&self, field: &str, read: Result<Option<T>, ItemError>) -> Option<T> {
        read.unwrap_or_else(|error| {
            self.0.warn_once(&format!("server-{field}"), || {
                format!("{error}: it is reported without it, and so are others with such a value")
            });
            None
        })
    }
}

/// Nova's own name of it.
const ZONE: &str = "OS-EXT-AZ:availability_zone";

/// `tags`, from microversion 2.26 on. What users write costs nobody a record: tags that
/// are no list of texts are absent.
fn tags(row: &Row<'_>) -> Option<Vec<String>> {
    let tags = row.value("tags")?;
    let tags = tags.as_array()?.iter();
    tags.map(|tag| tag.as_str().map(str::to_owned)).collect()
}

fn addresses(row: &Row<'_>) -> Result<Option<Vec<Address>>, ItemError> {
    let Some(networks) = row.object("addresses")? else {
        return Ok(None);
    };
    let wrong =
        |network: &str| row.error(format!("`addresses` of network `{network}` cannot be read"));
    let mut found = Vec::new();
    for (network, list) in &networks {
        for entry in list.as_array().ok_or_else(|| wrong(network))? {
            let value = entry.get("addr").and_then(Value::as_str);
            found.push(Address {
                value: value.ok_or_else(|| wrong(network))?.to_owned(),
                version: entry
                    .get("version")
                    .and_then(Value::as_u64)
                    .and_then(|version| u8::try_from(version).ok()),
                kind: entry
                    .get("OS-EXT-IPS:type")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                network: network.clone(),
                attributes: Vec::new(),
            });
        }
    }
    Ok(Some(found))
}

/// The server's own copy of its flavor, as microversion 2.47 shows it. Absent
/// below, where the flavor has an id instead.
pub fn embedded_flavor(row: &Row<'_>) -> Result<Option<Flavor>, ItemError> {
    let Some(flavor) = row.inner("flavor")? else {
        return Ok(None);
    };
    if flavor.value("vcpus").is_none() {
        return Ok(None);
    }
    Ok(Some(Flavor {
        id: String::new(),
        name: flavor.text("original_name")?,
        vcpus: flavor.small_count("vcpus")?,
        memory_mib: flavor.count("ram")?,
        root_gib: flavor.count("disk")?,
        ephemeral_gib: flavor.count("ephemeral")?,
        extra_specs: flavor.attributes("extra_specs")?,
        attributes: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    fn read(row: &Row<'_>, project: &str) -> Result<Server, ItemError> {
        super::read(row, project, &Notices::default())
    }

    const ID: &str = "ffb9619d-ee92-5020-a1bb-2438c32364ba";

    fn row(fields: Value) -> Row<'static> {
        let mut all = json!({"id": ID});
        for (key, value) in fields.as_object().unwrap() {
            all[key] = value.clone();
        }
        // A row borrows its text, and a test is over before anybody misses this memory.
        let raw = RawValue::from_string(all.to_string()).unwrap();
        Row::parse("server", "id", Box::leak(raw)).unwrap()
    }

    #[test]
    fn what_nova_leaves_out_is_absent() {
        let server = read(
            &row(json!({"name": null, "image": "", "flavor": null})),
            "p",
        )
        .unwrap();
        assert_eq!(server.id, ID);
        assert_eq!(server.name, None);
        assert_eq!(server.image_id, None);
        assert_eq!(server.flavor_id, None);
        assert_eq!(server.addresses, None);
        assert_eq!(server.created, None);
        assert_eq!(server.project_id, "p");
    }

    #[test]
    fn what_users_write_is_apart_and_costs_nothing() {
        let fields = json!({
            "metadata": {"vo": "forged", "OS-EXT-AZ:availability_zone": "forged"},
            "tags": ["cost-centre-7"], "OS-EXT-AZ:availability_zone": "az1"});
        let server = read(&row(fields), "p").unwrap();
        let metadata = server.metadata.unwrap();
        let names: Vec<&str> = metadata.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["OS-EXT-AZ:availability_zone", "vo"]);
        assert_eq!(server.tags.unwrap(), ["cost-centre-7"]);
        let [zone] = &server.attributes[..] else {
            panic!("{:?}", server.attributes);
        };
        assert_eq!((zone.name.as_str(), zone.value.as_str()), (ZONE, "az1"));
        for odd in [json!(null), json!("x"), json!([1])] {
            let server = read(&row(json!({"metadata": odd, "tags": odd})), "p").unwrap();
            assert_eq!((server.metadata, server.tags), (None, None));
        }
    }

    #[test]
    fn addresses_without_a_kind_are_kept() {
        let server = read(
            &row(json!({"addresses": {"net": [
                {"addr": "10.0.0.1", "version": 4},
                {"addr": "2001:db8::1", "version": 6, "OS-EXT-IPS:type": "floating"}]}})),
            "p",
        )
        .unwrap();
        let addresses = server.addresses.unwrap();
        assert_eq!(addresses.len(), 2);
        assert_eq!(addresses[0].kind, None);
        assert_eq!(addresses[1].kind.as_deref(), Some("floating"));
        assert_eq!(addresses[1].version, Some(6));
    }

    #[test]
    fn a_server_of_another_project_is_refused_by_name() {
        let error = read(&row(json!({"tenant_id": "q"})), "p").unwrap_err();
        assert_eq!(error.id, ID);
        assert!(error.reason.contains("`q`"), "{error}");
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (fields, field) in [
            (json!({"created": "soon"}), "`created`"),
            (json!({"flavor": 3}), "`flavor`"),
            (json!({"updated": 7}), "`updated`"),
            (json!({"status": []}), "`status`"),
        ] {
            let error = read(&row(fields), "p").unwrap_err();
            assert!(error.reason.contains(field), "{error}");
        }
    }

    #[test]
    fn a_fact_that_a_record_can_do_without_is_absent_and_named_once() {
        let warnings = Notices::default();
        for fields in [
            json!({"image": ID}),
            json!({"image": {"id": []}}),
            json!({"addresses": {"net": null}}),
            json!({"addresses": {"net": [{}]}}),
            json!({"addresses": []}),
            json!({ZONE: 3}),
        ] {
            let server = super::read(&row(fields.clone()), "p", &warnings).unwrap();
            assert_eq!(
                (server.image_id, server.addresses),
                (None, None),
                "{fields}"
            );
            assert_eq!(server.attributes, []);
        }
        let said: Vec<String> = warnings.take().into_iter().map(|it| it.text).collect();
        assert_eq!(said.len(), 3, "{said:#?}");
        for (text, field) in said.iter().zip(["`image`", "`addresses`", ZONE]) {
            assert!(text.contains(ID) && text.contains(field), "{text}");
        }
    }

    #[test]
    fn the_embedded_copy_has_no_id() {
        let copy = embedded_flavor(&row(json!({"flavor": {
            "vcpus": 2, "ram": 4096, "disk": 40, "ephemeral": 10, "swap": 0,
            "original_name": "m1.medium", "extra_specs": {"a": "b"}}})))
        .unwrap()
        .unwrap();
        assert_eq!(copy.id, "");
        assert_eq!(copy.memory_mib, Some(4096));
        assert_eq!(copy.extra_specs.unwrap().len(), 1);
        let old = embedded_flavor(&row(json!({"flavor": {"id": "1", "links": []}})));
        assert_eq!(old, Ok(None));
    }
}
