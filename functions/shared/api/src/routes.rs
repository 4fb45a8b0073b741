use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::Method;
use loom_domain::account::Permission;
use loom_platform::Platform;

use crate::{Error, percent};

/// The largest body, in bytes, that a route accepts unless it declares another limit: 1 MiB.
pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; credentials are not looked at.
    Public,
    /// The app's own functions. The manifest gives the component no route from outside (`route = { private = true }`),
    /// so nothing is checked here.
    Private,
    /// Anybody whose credentials are valid.
    Authenticated,
    /// Callers with this permission.
    Permission(Permission),
}

impl From<Permission> for Access {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

/// One route as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The method.
    pub method: Method,
    /// The path's template, such as `/api/v1/beads/{id}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

type Call<P> = Box<dyn Fn(Request, P) -> BoxFuture<'static, Response> + Send + Sync>;

pub(crate) struct Route<P> {
    pub(crate) declared: Declared,
    pub(crate) body_limit: usize,
    pub(crate) database: bool,
    pub(crate) call: Call<P>,
}

/// The routes of a function.
///
/// Templates are literal segments, `{name}` for one segment, and `{*name}` at the end for one or more. Where several
/// match, the one that is literal at the first difference wins. `HEAD` is answered by the `GET` route, and `OPTIONS`
/// by the list of methods.
///
/// Building them costs no allocation but the list: a handler is a zero-sized function.
pub struct Routes<P> {
    routes: Vec<Route<P>>,
}

impl<P: Platform> Default for Routes<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Platform> Routes<P> {
    /// No routes.
    pub fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a `GET` route.
    pub fn get<T: 'static, H: Handler<T, P>>(
        self,
        path: &'static str,
        access: impl Into<Access>,
        handler: H,
    ) -> Self {
        self.route(Method::GET, path, access.into(), handler)
    }

    /// Adds a `POST` route.
    pub fn post<T: 'static, H: Handler<T, P>>(
        self,
        path: &'static str,
        access: impl Into<Access>,
        handler: H,
    ) -> Self {
        self.route(Method::POST, path, access.into(), handler)
    }

    /// Adds a `PUT` route.
    pub fn put<T: 'static, H: Handler<T, P>>(
        self,
        path: &'static str,
        access: impl Into<Access>,
        handler: H,
    ) -> Self {
        self.route(Method::PUT, path, access.into(), handler)
    }

    /// Adds a `PATCH` route.
    pub fn patch<T: 'static, H: Handler<T, P>>(
        self,
        path: &'static str,
        access: impl Into<Access>,
        handler: H,
    ) -> Self {
        self.route(Method::PATCH, path, access.into(), handler)
    }

    /// Adds a `DELETE` route.
    pub fn delete<T: 'static, H: Handler<T, P>>(
        self,
        path: &'static str,
        access: impl Into<Access>,
        handler: H,
    ) -> Self {
        self.route(Method::DELETE, path, access.into(), handler)
    }

    fn route<T: 'static, H: Handler<T, P>>(
        mut self,
        method: Method,
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self {
        self.routes.push(Route {
            declared: Declared {
                method,
                path,
                access,
            },
            body_limit: DEFAULT_BODY_LIMIT,
            database: true,
            call: Box::new(move |request, platform| {
                Box::pin(handler.clone().call(request, platform))
            }),
        });
        self
    }

    /// Sets the largest body, in bytes, that the route added last accepts.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        if let Some(route) = self.routes.last_mut() {
            route.body_limit = bytes;
        }
        self
    }

    /// Says that the route added last needs no database, so that it answers where there is none. Only for routes
    /// that are [`Access::Public`] or [`Access::Private`].
    pub fn without_database(mut self) -> Self {
        if let Some(route) = self.routes.last_mut() {
            route.database = false;
        }
        self
    }

    /// What was declared, in order.
    pub fn table(&self) -> Vec<Declared> {
        self.routes
            .iter()
            .map(|route| route.declared.clone())
            .collect()
    }

    /// The route of a request and the values of its template's names.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Found<'_, P>, Error> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let best = self
            .routes
            .iter()
            .filter(|route| matches(route.declared.path, &segments))
            .map(|route| route.declared.path)
            .min_by(|a, b| kinds(a).cmp(kinds(b)));
        let Some(template) = best else {
            let message =
                format!("There is nothing at {path}. The routes are in /api/openapi.json.");
            return Err(Error::not_found("route_not_found", message));
        };
        let here = || {
            self.routes
                .iter()
                .filter(|route| route.declared.path == template)
        };
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        if let Some(route) = here().find(|route| route.declared.method == wanted) {
            return Ok(Found::Route {
                route,
                values: values(template, &segments)?,
            });
        }
        let mut allowed: Vec<&str> = here().map(|route| route.declared.method.as_str()).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.push("OPTIONS");
        let allowed = allowed.join(", ");
        if method == Method::OPTIONS {
            return Ok(Found::Options { allowed });
        }
        Err(Error::method_not_allowed(method, &allowed))
    }
}

