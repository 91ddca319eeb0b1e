//! Projects of a cloud, or a region, whose name in the configuration is another one than it was.
//!
//! Cursors are by name. From the beginning, what adds up would count twice, and going on where the other
//! was would skip what a cloud of its own has used: somebody has to say which it is.

use std::collections::BTreeMap;

use caso_base::Message;
use caso_base::time::format_utc;
use caso_config::CloudConfig;
use caso_extract::ProjectRef;
use caso_state::{Cursors, Former, Place};

use crate::run::summary::words::{count, len};

/// Of one cloud.
pub struct Renamed {
    here: Vec<Place>,
    /// By the former name: up to where, of each project.
    found: BTreeMap<Place, Vec<i64>>,
}

impl Renamed {
    /// None found yet.
    pub fn of(cloud: &CloudConfig) -> Self {
        let region = |region| Place {
            cloud: cloud.name.clone(),
            region,
        };
        Renamed {
            here: cloud.regions().into_iter().map(region).collect(),
            found: BTreeMap::new(),
        }
    }

    /// Whether a project must wait until somebody has said so. One whose cursors cannot be read says
    /// that itself.
    pub fn refuses(&mut self, cursors: &Cursors, project: &ProjectRef) -> bool {
        let name = project.configured.as_deref();
        let Ok(Some(Former { place, until })) = cursors.former(&project.id, name, &self.here)
        else {
            return false;
        };
        self.found.entry(place).or_default().push(until);
        true
    }

    /// One for each former name.
    pub fn messages(self) -> Vec<Message> {
        let here = self.here.first().map(Place::to_string).unwrap_or_default();
        let told = |(was, untils): (Place, Vec<i64>)| {
            let until = untils.iter().max().copied().unwrap_or_default();
            let number = len(&untils);
            let text = format!(
                "{} extracted as `{was}`, up to {}, which the configuration does not name any more; \
                 from the beginning their storage and energy would be counted twice",
                match number {
                    1 => "1 project was".to_owned(),
                    number => format!("{} were", count(number, "project", "projects")),
                },
                format_utc(until),
            );
            // Done first, a rename would be to a region that is not there.
            let misspelt = match self.here.iter().any(|place| place.region.is_some()) {
                true => {
                    "where `region_name` is misspelt, correct it (`openstack region list`); else "
                }
                false => "",
            };
            let hint = format!(
                "{misspelt}caso cursor rename {was} {here}, if it is the same cloud and region under another name; \
                 caso cursor forget --cloud {was}, if it is another one, which is extracted from the beginning then"
            );
            Message::from((text, hint))
        };
        self.found.into_iter().map(told).collect()
    }
}
