use crate::Target;
use bindings::spin::variables::variables;
use bindings::{Error, Guest, Metadata};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme};

#[allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "generated; the text is in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/spin-variables", "../../wit/spin-cron", "../../wit/cron-forwarder"],
        world: "loom:cron-forwarder/cron-forwarder",
        generate_all,
    });

    use super::Forwarder;
    export!(Forwarder);
}

const CONNECT_NANOSECONDS: u64 = 2_000_000_000;
const ANSWER_NANOSECONDS: u64 = 10_000_000_000;

struct Forwarder;

impl Guest for Forwarder {
    async fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        forward().await.map_err(Error::Other)
    }
}

async fn forward() -> Result<(), String> {
    let url = variable("url").await?;
    let token = variable("token").await?;
    let target = Target::parse(&url).map_err(|error| error.to_string())?;
    let status =
        post(&target, &token).map_err(|reason| format!("{url} could not be reached: {reason}"))?;
    match status {
        200..=299 => Ok(()),
        401 | 403 => Err(format!(
            "{url} answered {status}: is loom_service_token the same for the cron component and the API?"
        )),
        _ => Err(format!(
            "{url} answered {status}; the log of that function says why"
        )),
    }
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name.to_owned())
        .await
        .map_err(|error| format!("the variable {name} can't be read: {error:?}"))
}

/// The status of the answer to an empty `POST`.
fn post(target: &Target, token: &str) -> Result<u16, String> {
    let headers = Fields::new();
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("content-length", "0".to_owned()),
    ] {
        headers
            .append(name, value.as_bytes())
            .map_err(|error| format!("the header {name} is refused: {error:?}"))?;
    }
    let request = OutgoingRequest::new(headers);
    let scheme = if target.secure {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let unusable = |()| "the host refuses a part of the URL".to_owned();
    request.set_method(&Method::Post).map_err(unusable)?;
    request.set_scheme(Some(&scheme)).map_err(unusable)?;
    request
        .set_authority(Some(&target.authority))
        .map_err(unusable)?;
    request
        .set_path_with_query(Some(&target.path))
        .map_err(unusable)?;
    let body = request.body().map_err(unusable)?;
    let options = RequestOptions::new();
    // A host without timeouts says so here; then the trigger's own limit is the only one.
    let _ = options.set_connect_timeout(Some(CONNECT_NANOSECONDS));
    let _ = options.set_first_byte_timeout(Some(ANSWER_NANOSECONDS));
    let answer = handle(request, Some(options)).map_err(|error| format!("{error:?}"))?;
    OutgoingBody::finish(body, None).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response.status()),
        Some(Ok(Err(error))) => Err(format!("{error:?}")),
        _ => Err("no answer".to_owned()),
    }
}