pub(crate) enum Found<'a, P> {
    Route {
        route: &'a Route<P>,
        values: Vec<String>,
    },
    Options {
        allowed: String,
    },
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Literal,
    Name,
    Rest,
}

fn kind(part: &str) -> Kind {
    if part.starts_with("{*") {
        Kind::Rest
    } else if part.starts_with('{') {
        Kind::Name
    } else {
        Kind::Literal
    }
}

fn parts(template: &str) -> impl Iterator<Item = &str> {
    template.split('/').skip(1)
}

fn kinds(template: &str) -> impl Iterator<Item = Kind> {
    parts(template).map(kind)
}

fn matches(template: &str, segments: &[&str]) -> bool {
    let mut segments = segments.iter();
    for part in parts(template) {
        let segment = segments.next();
        match (kind(part), segment) {
            (Kind::Literal, Some(segment)) if *segment == part => {}
            (Kind::Name, Some(segment)) if !segment.is_empty() => {}
            (Kind::Rest, Some(segment)) if !segment.is_empty() => return true,
            _ => return false,
        }
    }
    segments.next().is_none()
}

fn values(template: &str, segments: &[&str]) -> Result<Vec<String>, Error> {
    let mut values = Vec::new();
    for (index, part) in parts(template).enumerate() {
        let raw = match kind(part) {
            Kind::Literal => continue,
            Kind::Name => segments.get(index).copied().unwrap_or_default().to_owned(),
            Kind::Rest => segments.get(index..).unwrap_or_default().join("/"),
        };
        let value = percent::decode(&raw, false).ok_or_else(|| {
            Error::unreadable(
                "invalid_path",
                "The path holds a percent-encoding that is broken or not UTF-8.",
            )
        })?;
        values.push(value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(templates: &[&'static str], path: &str) -> Option<&'static str> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let matching = templates
            .iter()
            .copied()
            .filter(|template| matches(template, &segments));
        matching.min_by(|a, b| kinds(a).cmp(kinds(b)))
    }

    #[test]
    fn the_most_literal_template_wins() {
        let templates = [
            "/beads/{id}",
            "/beads/auto-file",
            "/beads/{id}/claim",
            "/personas/{*name}",
            "/beads",
        ];
        for (path, expected) in [
            ("/beads", Some("/beads")),
            ("/beads/", None),
            ("/beads/bd-1", Some("/beads/{id}")),
            ("/beads/auto-file", Some("/beads/auto-file")),
            ("/beads/bd-1/claim", Some("/beads/{id}/claim")),
            ("/beads/bd-1/claim/x", None),
            ("/personas/default/ceo", Some("/personas/{*name}")),
            ("/personas/", None),
            ("/", None),
        ] {
            assert_eq!(winner(&templates, path), expected, "{path}");
        }
    }

    #[test]
    fn values_are_decoded_after_splitting() {
        let segments = ["personas", "a%2Fb", "c%20d"];
        assert_eq!(values("/personas/{*name}", &segments).unwrap(), ["a/b/c d"]);
        assert_eq!(
            values("/personas/{a}/{b}", &segments).unwrap(),
            ["a/b", "c d"]
        );
        assert_eq!(
            values("/x/{a}", &["x", "%ff"]).unwrap_err().code(),
            "invalid_path"
        );
    }
}
