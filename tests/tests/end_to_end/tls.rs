//! TLS with an authority of the site's own.

use caso_stand_in::{Certificate, Cloud, Plan};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, project};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

fn cloud() -> (Certificate, Cloud, Site) {
    let certificate = Certificate::for_loopback();
    let plan = Plan {
        projects: vec![project(0)],
        ..Plan::default()
    };
    let cloud = Cloud::start_tls(plan, &certificate);
    let site = Site::at(&cloud);
    std::fs::write(site.path().join("authority.pem"), &certificate.pem).unwrap();
    (certificate, cloud, site)
}

#[test]
fn an_unknown_issuer_says_set_cafile() {
    let (_, _cloud, site) = cloud();
    site.extract(&WINDOW).expect(1).says("cafile");
    assert!(site.messages().is_empty());
}

#[test]
fn cafile_names_the_authority() {
    let (_, _cloud, mut site) = cloud();
    let file = site.path().join("authority.pem").display().to_string();
    site.set("keystone_auth", "cafile", &file);
    site.extract(&WINDOW).expect(0);
    assert_eq!(site.cloud_records().len(), 10);
}

/// Not "set `cafile`", which is set.
#[test]
fn a_cafile_of_another_authority_is_named() {
    let (_, _cloud, mut site) = cloud();
    let other = site.path().join("other.pem");
    std::fs::write(&other, &Certificate::for_loopback().pem).unwrap();
    let file = other.display().to_string();
    site.set("keystone_auth", "cafile", &file);
    site.extract(&WINDOW)
        .expect(1)
        .says(&format!(
            "nothing in `{file}` (`cafile`) signed its certificate"
        ))
        .says(&format!("hint: add to `{file}` (`cafile`) the certificate"))
        .says("openssl s_client -connect 127.0.0.1:")
        .never_says("does not know")
        .never_says("`auth_url`")
        .never_says("set `cafile`");
}

/// A variable of the machine may not be the site's to change; `cafile` goes before it.
#[test]
fn a_variable_that_names_another_authority_is_named_with_cafile_as_the_way_out() {
    let (_, _cloud, mut site) = cloud();
    let other = site.path().join("other.pem");
    std::fs::write(&other, &Certificate::for_loopback().pem).unwrap();
    let file = other.display().to_string();
    site.variable("REQUESTS_CA_BUNDLE", &file);
    site.extract(&WINDOW)
        .expect(1)
        .says(&format!(
            "nothing in `{file}` (`REQUESTS_CA_BUNDLE`) signed its certificate"
        ))
        .says("set `cafile` in `[keystone_auth]`");
}

/// As Python did: requests' variable, and OpenSSL's.
#[test]
fn variables_name_the_authority_too() {
    for variable in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let (_, _cloud, mut site) = cloud();
        let file = site.path().join("authority.pem").display().to_string();
        site.variable(variable, &file);
        site.extract(&WINDOW).expect(0);
        assert_eq!(site.cloud_records().len(), 10, "{variable}");
    }
}

#[test]
fn insecure_works_and_warns() {
    let (_, _cloud, mut site) = cloud();
    site.set("keystone_auth", "insecure", "true");
    site.extract(&WINDOW).expect(0).says("insecure");
    assert_eq!(site.cloud_records().len(), 10);
}
