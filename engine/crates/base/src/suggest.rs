//! The name that was probably meant.

/// The known name nearest to `name`, if any is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(name);
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, where a name is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let known = ["site_name", "service_name", "extract_to", "projects"];
        assert_eq!(nearest("sitename", known), Some("site_name"));
        assert_eq!(nearest("extract-to", known), Some("extract_to"));
        assert_eq!(nearest("Projects", known), Some("projects"));
        assert_eq!(nearest("porjects", known), Some("projects"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(did_you_mean("x", known), None);
    }
}
