use serde::{Deserialize, Serialize};

/// The API of github.com: scheme and host.
pub const PUBLIC_API: &str = "https://api.github.com";

/// The host of the pages and repositories that belong to an API, of which `api_url` gives scheme, host and port:
/// `github.com` for the public one, and on GitHub Enterprise the API's own host.
pub fn web_host(api_url: &str) -> &str {
    let api_url = api_url.trim_end_matches('/');
    if api_url == PUBLIC_API {
        return "github.com";
    }
    api_url.split_once("://").map_or(api_url, |(_, host)| host)
}

/// A repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repository {
    /// `http` or `https`.
    pub scheme: String,
    /// The host, with its port if that is not the usual one, in lower case.
    pub host: String,
    /// The user or organisation that owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
}

impl Repository {
    /// The repository that a project's `git_repo` names: `https://<host>/<owner>/<name>`, the same with `http`, both
    /// with or without `.git`, or `git@<host>:<owner>/<name>.git`. `None` for everything else, which includes URLs that
    /// carry credentials.
    pub fn parse(git_repo: &str) -> Option<Self> {
        let (scheme, rest) = if let Some(rest) = git_repo.strip_prefix("git@") {
            ("https", rest.replacen(':', "/", 1))
        } else {
            let (scheme, rest) = git_repo.split_once("://")?;
            (scheme, rest.to_owned())
        };
        if !matches!(scheme, "http" | "https") {
            return None;
        }
        let rest = rest.trim_end_matches('/');
        let mut parts = rest.strip_suffix(".git").unwrap_or(rest).split('/');
        let (host, owner, name) = (parts.next()?, parts.next()?, parts.next()?);
        let is_host = !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
        let fits = parts.next().is_none() && is_host && is_owner(owner) && is_name(name);
        fits.then(|| Self {
            scheme: scheme.to_owned(),
            host: host.to_ascii_lowercase(),
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The URL under which it is cloned and looked at: the one form in which it is stored.
    pub fn url(&self) -> String {
        format!(
            "{}://{}/{}/{}",
            self.scheme, self.host, self.owner, self.name
        )
    }

    /// `<owner>/<name>`, as GitHub spells it.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// What it is found by: GitHub does not tell names apart by their case.
    pub fn key(&self) -> String {
        key_of(&self.owner, &self.name)
    }
}

/// See [`Repository::key`].
pub fn key_of(owner: &str, name: &str) -> String {
    format!("{owner}/{name}").to_lowercase()
}

/// A login: letters, digits and single inner dashes, at most 39; an underscore too where Enterprise manages the users.
fn is_owner(owner: &str) -> bool {
    (1..=39).contains(&owner.len())
        && !owner.starts_with('-')
        && owner
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The name of a repository: letters, digits, `.`, `-`, `_`, at most 100, and not only dots.
fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !matches!(name, "." | "..")
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_one_form() {
        for written in [
            "https://github.com/Acme/widget.js",
            "https://github.com/Acme/widget.js.git",
            "https://GitHub.com/Acme/widget.js/",
            "git@github.com:Acme/widget.js.git",
        ] {
            let repository = Repository::parse(written).unwrap();
            assert_eq!(repository.url(), "https://github.com/Acme/widget.js");
            assert_eq!(repository.key(), "acme/widget.js");
            assert_eq!(repository.full_name(), "Acme/widget.js");
        }
        let local = Repository::parse("http://127.0.0.1:9000/acme/widget").unwrap();
        assert_eq!(local.host, "127.0.0.1:9000");
    }

    #[test]
    fn what_names_no_repository_is_none() {
        for other in [
            "/srv/widget",
            "file:///srv/widget",
            "ssh://git@github.com/acme/widget",
            "https://github.com/acme",
            "https://github.com/acme/widget/tree/main",
            "https://user:word@github.com/acme/widget",
            "https://github.com/acme/..",
            "https://github.com/-acme/widget",
            "https:///acme/widget",
            "https://github.com/acme/wid get",
        ] {
            assert_eq!(Repository::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_pages_of_an_api() {
        assert_eq!(web_host("https://api.github.com"), "github.com");
        assert_eq!(web_host("https://api.github.com/"), "github.com");
        assert_eq!(web_host("https://ghe.example.com"), "ghe.example.com");
        assert_eq!(web_host("http://127.0.0.1:9000"), "127.0.0.1:9000");
    }
}
