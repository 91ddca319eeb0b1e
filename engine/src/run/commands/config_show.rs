//! `caso config show`: the engine's options, and those of the components in
//! use, each with where its value came from.

use anyhow::anyhow;

use crate::run::components::{self, Components};
use caso_config::{Config, ShownValue};
use caso_sandbox::Compiling;

/// The lines, and what is wrong with components: their options cannot be shown
/// then, all others can.
pub async fn show(config: &Config, unset: bool) -> (String, Vec<anyhow::Error>) {
    let mut values = config.values.clone();
    let mut problems = Vec::new();
    match loaded(config).await {
        Err(error) => problems.push(error),
        Ok(loaded) => {
            let (own, errors) = of_components(config, &loaded);
            values.extend(own);
            problems.extend(errors);
            for unusable in &loaded.unusable {
                problems.push(anyhow!(
                    "messenger `{}`: {}",
                    unusable.name,
                    unusable.failure.detail
                ));
            }
        }
    }
    let text = caso_config::written(&config.files, &values, unset);
    (text, problems)
}

/// The options of the components in use, and why those of some cannot be shown.
pub fn of_components(
    config: &Config,
    loaded: &Components,
) -> (Vec<ShownValue>, Vec<anyhow::Error>) {
    let mut described = vec![(&config.mapper, loaded.mapper.description())];
    for messenger in &loaded.messengers {
        let instance = config
            .messengers
            .iter()
            .find(|instance| instance.name() == messenger.name);
        described
            .extend(instance.map(|found| (&found.component, &messenger.component.description)));
        let filters = instance.into_iter().flat_map(|found| &found.filters);
        let filters = filters.zip(&messenger.filters);
        described.extend(filters.map(|(found, filter)| (found, &filter.component.description)));
    }
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (instance, description) in described {
        match caso_config::component_values(config, instance, description) {
            Ok(own) => values.extend(own),
            Err(errors) => problems.push(errors.into()),
        }
    }
    (values, problems)
}

async fn loaded(config: &Config) -> anyhow::Result<Components> {
    let (sandbox, _) = components::sandbox(config, Compiling::Well)?;
    components::load(&sandbox, config).await
}
