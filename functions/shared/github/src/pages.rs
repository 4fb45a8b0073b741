//! Lists that come in pages.

use http::Uri;
use loom_platform::Platform;
use serde::de::DeserializeOwned;

use crate::{GitHub, GithubError, auth::Who, call::Call};

/// The largest page that GitHub gives.
const PAGE: &str = "100";

/// A list that was read up to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What was read, in GitHub's order.
    pub items: Vec<T>,
    /// Whether that is everything; false if the limit was reached before the end.
    pub complete: bool,
}

impl<P: Platform> GitHub<P> {
    /// Reads at most `pages` pages of a list; `items` finds the elements in a page.
    pub(crate) async fn pages<T, D: DeserializeOwned>(
        &self,
        who: Who<'_>,
        first: Call,
        pages: usize,
        items: fn(D) -> Vec<T>,
    ) -> Result<Listed<T>, GithubError> {
        let mut call = first.query("per_page", PAGE);
        let mut listed = Listed {
            items: Vec::new(),
            complete: false,
        };
        for _ in 0..pages {
            let answer = self.send(who, &call).await?;
            listed.items.extend(items(answer.json()?));
            match next(answer.header("link")) {
                // Where a page is full of what was already seen, or leads to itself, it would go on for ever: the
                // limit of pages ends that.
                Some(target) => {
                    call.target = target;
                    call.absolute = true;
                }
                None => {
                    listed.complete = true;
                    break;
                }
            }
        }
        Ok(listed)
    }
}

/// Path and query of the next page, by the `Link` header (RFC 8288). Its host is not believed: behind a proxy it may
/// be a name that means nothing here.
pub(crate) fn next(link: Option<&str>) -> Option<String> {
    link?.split('<').skip(1).find_map(|part| {
        let (target, parameters) = part.split_once('>')?;
        let is_next = parameters
            .split([';', ','])
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        if !is_next {
            return None;
        }
        let uri: Uri = target.parse().ok()?;
        Some(uri.path_and_query()?.as_str().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let second = Some(String::from("/x?a=1,2&page=2"));
        for link in [
            "<https://h/x?a=1,2&page=2>; rel=\"next\"",
            "<https://h/x?page=9>; rel=\"last\", <https://h/x?a=1,2&page=2>; rel=\"next\"",
            "<https://h/x?a=1,2&page=2>; title=\"t\"; rel=next, <https://h/x?page=9>; rel=\"last\"",
            "</x?a=1,2&page=2>;rel=\"next\"",
        ] {
            assert_eq!(next(Some(link)), second, "{link}");
        }
        for link in [
            None,
            Some(""),
            Some("<https://h/x>; rel=\"prev\""),
            Some("rel=\"next\""),
            Some("<https://h/x"),
        ] {
            assert_eq!(next(link), None, "{link:?}");
        }
    }
}
