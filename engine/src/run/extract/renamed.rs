//! Projects of a cloud, or a region, whose name in the configuration is another one than it was.
//!
//! Cursors are by name. From the beginning, what adds up would count twice, and going on where the other
//! was would skip what a cloud of its own has used: somebody has to say which it is.

use std::collections::BTreeMap;

use caso_base::Message;
use caso_base::shell_word as word;
use caso_base::time::format_utc;
use caso_config::CloudConfig;
use caso_extract::ProjectRef;
use caso_state::{Cursors, Former, Here, NameNow, Place};

use crate::run::summary::words::{count, len};

/// Of one cloud.
pub struct Renamed {
    here: Here,
    /// By the other name, what that is now, and where they have nothing: of each project its id, and up to where.
    found: BTreeMap<(Place, NameNow, Place), Vec<Project>>,
}

/// Its id, and up to where it was extracted there.
type Project = (String, Option<i64>);

impl Renamed {
    /// None found yet.
    pub fn of(cloud: &CloudConfig, clouds: &[CloudConfig]) -> Self {
        let others = clouds.iter().filter(|it| it.name != cloud.name);
        let alike = others.filter(|other| cloud.is_of_one_keystone(other));
        Renamed {
            here: Here {
                places: places(cloud).collect(),
                alike: alike.flat_map(places).collect(),
                keystone: cloud.keystone_address(),
            },
            found: BTreeMap::new(),
        }
    }

    /// Whether a project must wait until somebody has said so. One whose cursors cannot be read says
    /// that itself.
    pub fn refuses(&mut self, cursors: &Cursors, project: &ProjectRef) -> bool {
        let name = project.configured.as_deref();
        let Ok(Some(former)) = cursors.former(&project.id, name, &self.here) else {
            return false;
        };
        let Former {
            place,
            standing,
            here,
            until,
        } = former;
        let of_place = self.found.entry((place, standing, here)).or_default();
        of_place.push((project.id.clone(), until));
        true
    }

    /// One for each other name.
    pub fn messages(self) -> Vec<Message> {
        let found = self.found.iter();
        let messages = found.map(|((other, standing, here), projects)| {
            let here = here.to_string();
            let until = projects.iter().filter_map(|(_, until)| *until).max();
            let until = until.map_or_else(String::new, |until| {
                format!(", up to {}", format_utc(until))
            });
            let number = match projects.len() {
                1 => "1 project was".to_owned(),
                _ => format!("{} were", count(len(projects), "project", "projects")),
            };
            match standing {
                NameNow::Gone => self.elsewhere(&here, other, &number, &until),
                NameNow::SameKeystone => in_two(&here, other, &number, &until, projects),
                NameNow::OtherKeystone => exchanged(&here, other, &number, &until, projects),
            }
        });
        messages.collect()
    }

    /// Under a name that is not configured any more.
    fn elsewhere(&self, here: &str, was: &Place, number: &str, until: &str) -> Message {
        let text = format!(
            "{number} extracted as `{was}`{until}, which the configuration does not name any more; \
             from the beginning their storage and energy would be counted twice"
        );
        // Done first, a rename would be to a region that is not there.
        let misspelt = match self.here.places.iter().any(|place| place.region.is_some()) {
            true => "where `region_name` is misspelt, correct it (`openstack region list`); else ",
            false => "",
        };
        let hint = format!(
            "{misspelt}caso cursor rename {was} {here}, if it is the same cloud and region under another name; \
             caso cursor forget --cloud {was}, if it is another one, which is extracted from the beginning then"
        );
        Message::from((text, hint))
    }
}

fn places(cloud: &CloudConfig) -> impl Iterator<Item = Place> + '_ {
    let region = |region| Place {
        cloud: cloud.name.clone(),
        region,
    };
    cloud.regions().into_iter().map(region)
}

/// Under another name that the configuration has, too.
fn in_two(here: &str, other: &Place, number: &str, until: &str, projects: &[Project]) -> Message {
    let text = format!(
        "{number} extracted as `{other}`{until}, and `{here}` has the same: a project is in one cloud only, and its storage \
         and energy would be counted twice"
    );
    let each = rename_each(here, other, projects);
    let hint = format!(
        "where both are one cloud, remove one, or divide the projects between them; where it went from one to the other: \
         {each}; where they are two regions: name both (`region_name`)"
    );
    Message::from((text, hint))
}

/// Under a name that the configuration has given to another cloud since.
fn exchanged(
    here: &str,
    other: &Place,
    number: &str,
    until: &str,
    projects: &[Project],
) -> Message {
    let text = format!(
        "{number} extracted as `{other}`{until}, when that had the Keystone of `{here}`: the names of clouds were exchanged, and \
         from the beginning their storage and energy would be counted twice"
    );
    let each = rename_each(here, other, projects);
    let hint = format!("give each cloud its former name again; or {each}");
    Message::from((text, hint))
}

fn rename_each(here: &str, other: &Place, projects: &[Project]) -> String {
    match projects {
        [(one, _)] => format!("caso cursor rename {other} {here} --project {}", word(one)),
        [(first, _), ..] => format!(
            "caso cursor rename {other} {here} --project {}, and so for each of the others",
            word(first)
        ),
        [] => String::new(),
    }
}
