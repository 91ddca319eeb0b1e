//! With what a component was built, as its file says.

use std::collections::BTreeMap;

use wasmparser::{Parser, Payload, ProducersSectionReader};

use caso_base::line::short_line;

/// Bytes of a name or a version that are shown.
const WORD: usize = 60;
/// Tools that are shown of one file.
const MOST: usize = 20;

/// A tool or a language, by its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// As in `wit-component` or `Rust`; fit to be shown.
    pub name: String,
    /// As in `0.254.2`; may be empty.
    pub version: String,
}

/// The languages and tools that the sections `producers` of a component and of what is in
/// it name, sorted, each once. Whoever made the file wrote them: they prove nothing.
#[must_use]
pub fn producers(component: &[u8]) -> Vec<Tool> {
    let mut found = BTreeMap::new();
    for payload in Parser::new(0).parse_all(component) {
        // What is broken from here on says nothing any more.
        let Ok(payload) = payload else { break };
        if let Payload::CustomSection(section) = payload
            && section.name() == "producers"
        {
            read(section.data(), section.data_offset(), &mut found);
        }
        if found.len() >= MOST {
            break;
        }
    }
    let tools = found.into_iter().take(MOST);
    tools
        .map(|(name, version)| Tool { name, version })
        .collect()
}

/// A field that cannot be read ends its section.
fn read(data: &[u8], offset: usize, found: &mut BTreeMap<String, String>) {
    let reader = wasmparser::BinaryReader::new(data, offset);
    let Ok(fields) = ProducersSectionReader::new(reader) else {
        return;
    };
    for field in fields {
        let Ok(field) = field else { return };
        if !matches!(field.name, "language" | "processed-by") {
            continue;
        }
        for value in field.values {
            let Ok(value) = value else { return };
            if found.len() < MOST {
                // Behind the number stand a commit and a date, or more.
                let number = value.version.split(" (").next().unwrap_or_default();
                let whole = value.version.len() <= WORD;
                let version = short_line(if whole { value.version } else { number }, WORD);
                found.entry(short_line(value.name, WORD)).or_insert(version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with one custom section and nothing else.
    fn component(name: &str, data: &[u8]) -> Vec<u8> {
        let mut section = vec![u8::try_from(name.len()).unwrap()];
        section.extend(name.as_bytes());
        section.extend(data);
        let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
        bytes.push(u8::try_from(section.len()).unwrap());
        bytes.extend(section);
        bytes
    }

    #[test]
    fn languages_and_tools_are_named_fit_to_be_shown() {
        let data = b"\x02\x08language\x01\x04Rust\x00\x0cprocessed-by\x01\x02\x1ba\x031.0";
        let tool = |name: &str, version: &str| Tool {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        assert_eq!(
            producers(&component("producers", data)),
            [tool("Rust", ""), tool("a", "1.0")]
        );
        assert_eq!(producers(&component("other", data)), []);
        assert_eq!(producers(b"no component"), []);
    }

    #[test]
    fn a_broken_section_says_what_can_be_read() {
        let data = b"\x02\x08language\x01\x04Rust\x00\x0cprocessed-by\x09\x02a";
        assert_eq!(producers(&component("producers", data)).len(), 1);
    }
}
