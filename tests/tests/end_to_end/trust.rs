//! Logstash behind TLS of a site's own authority, trusted as Keystone is.

use std::fs;
use std::os::unix::fs::symlink;

use caso_stand_in::{Certificate, Cloud, Plan};
use caso_tests::logstash::Logstash;
use caso_tests::site::Site;

use crate::clouds::project;

fn site(certificate: &Certificate) -> (Cloud, Logstash, Site) {
    let cloud = Cloud::start(Plan {
        projects: vec![project(0)],
        ..Plan::default()
    });
    let logstash = Logstash::start_tls(certificate.server(None));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "messengers", "logstash")
        .set("logstash", "port", &logstash.port().to_string())
        .set("logstash", "tls", "true");
    (cloud, logstash, site)
}

#[test]
fn by_the_variable_of_requests() {
    let certificate = Certificate::for_loopback();
    let (_cloud, logstash, mut site) = site(&certificate);
    let bundle = site.path().join("authority.pem");
    fs::write(&bundle, &certificate.pem).unwrap();
    site.variable("REQUESTS_CA_BUNDLE", &bundle.display().to_string());
    site.extract_october().expect(0);
    // Ten servers, two of them with accelerators.
    assert_eq!(logstash.lines().len(), 12);
}

/// As `/etc/grid-security/certificates` is: beside the certificates lie policies, descriptions
/// and what fetch-crl makes.
#[test]
fn by_a_folder_of_authorities() {
    let certificate = Certificate::for_loopback();
    let (_cloud, logstash, mut site) = site(&certificate);
    let folder = site.path().join("authorities");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("Example-CA.pem"), &certificate.pem).unwrap();
    symlink("Example-CA.pem", folder.join("9f2c3d41.0")).unwrap();
    for (name, text) in [
        (
            "9f2c3d41.signing_policy",
            "access_id_CA X509 '/C=EU/CN=CA'\n",
        ),
        ("9f2c3d41.namespaces", "TO Issuer \"/C=EU/CN=CA\" PERMIT\n"),
        ("9f2c3d41.r0", "-----BEGIN X509 CRL-----\nMIIB\n"),
        ("Example-CA.info", "alias = Example-CA\n"),
        ("Example-CA.crl_url", "http://ca.example.org/ca.crl\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    symlink("gone.pem", folder.join("00000000.0")).unwrap();
    site.set("logstash", "cafile", &folder.display().to_string());
    site.extract_october().expect(0);
    // Ten servers, two of them with accelerators.
    assert_eq!(logstash.lines().len(), 12);
}
