//! Commands that a person can paste into a shell. cASO does not quote: a VO with
//! a space becomes two words there, and one with a `$` something else.

use caso_base::shell_word as word;

use super::plan::{Change, Step};

/// The command of a step.
pub fn command(step: &Step) -> String {
    let change = match &step.change {
        Change::Property { name, value } => {
            format!("--property {}", word(&format!("{name}={value}")))
        }
        Change::Tag(tag) => format!("--tag {}", word(tag)),
    };
    // A name may begin with a dash, and must not be taken for an option.
    let end = if step.project.starts_with('-') {
        "-- "
    } else {
        ""
    };
    format!(
        "openstack project set {change} {end}{}",
        word(&step.project)
    )
}

/// What gives an account the right to read: `user` and `target` are options with their values.
pub fn role(user: &str, target: &str) -> String {
    format!("openstack role add {user} {target} reader")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(project: &str, change: Change) -> Step {
        Step {
            project: project.into(),
            shown: String::new(),
            change,
            there: false,
            unsure: None,
        }
    }

    #[test]
    fn a_plain_command_is_casos() {
        let property = Change::Property {
            name: "accounting:VO".into(),
            value: "/vo.example.org/ops".into(),
        };
        assert_eq!(
            command(&step("3174786e9d01", property)),
            "openstack project set --property accounting:VO=/vo.example.org/ops 3174786e9d01"
        );
        assert_eq!(
            command(&step("p", Change::Tag("caso".into()))),
            "openstack project set --tag caso p"
        );
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        let property = Change::Property {
            name: "VO".into(),
            value: "it's $HOME `x`".into(),
        };
        assert_eq!(
            command(&step("-a b", property)),
            r#"openstack project set --property 'VO=it'"'"'s $HOME `x`' -- '-a b'"#
        );
    }
}
