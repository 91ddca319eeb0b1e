//! Sample usage for the unit tests: a window from 1,000 to 2,000 s, and resources in it.

use caso_component::types::{Attribute, Window};

use crate::usage::{Address, ComputeUsage, Context, Flavor, Image, Server, Tables, User, Volume};

/// A project of `vo.example.org`, reported from 1,000 to 2,000 s at 2,500 s.
pub fn context() -> Context {
    Context {
        site_name: "SITE".into(),
        service_name: "SITE-CLOUD".into(),
        cloud_type: "caso/test (OpenStack)".into(),
        cloud: "default".into(),
        region: None,
        project_id: "project".into(),
        project_name: None,
        vo: "vo.example.org".into(),
        window: Window {
            start: 1_000,
            end: 2_000,
        },
        now: 2_500,
        attributes: Vec::new(),
    }
}

/// Extra specs, or properties of an image.
pub fn specs(specs: &[(&str, &str)]) -> Vec<Attribute> {
    specs
        .iter()
        .map(|(name, value)| Attribute {
            name: (*name).into(),
            value: (*value).into(),
        })
        .collect()
}

/// 2 CPUs, 4 GiB, 40 + 10 GiB.
pub fn flavor(id: &str, extra: &[(&str, &str)]) -> Flavor {
    Flavor {
        id: id.into(),
        name: Some("m1.sample".into()),
        vcpus: Some(2),
        memory_mib: Some(4_096),
        root_gib: Some(40),
        ephemeral_gib: Some(10),
        extra_specs: Some(specs(extra)),
        attributes: Vec::new(),
    }
}

/// Flavor `1`, images `plain` and `listed`, user `u1` alice.
pub fn tables() -> Tables {
    let image = |id: &str, properties: &[(&str, &str)]| Image {
        id: id.into(),
        name: None,
        properties: specs(properties),
        attributes: Vec::new(),
    };
    Tables {
        flavors: vec![flavor("1", &[])],
        images: vec![
            image("plain", &[("os_distro", "debian")]),
            image(
                "listed",
                &[("vmcatcher_event_ad_mpuri", "https://appdb.example.org/1")],
            ),
        ],
        users: vec![User {
            id: "u1".into(),
            name: Some("alice".into()),
            attributes: Vec::new(),
        }],
    }
}

/// The same, with so many GPUs in flavor `1`.
pub fn tables_with_gpus(number: &str) -> Tables {
    let mut tables = tables();
    tables.flavors[0].extra_specs = Some(specs(&[
        ("Accelerator:Type", "GPU"),
        ("Accelerator:Vendor", "NVIDIA"),
        ("Accelerator:Model", "A100"),
        ("Accelerator:Number", number),
    ]));
    tables
}

/// Running since 500, launched at once.
pub fn server() -> Server {
    Server {
        id: "f03d90cc-9de7-5999-9b5d-6548f06c28cf".into(),
        name: Some("sample".into()),
        project_id: "project".into(),
        user_id: Some("u1".into()),
        status: Some("ACTIVE".into()),
        vm_state: None,
        task_state: None,
        created: Some(500),
        launched: Some(500),
        terminated: None,
        updated: None,
        image_id: None,
        flavor_id: Some("1".into()),
        embedded_flavor: None,
        addresses: Some(Vec::new()),
        compute_usage: None,
        counters: None,
        earlier_counters: None,
        sizes: Vec::new(),
        attributes: Vec::new(),
    }
}

/// 8 CPUs, 16 GiB, 80 GiB, running.
pub fn usage() -> ComputeUsage {
    ComputeUsage {
        started: Some(600),
        ended: None,
        vcpus: Some(8),
        memory_mib: Some(16_384),
        disk_gib: Some(80),
        state: Some("active".into()),
        flavor_name: Some("m1.sample".into()),
        attributes: Vec::new(),
    }
}

/// A server that only the usage API knows.
pub fn only_usage() -> Server {
    Server {
        name: Some("lost".into()),
        user_id: None,
        status: None,
        created: None,
        launched: None,
        flavor_id: None,
        addresses: None,
        compute_usage: Some(usage()),
        ..server()
    }
}

/// An IPv4 address of this kind.
pub fn address(kind: Option<&str>) -> Address {
    Address {
        value: "192.0.2.1".into(),
        version: Some(4),
        kind: kind.map(str::to_owned),
        network: "net".into(),
        attributes: Vec::new(),
    }
}

/// 100 GiB since 500.
pub fn volume() -> Volume {
    Volume {
        id: "1f480dc7-3405-5304-88e6-247ccefd34c8".into(),
        name: Some("data".into()),
        project_id: "project".into(),
        user_id: Some("u1".into()),
        status: Some("available".into()),
        volume_type: None,
        size_gib: Some(100),
        created: Some(500),
        updated: None,
        deleted: None,
        attachments: Vec::new(),
        attributes: Vec::new(),
    }
}
