//! What servers are made of: flavors and images.

use std::collections::BTreeMap;

use crate::ids;

#[derive(Clone, Debug)]
pub struct Flavor {
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    pub ram_mib: u32,
    pub disk_gib: u32,
    pub ephemeral_gib: u32,
    pub extra_specs: BTreeMap<String, String>,
    /// The projects a private flavor is open to; a public one has `None`.
    pub only_for: Option<Vec<String>>,
}

impl Flavor {
    pub(super) fn four() -> Vec<Flavor> {
        let specs = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect()
        };
        let benchmark = [
            ("accounting:benchmark_type", "HEPscore23"),
            ("accounting:benchmark_value", "15.7"),
        ];
        let accelerator = [
            ("Accelerator:Type", "GPU"),
            ("Accelerator:Vendor", "NVIDIA"),
            ("Accelerator:Model", "A100"),
            ("Accelerator:Number", "2"),
        ];
        let flavor = |n: usize, name: &str, vcpus, ram_mib, disk_gib, extra_specs| Flavor {
            id: ids::flavor_id(n),
            name: name.into(),
            vcpus,
            ram_mib,
            disk_gib,
            ephemeral_gib: 0,
            extra_specs,
            only_for: None,
        };
        vec![
            flavor(0, "m1.small", 1, 2048, 20, specs(&benchmark)),
            flavor(1, "m1.medium", 2, 4096, 40, specs(&[])),
            flavor(2, "m1.large", 4, 8192, 80, specs(&benchmark)),
            flavor(
                3,
                "g1.large",
                8,
                32768,
                100,
                specs(
                    &[
                        benchmark,
                        [accelerator[0], accelerator[1]],
                        [accelerator[2], accelerator[3]],
                    ]
                    .concat(),
                ),
            ),
        ]
    }
}

#[derive(Clone, Debug)]
pub struct Image {
    pub id: String,
    pub name: String,
    pub properties: BTreeMap<String, String>,
    /// `public`, `community`: the list shows the latter only where it is asked for.
    pub visibility: String,
    /// Left out of every list that does not ask for hidden ones.
    pub hidden: bool,
}

impl Image {
    pub fn numbered(n: usize) -> Self {
        Image {
            id: ids::image_id(n),
            name: format!("image-{n}"),
            properties: BTreeMap::new(),
            visibility: "public".into(),
            hidden: false,
        }
    }
}
