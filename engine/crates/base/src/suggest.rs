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

/// `; did you mean …?`, or nothing.
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
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
        assert_eq!(hint("x", known), "");
    }
}
