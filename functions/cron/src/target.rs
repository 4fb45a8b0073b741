use std::fmt;

/// An `http` or `https` URL in the parts that WASI HTTP wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is `https`.
    pub secure: bool,
    /// Host, and port if given.
    pub authority: String,
    /// Path and query, at least `/`.
    pub path: String,
}

/// A URL that can't be posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the variable url is {:?}; it must be http://host/path or https://host/path",
            self.0
        )
    }
}

impl Target {
    /// Takes a URL apart.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(bad()),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        if authority.is_empty() || authority.contains(['@', ' ']) {
            return Err(bad());
        }
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_those_of_the_url() {
        let target = Target::parse("http://127.0.0.1:3000/api/v1/system/tick?x=1").unwrap();
        assert_eq!(target.authority, "127.0.0.1:3000");
        assert_eq!(target.path, "/api/v1/system/tick?x=1");
        assert!(!target.secure);
        assert!(Target::parse("https://loom.example").unwrap().secure);
        assert_eq!(Target::parse("https://loom.example").unwrap().path, "/");
        for bad in [
            "",
            "loom.example/x",
            "ftp://a/",
            "http:///x",
            "http://me@a/",
        ] {
            assert!(Target::parse(bad).unwrap_err().to_string().contains(bad));
        }
    }
}
