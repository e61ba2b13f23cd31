//! The files of the AWS command line: credentials, region and address of a profile.
//!
//! `credentials` has a section for each profile, `config` a section `profile NAME` but for `default`. What the environment says counts
//! before both; of keys that both files have, `credentials` counts.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};
use eigenscope_remote_protocol::Fault;

use crate::failure::{Failure, keep_secret};

/// The profile that counts if none is named.
const DEFAULT: &str = "default";

/// Keys by which a profile gets credentials in ways that are not known here.
const OTHER_WAYS: [&str; 6] = [
    "credential_process",
    "sso_session",
    "sso_start_url",
    "role_arn",
    "source_profile",
    "web_identity_token_file",
];

/// Identity, secret and session token.
pub(crate) type Credentials<'a> = (&'a str, &'a str, Option<&'a str>);

/// What the files say of one profile.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    name: String,
    values: HashMap<String, String>,
}

impl Profile {
    /// Reads the profile that the environment names.
    ///
    /// # Errors
    /// A file cannot be read, or the profile is named and in neither.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let named = variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE"));
        let name = named.clone().unwrap_or_else(|| DEFAULT.to_owned());
        let home = variable("HOME").map(|home| Path::new(&home).join(".aws"));
        let place = |given: &str, usual: &str| {
            let given = variable(given).map(PathBuf::from);
            given.or_else(|| home.as_ref().map(|home| home.join(usual)))
        };
        let of_credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let of_config = place("AWS_CONFIG_FILE", "config");
        let section = match name.as_str() {
            DEFAULT => DEFAULT.to_owned(),
            other => format!("profile {other}"),
        };
        let files = [(&of_config, &section), (&of_credentials, &name)];
        let mut profile = Self {
            name: name.clone(),
            values: HashMap::new(),
        };
        let mut is_there = false;
        for (path, section) in files {
            let Some(path) = path else { continue };
            let found = read_section(path, section)?;
            is_there |= found.is_some();
            profile.values.extend(found.unwrap_or_default());
        }
        if named.is_some() && !is_there {
            let paths = [of_credentials, of_config].into_iter().flatten();
            let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
            return Err(Failure::new(
                Fault::Credentials,
                format!(
                    "AWS_PROFILE names the profile `{name}`, which is in none of {}",
                    paths.join(", ")
                ),
            ));
        }
        for key in ["aws_secret_access_key", "aws_session_token"] {
            keep_secret(profile.get(key));
        }
        Ok(profile)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The credentials, if the profile has any.
    ///
    /// # Errors
    /// One half is missing, or the profile gets them in a way that is not known here.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials<'_>>, Failure> {
        let name = &self.name;
        let (key, secret) = ("aws_access_key_id", "aws_secret_access_key");
        match (self.get(key), self.get(secret)) {
            (Some(id), Some(secret)) => Ok(Some((id, secret, self.get("aws_session_token")))),
            (None, None) => match OTHER_WAYS.iter().find(|way| self.get(way).is_some()) {
                None => Ok(None),
                Some(way) => Err(Failure::new(
                    Fault::Credentials,
                    format!(
                        "the profile `{name}` gets its credentials by `{way}`, which is not read here: `aws configure \
                         export-credentials --profile {name} --format env` prints them as variables"
                    ),
                )),
            },
            (id, _) => {
                let missing = if id.is_some() { secret } else { key };
                Err(Failure::new(
                    Fault::Credentials,
                    format!("the profile `{name}` has no `{missing}`"),
                ))
            }
        }
    }
}

/// The values of a section; `None` if there is no such file or section.
fn read_section(path: &Path, section: &str) -> Result<Option<HashMap<String, String>>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    let mut form = IniDefault::default();
    form.case_sensitive = true;
    form.delimiters = vec!['='];
    // A secret may hold any of them.
    form.inline_comment_symbols = Some(Vec::new());
    let mut file = Ini::new_from_defaults(form);
    // What the parser says may repeat a line, and so a secret.
    let sections = file.read(text).map_err(|_| {
        let path = path.display();
        Failure::new(
            Fault::Settings,
            format!("{path} is no file of profiles: expected are lines [NAME] and KEY = VALUE"),
        )
    })?;
    let found = sections.into_iter().find(|(name, _)| name == section);
    Ok(found.map(|(_, values)| {
        let values = values.into_iter();
        let values = values.filter_map(|(key, value)| Some((key.to_lowercase(), value?)));
        values.filter(|(_, value)| !value.is_empty()).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        credentials: &str,
        config: &str,
        environment: &[(&str, &str)],
    ) -> Result<Profile, Failure> {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(home.path().join(".aws")).expect("created");
        for (name, text) in [("credentials", credentials), ("config", config)] {
            std::fs::write(home.path().join(".aws").join(name), text).expect("written");
        }
        Profile::read(|name| {
            let set = environment.iter().find(|(known, _)| *known == name);
            let set = set.map(|(_, value)| (*value).to_owned());
            set.or_else(|| (name == "HOME").then(|| home.path().display().to_string()))
        })
    }

    const CREDENTIALS: &str = "# ours\n[default]\naws_access_key_id = AKIA1\naws_secret_access_key = a/b+c=d#e;f\n\n\
        [team]\naws_access_key_id=AKIA2\naws_secret_access_key=secret-two\naws_session_token = token-two\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  max_concurrent_requests = 20\n[profile team]\n\
        region = us-east-2\nendpoint_url = http://127.0.0.1:9000\n[profile sso]\nsso_start_url = https://x\n";

    #[test]
    fn profiles_are_read_from_both_files() {
        let default = read(CREDENTIALS, CONFIG, &[]).expect("read");
        let found = default.credentials().expect("usable");
        assert_eq!(found, Some(("AKIA1", "a/b+c=d#e;f", None)));
        assert_eq!(default.get("region"), Some("eu-west-1"));
        let team = read(CREDENTIALS, CONFIG, &[("AWS_PROFILE", "team")]).expect("read");
        let found = team.credentials().expect("usable");
        assert_eq!(found, Some(("AKIA2", "secret-two", Some("token-two"))));
        assert_eq!(team.get("region"), Some("us-east-2"));
        assert_eq!(team.get("endpoint_url"), Some("http://127.0.0.1:9000"));
        let none = read("", "", &[]).expect("read");
        assert_eq!(none.credentials().expect("usable"), None);
    }

    #[test]
    fn what_a_profile_lacks_is_said() {
        let said = |result: Result<Profile, Failure>| match result {
            Err(failure) => failure.to_string(),
            Ok(profile) => profile.credentials().expect_err("unusable").to_string(),
        };
        let missing = said(read(CREDENTIALS, CONFIG, &[("AWS_PROFILE", "tam")]));
        assert!(
            missing.contains("the profile `tam`, which is in none of"),
            "{missing}"
        );
        let other = said(read(CREDENTIALS, CONFIG, &[("AWS_PROFILE", "sso")]));
        assert!(
            other.contains("`sso_start_url`, which is not read here"),
            "{other}"
        );
        let half = said(read("[default]\naws_access_key_id = AKIA1\n", "", &[]));
        assert!(half.contains("has no `aws_secret_access_key`"), "{half}");
        let broken = said(read("[default\nsecret-in-a-line", "", &[]));
        assert!(broken.contains("no file of profiles"), "{broken}");
        assert!(!broken.contains("secret-in-a-line"), "{broken}");
    }
}
