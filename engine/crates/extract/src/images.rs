//! The images of the run: those that servers were booted from, and no other.
//!
//! Images say where they came from, which refines a record and is no reason
//! to lose one: without Glance, servers are accounted with their image's id.
//! As with flavors, only an image that everybody sees is shared between projects.
//!
//! The second question of a run comes after the list of all public images, which answers those of
//! every project to come: as far as [`MOST_PAGES`] pages have it.
//!
//! A list leaves out what is hidden, community images of others and shared ones that
//! nobody accepted; servers boot from all of them, and an appliance is hidden
//! on the day when a newer one replaces it. Those missing are asked for by id where they
//! are few, else in the two lists that have them. That is at most [`FEW`] requests more
//! for each question; what then is missing is gone, and asked once more by id, in the
//! first project that refers to it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use super::ItemError;
use super::fields::Row;
use caso_base::Message;
use caso_model::Attribute;
use caso_model::notice::Notices;
use caso_model::usage::Image;
use caso_openstack::glance::{self, ImageList};
use caso_openstack::pages::PageError;
use caso_openstack::{ApiError, Scope, Service, Session};

/// Images by id.
pub type Images = HashMap<String, Arc<Image>>;

/// Ids in one question: with 36 characters each, the URL stays under 2 KiB,
/// which every proxy lets through.
const IDS_A_REQUEST: usize = 40;

/// So many images are asked for one by one: no more requests than the lists would take.
const FEW: usize = 2;

/// So many pages of public images are read, of [`PAGE`] images each.
const MOST_PAGES: usize = 3;

/// Glance's own `api_limit_max`.
const PAGE: u32 = 1000;

#[derive(Debug, Default)]
pub struct ImageCache {
    /// Never the list of all that are public.
    by_id_alone: bool,
    // Held while images are asked for, so that projects that start together
    // do not each ask for the same.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    public: Images,
    /// What single projects got for an answer; `None` for "not there".
    own: HashMap<String, HashMap<String, Option<Arc<Image>>>>,
    /// Glance is away: it is not asked again in this run.
    away: bool,
    /// This Glance does not know `id=in:`.
    one_by_one: bool,
    /// This Glance does not know `visibility=all`.
    no_further_lists: bool,
    /// A question was asked already.
    asked: bool,
    /// All public ones were asked for.
    public_listed: bool,
    /// By id not found, in whichever project.
    gone: HashSet<String>,
}

/// One question: of a project, and who hears what is odd.
#[derive(Clone, Copy)]
struct Question<'a> {
    session: &'a Session,
    project: &'a str,
    warnings: &'a Notices,
}

impl ImageCache {
    /// One that asks for those that are needed alone: what is asked is kept.
    pub fn by_id_alone() -> Self {
        Self {
            by_id_alone: true,
            ..Self::default()
        }
    }

    /// Of the same kind, for a Glance of its own.
    pub fn of_next_region(&self) -> Self {
        Self {
            by_id_alone: self.by_id_alone,
            ..Self::default()
        }
    }

    /// The images with these ids that `project` sees. Never fails: what
    /// cannot be asked for is missing, and warned of.
    pub async fn lookup(
        &self,
        session: &Session,
        project: &str,
        ids: &BTreeSet<String>,
        warnings: &Notices,
    ) -> Images {
        let mut state = self.state.lock().await;
        let question = Question {
            session,
            project,
            warnings,
        };
        let mut unknown = state.unknown(project, ids);
        let questions = unknown.len().div_ceil(IDS_A_REQUEST) + usize::from(state.asked);
        if !unknown.is_empty() && questions > 1 && !self.by_id_alone && !state.away {
            state.ask_public(question).await;
            unknown = state.unknown(project, ids);
        }
        for batch in unknown.chunks(IDS_A_REQUEST) {
            if state.away {
                break;
            }
            state.asked = true;
            if let Err(error) = state.ask(question, batch).await {
                state.away = match error.api() {
                    Some(ApiError::NoEndpoint { .. }) => true,
                    // One project's images may be what Glance fails on.
                    Some(error) if error.is_outage() => {
                        let scope = Scope::Project(project.to_owned());
                        session.is_there(&scope, Service::Image).await.is_err()
                    }
                    _ => false,
                };
                warn(warnings, &error);
                // Not asked for again in this project; in another one the
                // account may have the right.
                state.settle(project, &unknown);
                break;
            }
        }
        ids.iter()
            .filter_map(|id| Some((id.clone(), state.find(project, id)?)))
            .collect()
    }

    /// Drops what only this project could see.
    pub async fn forget(&self, project: &str) {
        self.state.lock().await.own.remove(project);
    }
}

impl State {
    fn find(&self, project: &str, id: &str) -> Option<Arc<Image>> {
        self.own
            .get(project)
            .and_then(|own| own.get(id))
            .cloned()
            .flatten()
            .or_else(|| self.public.get(id).cloned())
    }

