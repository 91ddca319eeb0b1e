//! `caso sample`, which is `etc/caso.conf.sample`: the engine's options and those
//! of the built-in components, each from its own description.

use anyhow::Context as _;

use caso_sandbox::{Sandbox, SandboxSettings, Source};

/// The sample, from the option table and the components' own descriptions.
///
/// # Errors
/// A built-in component cannot be loaded.
pub async fn sample() -> anyhow::Result<String> {
    let sandbox = Sandbox::new(SandboxSettings::default()).context("cannot set up the sandbox")?;
    let mut descriptions = Vec::new();
    for name in caso_builtin::builtins() {
        let bytes = caso_builtin::builtin(name).context("a component has no code")?;
        let component = sandbox.load(Source::Builtin { name, bytes }).await?;
        descriptions.push(component.description);
    }
    Ok(caso_config::sample(&descriptions))
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_sample_in_etc_is_the_one_that_the_program_prints() {
        let printed = super::sample().await.unwrap();
        let kept = include_str!("../../../../etc/caso.conf.sample");
        assert!(
            printed == kept,
            "etc/caso.conf.sample is out of date: cargo run --bin caso -- sample > etc/caso.conf.sample"
        );
    }
}
