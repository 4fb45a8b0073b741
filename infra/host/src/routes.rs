//! Which component answers a path: Spin's rules.
//!
//! A route without variables that equals the path wins. Otherwise the most specific match does, comparing segment by
//! segment from the left: a literal beats `:name`, which beats a trailing `...`. A trailing slash doesn't matter.

use std::cmp::Reverse;

/// The prefix of the platform's own routes.
pub const RESERVED: &str = "/.well-known/spin/";

/// A route of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    raw: String,
    segments: Vec<Segment>,
    wildcard: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Named(String),
}

/// What a path gave when it matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures {
    /// The values of `:name` segments.
    pub named: Vec<(String, String)>,
    /// What `...` stood for, with its leading slash; empty without one.
    pub rest: String,
}

impl Pattern {
    /// Reads `/literal`, `/:name` and a trailing `/...` (or `/*`).
    pub fn parse(raw: &str) -> Result<Self, String> {
        if !raw.starts_with('/') {
            return Err(format!("{raw:?} must start with /"));
        }
        let mut segments = Vec::new();
        let mut wildcard = false;
        for part in raw.split('/').filter(|part| !part.is_empty()) {
            if wildcard {
                return Err(format!("{raw:?}: `...` stands only at the end"));
            }
            match part {
                "..." | "*" => wildcard = true,
                part if part.starts_with(':') => {
                    let name = part.trim_start_matches(':');
                    if name.is_empty()
                        || !name
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
                    {
                        return Err(format!(
                            "{raw:?}: `{part}` needs a name of letters, digits, - and _"
                        ));
                    }
                    segments.push(Segment::Named(name.to_ascii_lowercase()));
                }
                part if part.contains("...") || part.contains('*') => {
                    return Err(format!(
                        "{raw:?}: `{part}`: `...` stands alone in its segment"
                    ));
                }
                part => segments.push(Segment::Literal(part.to_owned())),
            }
        }
        Ok(Self {
            raw: raw.to_owned(),
            segments,
            wildcard,
        })
    }

    /// The route as the manifest has it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The route without its trailing `/...`.
    pub fn prefix(&self) -> &str {
        self.raw
            .trim_end_matches("...")
            .trim_end_matches('*')
            .trim_end_matches('/')
    }

    /// Whether both match exactly the same paths.
    pub fn same_paths(&self, other: &Self) -> bool {
        let shape = |pattern: &Self| -> Vec<Option<String>> {
            pattern
                .segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => Some(text.clone()),
                    Segment::Named(_) => None,
                })
                .collect()
        };
        self.wildcard == other.wildcard && shape(self) == shape(other)
    }

    fn matches(&self, path: &str) -> Option<Captures> {
        let mut named = Vec::new();
        let mut rest = path.trim_end_matches('/');
        for segment in &self.segments {
            let tail = rest.trim_start_matches('/');
            if tail.is_empty() {
                return None;
            }
            let end = tail.find('/').unwrap_or(tail.len());
            let (part, after) = tail.split_at(end);
            match segment {
                Segment::Literal(text) if text == part => {}
                Segment::Literal(_) => return None,
                Segment::Named(name) => named.push((name.clone(), part.to_owned())),
            }
            rest = after;
        }
        if self.wildcard {
            // The path as it came, trailing slash included.
            let start = rest.as_ptr() as usize - path.as_ptr() as usize;
            return Some(Captures {
                named,
                rest: path.get(start..).unwrap_or_default().to_owned(),
            });
        }
        rest.trim_matches('/').is_empty().then(|| Captures {
            named,
            rest: String::new(),
        })
    }

    fn is_literal(&self) -> bool {
        !self.wildcard
            && self
                .segments
                .iter()
                .all(|segment| matches!(segment, Segment::Literal(_)))
    }

    fn specificity(&self) -> Vec<Reverse<u8>> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => Reverse(0),
                Segment::Named(_) => Reverse(1),
            })
            .chain(self.wildcard.then_some(Reverse(2)))
            .collect()
    }
}

/// All public routes of an application.
#[derive(Debug, Clone, Default)]
pub struct Router {
    // Most specific first, so that the first match is the answer.
    routes: Vec<(Pattern, String)>,
}

impl Router {
    /// Routes and the components that answer them.
    pub fn new(routes: impl IntoIterator<Item = (Pattern, String)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by_cached_key(|(pattern, _)| {
            Reverse((pattern.is_literal(), pattern.specificity()))
        });
        Self { routes }
    }

    /// The component for `path`, the route that matched, and what it captured.
    pub fn find(&self, path: &str) -> Option<(&str, &Pattern, Captures)> {
        self.routes.iter().find_map(|(pattern, component)| {
            Some((component.as_str(), pattern, pattern.matches(path)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router {
        Router::new(
            routes
                .iter()
                .map(|raw| (Pattern::parse(raw).unwrap(), (*raw).to_owned())),
        )
    }

    #[track_caller]
    fn goes_to(routes: &[&str], path: &str, expected: Option<&str>) {
        // The order in the manifest never matters.
        let mut reversed = routes.to_vec();
        reversed.reverse();
        assert_eq!(
            router(routes)
                .find(path)
                .map(|found| found.0.to_owned())
                .as_deref(),
            expected
        );
        assert_eq!(
            router(&reversed)
                .find(path)
                .map(|found| found.0.to_owned())
                .as_deref(),
            expected
        );
    }

    #[test]
    fn an_exact_route_beats_all_others() {
        let routes = [
            "/...",
            "/api/...",
            "/api/:kind",
            "/api/beads",
            "/api/beads/...",
        ];
        goes_to(&routes, "/api/beads", Some("/api/beads"));
        goes_to(&routes, "/api/beads/", Some("/api/beads"));
        goes_to(&routes, "/api/beads/x", Some("/api/beads/..."));
        goes_to(&routes, "/api/agents", Some("/api/:kind"));
        goes_to(&routes, "/api/agents/x", Some("/api/..."));
        goes_to(&routes, "/api", Some("/api/..."));
        goes_to(&routes, "/", Some("/..."));
    }

    #[test]
    fn the_leftmost_difference_decides() {
        let routes = ["/:a/fixed", "/fixed/:b", "/fixed/..."];
        goes_to(&routes, "/fixed/fixed", Some("/fixed/:b"));
        goes_to(&routes, "/other/fixed", Some("/:a/fixed"));
        goes_to(&routes, "/other/other", None);
        goes_to(&routes, "/fixed/x/y", Some("/fixed/..."));
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        goes_to(&["/bead/..."], "/beads", None);
        goes_to(&["/bead"], "/beads", None);
        goes_to(&["/beads"], "/bead", None);
    }

    #[test]
    fn captures_are_named_and_the_rest_keeps_its_slash() {
        let router = router(&["/p/:Project/beads/..."]);
        let (_, pattern, captures) = router.find("/p/loom/beads/bd-1/why/").unwrap();
        assert_eq!(captures.named, [("project".to_owned(), "loom".to_owned())]);
        assert_eq!(captures.rest, "/bd-1/why/");
        assert_eq!(pattern.prefix(), "/p/:Project/beads");
        assert_eq!(router.find("/p/loom/beads").unwrap().2.rest, "");
    }

    #[test]
    fn unreadable_routes_say_why() {
        for (raw, reason) in [
            ("beads", "must start with /"),
            ("/a/.../b", "only at the end"),
            ("/a/:", "needs a name"),
            ("/a/x...", "alone in its segment"),
        ] {
            assert!(Pattern::parse(raw).unwrap_err().contains(reason), "{raw}");
        }
    }
}