    /// Those of the ids that no answer has spoken of yet.
    fn unknown<'a>(&self, project: &str, ids: &'a BTreeSet<String>) -> Vec<&'a str> {
        let own = self.own.get(project);
        ids.iter()
            .filter(|id| !self.public.contains_key(*id))
            .filter(|id| own.is_none_or(|own| !own.contains_key(*id)))
            .map(String::as_str)
            .collect()
    }

    /// All that everybody sees, once. What goes wrong with it shows when the images are asked
    /// for by id.
    async fn ask_public(&mut self, question: Question<'_>) {
        if std::mem::replace(&mut self.public_listed, true) {
            return;
        }
        let mut pager = glance::public_images(question.project, PAGE);
        for _ in 0..MOST_PAGES {
            match pager.next(question.session).await {
                Ok(Some(page)) => page.rows.iter().for_each(|raw| self.keep(question, raw)),
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!("images are looked up by their ids: {error}");
                    break;
                }
            }
        }
    }

    async fn ask(&mut self, question: Question<'_>, ids: &[&str]) -> Result<(), PageError> {
        let Question { project, .. } = question;
        if self.one_by_one {
            return self.ask_each(question, ids).await;
        }
        match self.ask_list(question, ImageList::Usual, ids).await {
            Err(PageError::Api(error)) if error.status_of(Service::Image) == Some(400) => {
                self.one_by_one = true;
                return self.ask_each(question, ids).await;
            }
            answer => answer?,
        }
        for list in [ImageList::Hidden, ImageList::Any] {
            let missing = self.missing(project, ids);
            let few = if list == ImageList::Hidden { FEW } else { 1 };
            if missing.len() <= few || self.no_further_lists {
                break;
            }
            match self.ask_list(question, list, &missing).await {
                Err(PageError::Api(error)) if error.status_of(Service::Image) == Some(400) => {
                    self.no_further_lists = true;
                }
                answer => answer?,
            }
        }
        let mut missing = self.missing(project, ids);
        if missing.len() > FEW {
            missing.retain(|id| !self.gone.contains(*id));
        }
        self.ask_each(question, &missing).await?;
        self.settle(project, ids);
        Ok(())
    }

    async fn ask_list(
        &mut self,
        question: Question<'_>,
        list: ImageList,
        ids: &[&str],
    ) -> Result<(), PageError> {
        let mut pager = glance::images(question.project, list, ids);
        let mut rows = 0;
        while rows < ids.len()
            && let Some(page) = pager.next(question.session).await?
        {
            rows += page.rows.len();
            for raw in page.rows {
                self.keep(question, &raw);
            }
        }
        Ok(())
    }

    async fn ask_each(&mut self, question: Question<'_>, ids: &[&str]) -> Result<(), PageError> {
        for id in ids {
            match glance::image(question.session, question.project, id).await {
                Ok(raw) => self.keep(question, &raw),
                Err(error) if error.status_of(Service::Image) == Some(404) => {
                    self.gone.insert((*id).to_owned());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.settle(question.project, ids);
        Ok(())
    }

    fn keep(&mut self, question: Question<'_>, raw: &RawValue) {
        match read(raw) {
            Ok((image, true)) => {
                self.public.insert(image.id.clone(), Arc::new(image));
            }
            Ok((image, false)) => {
                let own = self.own.entry(question.project.to_owned()).or_default();
                own.insert(image.id.clone(), Some(Arc::new(image)));
            }
            Err(error) => {
                question
                    .warnings
                    .warn_once(&format!("image-{}", error.id), || error.to_string());
            }
        }
    }

    fn missing<'a>(&self, project: &str, ids: &[&'a str]) -> Vec<&'a str> {
        let mut missing = ids.to_vec();
        missing.retain(|id| self.find(project, id).is_none());
        missing
    }

    /// What has not been found by now is not there, for this project.
    fn settle(&mut self, project: &str, ids: &[&str]) {
        let missing = self.missing(project, ids);
        let own = self.own.entry(project.to_owned()).or_default();
        own.extend(missing.into_iter().map(|id| (id.to_owned(), None)));
    }
}

fn warn(warnings: &Notices, error: &PageError) {
    warnings.warn_once("images", || {
        let later = "records of servers that ended by then keep it: `caso republish --month YYYY-MM` of that month puts it right";
        let hint = error.hint();
        Message::from(format!(
            "images could not be read, so records carry image ids and no properties of images: {error}"
        ))
        .hint(hint.map_or_else(|| later.to_owned(), |hint| format!("{hint}; {later}")))
    });
}

/// Members of an image that are Glance's own; all others are properties.
const BASE: [&str; 28] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "owner",
    "size",
    "virtual_size",
    "container_format",
    "disk_format",
    "created_at",
    "updated_at",
    "tags",
    "direct_url",
    "min_ram",
    "min_disk",
    "self",
    "file",
    "schema",
    "locations",
    "stores",
    "metadata",
    "deleted",
    "deleted_at",
];

/// An image, and whether everybody sees it.
fn read(raw: &RawValue) -> Result<(Image, bool), ItemError> {
    let row = Row::parse("image", "id", raw)?;
    let visibility = row.value("visibility");
    let visibility = visibility.as_ref().and_then(Value::as_str);
    let public = matches!(visibility, Some("public" | "community"));
    let properties = row
        .texts()
        .filter(|(name, _)| !BASE.contains(name))
        .map(|(name, value)| Attribute {
            name: name.to_owned(),
            value: value.into_owned(),
        })
        .collect();
    let image = Image {
        id: row.id().to_owned(),
        name: row.text("name")?,
        properties,
        attributes: Vec::new(),
    };
    Ok((image, public))
}

#[cfg(test)]
mod tests;
