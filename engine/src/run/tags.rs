//! `caso_tag` as messages speak of it: one tag, or several of which a project must have each.
//!
//! Keystone parts it at its commas and nowhere else, and cASO does as Keystone does: a blank beside a comma, which
//! says nothing in the lists of the configuration, belongs to a tag. Nobody means that, so messages name the tags
//! one by one and say what to do about the blank.

use caso_base::shell_word as word;

/// Each of them.
pub fn of(caso_tag: &str) -> Vec<&str> {
    caso_tag.split(',').filter(|tag| !tag.is_empty()).collect()
}

/// The command that gives them to a project; none where there is no tag.
pub fn give(caso_tag: &str, project: &str) -> Option<String> {
    let flags = of(caso_tag).into_iter();
    let flags: Vec<String> = flags.map(|tag| format!("--tag {}", word(tag))).collect();
    let give = match flags.is_empty() {
        true => return None,
        false => format!("openstack project set {} {project}", flags.join(" ")),
    };
    Some(match without_blanks(caso_tag) {
        Some(cure) => format!("{cure}; otherwise {give}"),
        None => give,
    })
}

/// Why no project is found where `projects` names none, and what to do.
pub fn no_project(caso_tag: &str) -> (String, String) {
    let which = match of(caso_tag).as_slice() {
        [] => {
            return (
                "`projects` and `caso_tag` are both empty".to_owned(),
                "name the projects in `projects`; or set `caso_tag = caso`, and tag them in Keystone (`openstack \
                 project set --tag caso`)"
                    .to_owned(),
            );
        }
        [tag] => format!("the tag `{tag}`"),
        all => format!("all of the tags `{}`", all.join("`, `")),
    };
    (
        format!("`projects` names none, and this account sees none with {which}"),
        without_blanks(caso_tag).unwrap_or_else(|| {
            let give = give(caso_tag, "<project>").unwrap_or_default();
            format!("{give}; or name the projects in `projects`")
        }),
    )
}

fn without_blanks(caso_tag: &str) -> Option<String> {
    let tags = of(caso_tag).into_iter();
    let meant: Vec<&str> = tags.map(str::trim).filter(|tag| !tag.is_empty()).collect();
    let meant = meant.join(",");
    (meant != caso_tag && of(caso_tag).iter().any(|tag| *tag != tag.trim())).then(|| {
        format!(
            "a blank in `caso_tag` is part of the tag: write `caso_tag = {meant}`, if projects are to have both tags"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_beside_a_comma_is_named_with_what_was_meant() {
        assert_eq!(give("", "p"), None);
        assert_eq!(
            give("a,b", "p").unwrap(),
            "openstack project set --tag a --tag b p"
        );
        let (why, hint) = no_project("caso, other");
        assert!(
            why.ends_with("none with all of the tags `caso`, ` other`"),
            "{why}"
        );
        assert!(hint.contains("write `caso_tag = caso,other`"), "{hint}");
        let given = give("caso, other", "p").unwrap();
        assert!(given.starts_with(&hint), "{given}");
    }

    #[test]
    fn without_a_tag_and_without_projects_both_are_said_to_be_empty() {
        let (why, hint) = no_project("");
        assert_eq!(why, "`projects` and `caso_tag` are both empty");
        assert!(hint.contains("`caso_tag = caso`"), "{hint}");
        let (why, hint) = no_project("caso");
        assert!(why.ends_with("none with the tag `caso`"), "{why}");
        assert_eq!(
            hint,
            "openstack project set --tag caso <project>; or name the projects in `projects`"
        );
    }
}
