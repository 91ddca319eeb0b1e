//! The text of the contract beside the text of 1.0.0.
//!
//! `wasm-tools component semver-check` calls an addition compatible that is none: a
//! function more in an interface that a world of 1.0 imports, or an import more in such
//! a world, keeps the components of many toolchains off older hosts, for these import
//! all of their world. So the comparison is our own: whatever a world of 1.0 reaches
//! is what it was, but for its documentation.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use caso_model::Quantity;
use caso_model::record::*;
use wit_parser::{
    Function, InterfaceId, PackageId, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey,
};

use super::frozen;
use caso_tests::build::workspace;

/// Two records of each type, and how the frozen messenger writes them.
pub fn one_of_each() -> [(&'static str, RecordList<'static>, [&'static str; 2]); 6] {
    let head = |id: &str| Head {
        id: id.to_owned(),
        supersedes: id.to_owned(),
        measured_at: 0,
        attributes: Vec::new(),
    };
    let cloud = |id: &str, cpus| CloudRecord {
        head: head(id),
        vm_uuid: "vm".to_owned(),
        cpu_count: cpus,
        ..CloudRecord::default()
    };
    let ip = |id: &str, version, count| IpRecord {
        head: head(id),
        ip_version: version,
        ip_count: count,
        ..IpRecord::default()
    };
    let accelerator = |id: &str, count| AcceleratorRecord {
        head: head(id),
        count,
        accelerator_type: "GPU".to_owned(),
        ..AcceleratorRecord::default()
    };
    let storage = |id: &str, bytes| StorageRecord {
        head: head(id),
        resource_id: "v".to_owned(),
        capacity_bytes: bytes,
        ..StorageRecord::default()
    };
    let energy = |id: &str, watt_hours| EnergyRecord {
        head: head(id),
        exec_unit_id: "vm".to_owned(),
        watt_hours,
        ..EnergyRecord::default()
    };
    let other = |id: &str, quantities: &[(&str, f64)]| OtherRecord {
        head: head(id),
        kind: "object-storage".to_owned(),
        quantities: quantities
            .iter()
            .map(|(name, value)| Quantity {
                name: (*name).to_owned(),
                value: *value,
            })
            .collect(),
        ..OtherRecord::default()
    };
    [
        (
            "cloud",
            vec![cloud("a", Some(0.5)), cloud("b\u{f3}b", None)].into(),
            ["a vm Some(0.5)", "b\u{f3}b vm None"],
        ),
        (
            "ip",
            vec![ip("a", 4, 2), ip("b", 6, u32::MAX)].into(),
            ["a 2 v4", "b 4294967295 v6"],
        ),
        (
            "accelerator",
            vec![accelerator("a", 0.25), accelerator("b", 2.0)].into(),
            ["a 0.25 GPU", "b 2 GPU"],
        ),
        (
            "storage",
            vec![storage("a", 0), storage("b", u64::MAX)].into(),
            ["a v 0", "b v 18446744073709551615"],
        ),
        (
            "energy",
            vec![energy("a", 0.1), energy("b", 1e9)].into(),
            ["a vm 0.1", "b vm 1000000000"],
        ),
        (
            "object-storage",
            vec![
                other("a", &[]),
                other("b", &[("requests", 3.0), ("carbon-grams", 0.5)]),
            ]
            .into(),
            [
                "a object-storage ",
                "b object-storage requests=3,carbon-grams=0.5",
            ],
        ),
    ]
}

/// A contract, as text that two versions of it can be compared by.
struct Contract {
    resolve: Resolve,
    package: PackageId,
}

impl Contract {
    fn read(folder: &Path) -> Self {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(folder).unwrap();
        Self { resolve, package }
    }

    /// A copy of 1.0.0 with this change to the text of one of its files.
    fn changed(file: &str, change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(frozen().join("wit-1.0.0")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        let path = folder.path().join(file);
        let before = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| "package caso:accounting@1.0.0;\n".to_owned());
        let after = change(before.clone());
        assert_ne!(before, after);
        std::fs::write(&path, after).unwrap();
        Self::read(folder.path())
    }

    fn major_and_minor(&self) -> (u64, u64) {
        let name = &self.resolve.packages[self.package].name;
        let version = name.version.as_ref().unwrap();
        (version.major, version.minor)
    }

    /// Each world and each interface, by name, without documentation.
    fn items(&self) -> BTreeMap<String, String> {
        let package = &self.resolve.packages[self.package];
        let worlds = package.worlds.iter().map(|(name, id)| {
            let world = &self.resolve.worlds[*id];
            let mut text = String::new();
            for (way, items) in [("import", &world.imports), ("export", &world.exports)] {
                for (key, item) in items {
                    let _ = writeln!(text, "{way} {}", self.world_item(key, item));
                }
            }
            (format!("world {name}"), text)
        });
        let interfaces = package
            .interfaces
            .iter()
            .map(|(name, id)| (format!("interface {name}"), self.interface(*id)));
        worlds.chain(interfaces).collect()
    }

    fn world_item(&self, key: &WorldKey, item: &WorldItem) -> String {
        let key = match key {
            WorldKey::Name(name) => name.clone(),
            WorldKey::Interface(id) => self.name_of(*id),
        };
        match item {
            WorldItem::Interface { id, .. } => format!("{key}: {}", self.name_of(*id)),
            WorldItem::Function(function) => format!("{key}: {}", self.function(function)),
            WorldItem::Type { id, .. } => format!("{key}: {}", self.type_def(*id)),
        }
    }

    /// Without the version: that of a patch differs.
    fn name_of(&self, id: InterfaceId) -> String {
        let interface = &self.resolve.interfaces[id];
        let package = interface.package.map(|package| {
            let name = &self.resolve.packages[package].name;
            format!("{}:{}/", name.namespace, name.name)
        });
        package.unwrap_or_default() + interface.name.as_deref().unwrap_or_default()
    }

    fn interface(&self, id: InterfaceId) -> String {
        let interface = &self.resolve.interfaces[id];
        let mut text = String::new();
        for (name, id) in &interface.types {
            let _ = writeln!(text, "type {name} = {}", self.type_def(*id));
        }
        for (name, function) in &interface.functions {
            let _ = writeln!(text, "{name}: {}", self.function(function));
        }
        text
    }

    fn function(&self, function: &Function) -> String {
        let params = function.params.iter();
        let params = params.map(|param| format!("{}: {}", param.name, self.ty(&param.ty)));
        let params: Vec<String> = params.collect();
        let result = function.result.as_ref().map(|ty| self.ty(ty));
        format!(
            "{:?} ({}) -> {}",
            function.kind,
            params.join(", "),
            result.unwrap_or_default()
        )
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => self.named(*id),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    /// A type by its name and home, or, without a name, by what it is.
    fn named(&self, id: TypeId) -> String {
        match &self.resolve.types[id].name {
            Some(name) => format!("{}.{name}", self.home(id)),
            None => self.type_def(id),
        }
    }

    fn home(&self, id: TypeId) -> String {
        match self.resolve.types[id].owner {
            wit_parser::TypeOwner::Interface(id) => self.name_of(id),
            wit_parser::TypeOwner::World(id) => self.resolve.worlds[id].name.clone(),
            wit_parser::TypeOwner::None => String::new(),
        }
    }

    fn type_def(&self, id: TypeId) -> String {
        let maybe = |ty: &Option<Type>| ty.as_ref().map(|ty| self.ty(ty)).unwrap_or_default();
        match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| format!("{}: {}", field.name, self.ty(&field.ty)));
                format!("record {{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                let cases = cases.map(|case| format!("{}({})", case.name, maybe(&case.ty)));
                format!("variant {{ {} }}", cases.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Enum(words) => {
                let words: Vec<&str> = words.cases.iter().map(|case| case.name.as_str()).collect();
                format!("enum {{ {} }}", words.join(", "))
            }
            TypeDefKind::Option(ty) => format!("option<{}>", self.ty(ty)),
            TypeDefKind::List(ty) => format!("list<{}>", self.ty(ty)),
            TypeDefKind::Result(result) => {
                format!("result<{}, {}>", maybe(&result.ok), maybe(&result.err))
            }
            TypeDefKind::Type(ty) => self.ty(ty),
            // The contract has no others.
            other => format!("{other:?}"),
        }
    }
}

/// What of 1.0.0 is not in this contract, or is another thing there.
fn differences(contract: &Contract) -> Vec<String> {
    let items = contract.items();
    let then = Contract::read(&frozen().join("wit-1.0.0")).items();
    then.iter()
        .filter(|(name, text)| items.get(*name) != Some(text))
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn the_contract_of_1_0_has_not_changed() {
    let now = Contract::read(&workspace().join("wit"));
    assert_eq!(
        now.major_and_minor().0,
        1,
        "a version 2 is a folder of its own"
    );
    assert_eq!(differences(&now), [""; 0]);
    // As long as it is 1.0, there is nothing besides, and the texts are the same too.
    if now.major_and_minor() == (1, 0) {
        let then = Contract::read(&frozen().join("wit-1.0.0"));
        assert_eq!(now.items(), then.items());
    }
}

#[test]
fn whatever_changes_in_it_is_noticed() {
    let replace = |from: &'static str, to: &'static str| {
        move |text: String| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        }
    };
    // What semver-check calls compatible.
    let more = Contract::changed(
        "queue.wit",
        replace(
            "put: func",
            "put-many: func(name: string, messages: list<list<u8>>);\n    put: func",
        ),
    );
    assert_eq!(differences(&more), ["interface queue"]);
    let import = Contract::changed(
        "worlds.wit",
        replace(
            "    import connection;\n",
            "    import connection;\n    import records;\n    import outcomes;\n",
        ),
    );
    assert_eq!(differences(&import), ["world messenger"]);
    for (file, from, to, difference) in [
        (
            "records.wit",
            "measured-at: s64,",
            "measured-at: s64, more: u8,",
            "interface records",
        ),
        ("types.wit", "value: f64,", "value: f32,", "interface types"),
        (
            "deliveries.wit",
            "        too-large,\n",
            "        too-large, too-small,\n",
            "interface deliveries",
        ),
        (
            "mapping.wit",
            "items: list<usage-item>",
            "usage: list<usage-item>",
            "interface mapping",
        ),
        (
            "log.wit",
            "        error,\n",
            "        fatal,\n",
            "interface log",
        ),
        (
            "delivery.wit",
            "deliver: func(batch: batch) -> answer",
            "deliver: func(batch: batch) -> option<answer>",
            "interface delivery",
        ),
    ] {
        let changed = Contract::changed(file, replace(from, to));
        assert_eq!(differences(&changed), [difference], "{file}");
    }
}

#[test]
fn what_stands_beside_it_may_come() {
    let beside = Contract::changed("http.wit", |text| {
        text + "interface http { use types.{attribute}; get: func(url: string) -> list<attribute>; }
                world messenger-http { include messenger; import http; }"
    });
    assert_eq!(differences(&beside), [""; 0]);
    let words = Contract::changed("log.wit", |text| {
        text.replace("/// Writes one line.", "/// Writes a line.")
    });
    assert_eq!(differences(&words), [""; 0]);
    let patch = Contract::read(&frozen().join("wit-1.0.0"));
    assert_eq!(differences(&patch), [""; 0]);
}

/// Filters, extractors and deliveries that may wait are planned (`later.wit`). They use
/// the types of 1.0; a type that lived beside a function would have a world of theirs
/// import that function, which no host could offer.
#[test]
fn what_is_planned_imports_no_duty_of_1_0() {
    let planned = std::fs::read_to_string(frozen().join("later.wit")).unwrap();
    let Contract { resolve, package } = Contract::changed("later.wit", |_| planned);
    let worlds = &resolve.packages[package].worlds;
    for name in ["extractor", "filter", "messenger-waiting"] {
        assert!(worlds.contains_key(name), "{name}");
    }
    for world in worlds.values() {
        let world = &resolve.worlds[*world];
        for item in world.imports.values() {
            let WorldItem::Interface { id, .. } = item else {
                panic!("{item:?}");
            };
            let interface = &resolve.interfaces[*id];
            let name = interface.name.as_deref().unwrap();
            let is_a_capability = ["log", "queue", "connection", "api"].contains(&name);
            assert!(
                is_a_capability || interface.functions.is_empty(),
                "world `{}` imports `{name}`",
                world.name
            );
        }
    }
}
