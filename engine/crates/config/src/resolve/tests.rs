use std::sync::Arc;

use super::*;
use crate::ini;
use crate::sources::SourceFile;
use crate::table::{general, keystone};
use crate::tests::told;

fn sources(text: &str) -> Sources {
    Sources {
        files: vec![SourceFile {
            path: Arc::new("f".into()),
            ini: ini::parse(text).unwrap(),
        }],
        ..Sources::default()
    }
}

fn text(sources: &Sources, row: &Entry) -> Result<String, String> {
    match Resolver::new(sources).resolve(&Slot::of(row)) {
        Ok(resolved) => Ok(resolved.unwrap().text),
        Err(error) => Err(told(&error)),
    }
}

#[test]
fn defaults_refer_to_what_is_set() {
    let set = sources("[DEFAULT]\nsite_name = FOO\nspooldir = /s/$site_name\n");
    assert_eq!(text(&set, &general::SERVICE_NAME), Ok("FOO".into()));
    assert_eq!(text(&set, &general::LOCK_PATH), Ok("/s/FOO".into()));
}

#[test]
fn the_lock_path_has_a_variable() {
    let mut set = sources("");
    set.environment
        .insert("CASO_LOCK_PATH".into(), "$spooldir/lock".into());
    assert_eq!(
        text(&set, &general::LOCK_PATH),
        Ok("/var/spool/caso/lock".into())
    );
}

#[test]
fn an_unknown_name_teaches_the_double_dollar() {
    let set = sources("[DEFAULT]\nsite_name = wo$rd\nspooldir = /x/$site_name.d\n");
    assert_eq!(
        text(&set, &general::SITE_NAME),
        Err("`f:2`: `[DEFAULT] site_name`: `$rd` is not an option; write `$$` for a dollar".into())
    );
    let error = text(&set, &general::SPOOLDIR).unwrap_err();
    assert!(
        error.contains("write `${site_name}` where a dot follows"),
        "{error}"
    );
}

#[test]
fn a_secret_is_not_quoted() {
    let set = sources("[keystone_auth]\npassword = wo$rd\n");
    let error = text(&set, &keystone::PASSWORD).unwrap_err();
    assert!(
        error.contains("write `$$`") && !error.contains("$rd"),
        "{error}"
    );
}

#[test]
fn a_circle_is_reported() {
    let set = sources("[DEFAULT]\nsite_name = $service_name\nservice_name = $site_name\n");
    assert!(
        text(&set, &general::SITE_NAME)
            .unwrap_err()
            .contains("refers to itself")
    );
}

#[test]
fn what_refers_to_a_secret_is_one() {
    let set = sources(
        "[DEFAULT]\ncloud_type = ${keystone_auth.password}\n[keystone_auth]\npassword = x\n",
    );
    let resolved = Resolver::new(&set).resolve(&Slot::of(&general::CLOUD_TYPE));
    assert!(resolved.unwrap().unwrap().secret);
}

#[test]
fn components_options_can_be_referred_to() {
    let set = sources("[DEFAULT]\nspooldir = ${ssm.output_path}/x\n[ssm]\noutput_path = /o\n");
    assert_eq!(text(&set, &general::SPOOLDIR), Ok("/o/x".into()));
}
