//! What WASI HTTP asks the host: may this request go out, and which headers may a guest see or set.

use super::{Allowed, Client, Destination};
use crate::function::{Directory, RequestContext};
use crate::logs::Logs;
use std::sync::{Arc, Weak};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody,
    WasiHttpHooks,
};

type Sent = Result<(
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<()>> + Send>,
)>;

/// The hooks for requests that a component receives. They let `host` through, which WASI HTTP hides and Spin shows.
pub(crate) struct Inbound;

impl WasiHttpHooks for Inbound {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| name != http::header::HOST && DEFAULT_FORBIDDEN_HEADERS.contains(name))
    }
}

/// The hooks for requests that a component sends.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) component: String,
    pub(crate) allowed: Arc<Vec<Allowed>>,
    pub(crate) client: Arc<Client>,
    pub(crate) directory: Weak<Directory>,
    pub(crate) logs: Logs,
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_result: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let this = self.clone();
        Box::new(async move {
            let response = this.send(request, options).await?;
            let done: Box<dyn Future<Output = Result<()>> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

impl Outbound {
    async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<http::Response<WasiBody>> {
        let destination = Destination::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        if !self
            .allowed
            .iter()
            .any(|allowed| allowed.allows(&destination))
        {
            let (scheme, authority) = (request.uri().scheme_str(), request.uri().authority());
            let entry = match (&destination, scheme, authority) {
                (Destination::Own, ..) => "http://self".to_owned(),
                (_, Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
                _ => "its host".to_owned(),
            };
            // Without the path and the query: these may hold secrets.
            self.logs.host(&format!(
                "{} may not call {entry}: to allow it, add \"{entry}\" to component.{}.allowed_outbound_hosts",
                self.component,
                self.component,
            ));
            return Err(Error::HttpRequestDenied);
        }
        let component = match destination {
            Destination::Outside { .. } => return self.client.send(request, options).await,
            Destination::Component(id) => Some(id),
            Destination::Own => None,
        };
        let directory = self
            .directory
            .upgrade()
            .ok_or(Error::DestinationUnavailable)?;
        let context = Arc::new(RequestContext::of(&request));
        let handling = async {
            match component {
                Some(id) => directory.call(&id, context, request).await,
                None => directory.call_own(context, request).await,
            }
        };
        match options.and_then(|options| options.first_byte_timeout) {
            Some(limit) => tokio::time::timeout(limit, handling)
                .await
                .map_err(|_| Error::ConnectionReadTimeout)?,
            None => handling.await,
        }
    }
}
