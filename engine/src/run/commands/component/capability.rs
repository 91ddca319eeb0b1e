//! What a component would like to reach, with values for the options that nobody has set.

use std::path::PathBuf;

use caso_model::component::{CapabilityRequest, Description, OptionDescription, OptionKind};

/// Where the capabilities of a component would lead, for want of a site that says so.
pub struct Places {
    /// Folders and queues lie below it.
    pub folder: PathBuf,
    pub host: String,
    pub port: u16,
    /// Of a service that speaks HTTP.
    pub url: String,
}

impl Places {
    /// Such as a page about an instance of this name would have them.
    pub fn of_a_page(instance: &str) -> Self {
        Self {
            folder: PathBuf::from("/var/spool").join(instance),
            host: "collector.example.org".to_owned(),
            port: 5000,
            url: "https://collector.example.org".to_owned(),
        }
    }

    /// A value for each option without which a capability leads nowhere, or that a site
    /// must set; but for those that are set, and those that have a default.
    pub fn values(
        &self,
        description: &Description,
        set: &[(String, String)],
    ) -> Vec<(String, String)> {
        let options = description.options.iter();
        options
            .filter(|option| !set.iter().any(|(name, _)| *name == option.name))
            .filter(|option| option.default.as_deref().unwrap_or_default().is_empty())
            .filter_map(|option| {
                let used = used_by(description, option);
                (used.is_some() || option.required)
                    .then(|| (option.name.clone(), self.value(option, used)))
            })
            .collect()
    }

    fn value(&self, option: &OptionDescription, used: Option<&CapabilityRequest>) -> String {
        let endpoint = || format!("{}:{}", self.host, self.port);
        let name = used.map_or(&option.name, |request| &request.name);
        let path = || self.folder.join(name).display().to_string();
        let alone = |request: &&CapabilityRequest| request.target == target(option);
        let least = option
            .attributes
            .iter()
            .find(|attribute| attribute.name == "minimum");
        let least = || least.map_or("1", |least| &least.value).to_owned();
        match (&option.kind, used.map(|request| request.kind.as_str())) {
            (OptionKind::Path, _) => path(),
            (OptionKind::Endpoint, _) => endpoint(),
            (OptionKind::Url, _) => self.url.clone(),
            (OptionKind::Integer, Some("connection" | "address" | "http")) => self.port.to_string(),
            (OptionKind::Integer | OptionKind::Number, _) => least(),
            (OptionKind::Boolean, _) => "false".to_owned(),
            (OptionKind::Duration, _) => "60s".to_owned(),
            (OptionKind::Size, _) => "1MiB".to_owned(),
            (OptionKind::Choice(words), _) => words.first().cloned().unwrap_or_default(),
            (_, Some("queue" | "directory" | "directory-write" | "signature")) => path(),
            (_, Some("connection" | "address")) => match used.filter(alone) {
                Some(_) => endpoint(),
                None => self.host.clone(),
            },
            (_, Some("http")) => match used.filter(alone) {
                Some(_) => self.url.clone(),
                None => self.host.clone(),
            },
            _ => "CHANGE-ME".to_owned(),
        }
    }
}

/// The first capability whose target needs the option.
pub fn used_by<'a>(
    description: &'a Description,
    option: &OptionDescription,
) -> Option<&'a CapabilityRequest> {
    let mut requests = description.capabilities.iter();
    requests.find(|request| request.target.contains(&target(option)))
}

fn target(option: &OptionDescription) -> String {
    format!("${{{}}}", option.name)
}

/// What a request is for, in the component's words.
pub fn purpose(request: &CapabilityRequest) -> Option<&str> {
    let mut attributes = request.attributes.iter();
    let purpose = attributes.find(|attribute| attribute.name == "purpose")?;
    Some(&purpose.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, kind: OptionKind) -> OptionDescription {
        OptionDescription {
            name: name.to_owned(),
            kind,
            default: None,
            required: false,
            help: String::new(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        }
    }

    fn request(name: &str, kind: &str, target: &str) -> CapabilityRequest {
        CapabilityRequest {
            name: name.to_owned(),
            kind: kind.to_owned(),
            target: target.to_owned(),
            required: false,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn what_leads_somewhere_gets_a_place_and_what_must_be_set_a_word() {
        let mut with_default = option("with_default", OptionKind::Text);
        with_default.default = Some("x".to_owned());
        let mut token = option("token", OptionKind::Secret);
        token.required = true;
        let description = Description {
            name: "mine".to_owned(),
            summary: String::new(),
            version: String::new(),
            record_types: Vec::new(),
            options: vec![
                option("output_path", OptionKind::Text),
                option("host", OptionKind::Text),
                option("port", OptionKind::Integer),
                option("server", OptionKind::Text),
                option("url", OptionKind::Url),
                option("set", OptionKind::Path),
                option("unused", OptionKind::Text),
                with_default,
                token,
            ],
            capabilities: vec![
                request("outgoing", "queue", "${output_path}"),
                request("feed", "connection", "${host}:${port}"),
                request("server", "address", "${server}"),
                request("hook", "http", "${url}"),
                request("files", "directory", "${set}"),
                request("more", "queue", "${with_default}"),
            ],
            packing_option: None,
            attributes: Vec::new(),
        };
        let set = [("set".to_owned(), "/x".to_owned())];
        let found = Places::of_a_page("mine").values(&description, &set);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("output_path", "/var/spool/mine/outgoing"),
                ("host", "collector.example.org"),
                ("port", "5000"),
                ("server", "collector.example.org:5000"),
                ("url", "https://collector.example.org"),
                ("token", "CHANGE-ME"),
            ]
        );
    }
}
