//! One window of one extractor into one segment.

use super::extractor::Task;
use super::held::Held;
use super::mapping::{Counts, Mapping};
use super::seen::Seen;
use super::used::Used;
use super::window::Piece;
use caso_config::CloudConfig;
use caso_disk::Beside;
use caso_extract::{ExtractError, ProjectRef};
use caso_journal::{Finished, Order, SegmentKey};
use caso_model::usage::Context;
use caso_model::{Attribute, PROJECT_NAME, Window};

/// What came of a window, not yet on disk for good. Dropped, it was never there.
pub struct Written {
    /// What was seen of the servers, or which volumes the project has, where the extractor reports any.
    pub state: Option<Beside>,
    pub segment: Finished,
}

impl Task {
    /// Reads the window, maps it, and writes what comes out and what was seen of the servers:
    /// both are put on disk for good with the project's cursors (`commit`). Nothing is written
    /// where, after the reading, `is_void` says that the window cannot be what was meant. For the
    /// ledger the window counts from where the one before it ended.
    ///
    /// # Errors
    /// The segment is then discarded.
    pub async fn segment(
        &self,
        piece: Piece,
        is_void: impl Fn() -> bool,
    ) -> Result<Option<(Counts, Written)>, ExtractError> {
        let Piece {
            window,
            continues,
            reported_behind,
            ..
        } = piece;
        let context = &self.region.context;
        let mut seen = Seen::open(self).map_err(ExtractError::sink)?;
        let held = Held::open(self, piece).map_err(ExtractError::sink)?;
        let identity = context.mapper.identity();
        let segment = context
            .journal
            .begin(
                self.segment_key(window),
                self.facts(),
                self.order(),
                &context.messengers,
                &identity,
            )
            .map_err(ExtractError::sink)?;
        let mut mapping = Mapping {
            component: &context.mapper,
            mapper: None,
            context: self.usage_context(window),
            segment,
            counts: Counts::default(),
            types: context.again.as_ref().map(|again| again.types.clone()),
            reported_from: reported_behind.then_some(window.end),
            used: match context.again {
                // It was counted the first time.
                Some(_) => Used::nothing(),
                None => Used::new(
                    Window {
                        start: continues.max(window.start),
                        end: window.end,
                    },
                    &self.project.vo,
                ),
            },
        };
        let task = caso_extract::Task {
            context: &self.region.sources,
            project: &self.project,
            window,
            history: seen.history(),
            volumes: held.holding(),
        };
        caso_extract::extract(self.extractor, task, &mut mapping).await?;
        if is_void() {
            return Ok(None);
        }
        let state = match seen.write(window).map_err(ExtractError::sink)? {
            Some(state) => Some(state),
            None => held.write().map_err(ExtractError::sink)?,
        };
        let Mapping {
            segment,
            mut counts,
            used,
            ..
        } = mapping;
        counts.used = used.finish().map(Box::new);
        let segment = segment.finish().map_err(ExtractError::sink)?;
        Ok(Some((counts, Written { state, segment })))
    }

    fn segment_key(&self, window: Window) -> SegmentKey {
        SegmentKey {
            cloud: self.region.cloud.name.clone(),
            region: self.region.place.region.clone(),
            project: self.project.id.clone(),
            extractor: self.extractor.as_str().to_owned(),
            window,
            again: self.region.context.again.is_some(),
        }
    }

    /// What messengers are told of the project besides its id.
    fn facts(&self) -> Vec<Attribute> {
        let attribute = |name: &str, value: &str| Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let name = self.project.name.as_deref();
        let name = name.map(|name| attribute(PROJECT_NAME, name));
        let vo = attribute("vo", &self.project.vo);
        name.into_iter().chain([vo]).collect()
    }

    fn order(&self) -> Order {
        let (project, extractor) = self.order;
        Order {
            project: self.region.place.of_project(project),
            extractor: u32::try_from(extractor).unwrap_or(u32::MAX),
        }
    }

    fn usage_context(&self, window: Window) -> Context {
        let region = self.region.place.region.as_deref();
        usage_context(
            (&self.region.cloud, &self.region.site),
            region,
            &self.project,
            window,
            self.region.bounds.now,
        )
    }
}

/// What the mapper is told of where usage comes from: of a cloud with its `site_name`.
pub fn usage_context(
    (cloud, site): (&CloudConfig, &str),
    region: Option<&str>,
    project: &ProjectRef,
    window: Window,
    now: i64,
) -> Context {
    let service = cloud.service_name.as_deref().unwrap_or(site);
    Context {
        site_name: site.to_owned(),
        service_name: service.to_owned(),
        cloud_type: cloud.cloud_type.clone(),
        cloud: cloud.name.clone(),
        region: region.map(str::to_owned),
        project_id: project.id.clone(),
        project_name: project.name.clone(),
        vo: project.vo.clone(),
        window,
        now,
        attributes: Vec::new(),
    }
}
