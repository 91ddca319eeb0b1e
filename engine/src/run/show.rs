//! `caso config show`: the engine's options, and those of the components in
//! use, each with where its value came from.

use super::components;
use caso_base::error_chain;
use caso_config::Config;

/// Lines, and what was wrong with components: their options cannot be shown
/// then, all others can.
pub async fn show(config: &Config, unset: bool) -> (String, Vec<String>) {
    let mut values = config.values.clone();
    let mut problems = Vec::new();
    match loaded(config).await {
        Err(error) => problems.push(error_chain(error.as_ref())),
        Ok(loaded) => {
            let mut described = vec![(&config.mapper, loaded.mapper.description())];
            for messenger in &loaded.messengers {
                let instance = config
                    .messengers
                    .iter()
                    .find(|instance| instance.name() == messenger.name);
                described.extend(
                    instance.map(|found| (&found.component, &messenger.component.description)),
                );
            }
            for (instance, description) in described {
                match caso_config::component_values(config, instance, description) {
                    Ok(own) => values.extend(own),
                    Err(errors) => problems.push(errors.to_string()),
                }
            }
            for unusable in &loaded.unusable {
                problems.push(format!(
                    "messenger `{}`: {}",
                    unusable.name, unusable.failure.detail
                ));
            }
        }
    }
    (
        caso_config::written(&config.files, &values, unset),
        problems,
    )
}

async fn loaded(config: &Config) -> anyhow::Result<components::Components> {
    let (sandbox, _) = components::sandbox(config)?;
    components::load(&sandbox, config).await
}
