//! What is remembered of a project's volumes as bytes: JSON, with a checksum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use caso_base::digest::sha256_hex;

use super::{Came, Volumes};

const FORMAT: u32 = 1;

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VolumesError {
    /// A newer cASO wrote it.
    #[error("a newer cASO wrote it (format {format})")]
    Newer {
        /// The format that it names.
        format: u32,
    },
    /// It is not what was written.
    #[error("it is damaged ({0})")]
    Damaged(String),
}

#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Form {
    format: u32,
    /// Id of the project.
    project: String,
    held: Vec<String>,
    /// From when on, and where that window began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    came: BTreeMap<String, (i64, i64)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gone: BTreeMap<String, i64>,
    /// SHA-256 of the JSON with this empty, in hex.
    #[serde(default)]
    sha256: String,
}

impl Volumes {
    /// As bytes, of a project with this id.
    ///
    /// # Errors
    /// None that anybody knows of.
    pub fn write(&self, project: &str) -> serde_json::Result<Vec<u8>> {
        let mut form = Form {
            format: FORMAT,
            project: project.to_owned(),
            held: self.held.iter().map(Uuid::to_string).collect(),
            came: self
                .came
                .iter()
                .map(|(id, it)| (id.to_string(), (it.from, it.window)))
                .collect(),
            gone: self
                .gone
                .iter()
                .map(|(id, until)| (id.to_string(), *until))
                .collect(),
            sha256: String::new(),
        };
        form.sha256 = sha256_hex(&serde_json::to_vec(&form)?);
        serde_json::to_vec(&form)
    }

    /// The project's id, and what is remembered of it.
    ///
    /// # Errors
    /// It was not written so, or by a newer version.
    pub fn read(bytes: &[u8]) -> Result<(String, Volumes), VolumesError> {
        let damaged = |error: serde_json::Error| VolumesError::Damaged(error.to_string());
        let OnlyFormat { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(VolumesError::Newer { format });
        }
        let mut form: Form = serde_json::from_slice(bytes).map_err(damaged)?;
        let written = std::mem::take(&mut form.sha256);
        if sha256_hex(&serde_json::to_vec(&form).map_err(damaged)?) != written {
            return Err(VolumesError::Damaged("its checksum differs".to_owned()));
        }
        let id = |text: &str| {
            let parsed = text.parse::<Uuid>();
            parsed.map_err(|_| VolumesError::Damaged(format!("`{text}` is no id of a volume")))
        };
        let mut volumes = Volumes::default();
        for text in &form.held {
            volumes.held.insert(id(text)?);
        }
        for (text, (from, window)) in form.came {
            volumes.came.insert(id(&text)?, Came { from, window });
        }
        for (text, until) in form.gone {
            volumes.gone.insert(id(&text)?, until);
        }
        Ok((form.project, volumes))
    }
}
