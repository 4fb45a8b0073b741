use axum::extract::State;
use loom_api::{Error, Json, Page, Paged, Path, Slice, Tagged, version_of};
use loom_domain::connector::{Connector, Delivery, DeliveryStatus};
use loom_platform::Platform;
use loom_store::connector;
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// A connector as an admin sees it: with secrets by name, and whether their values are there.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    connector: Connector,
    /// Scheme, host and port of its URL.
    host: Option<String>,
    /// Why it could send nothing now: a secret or its host is not in the variables.
    problem: Option<String>,
}

impl View {
    pub(crate) fn new(connector: Connector, settings: &Settings) -> Self {
        let (host, problem) = match settings.target(&connector) {
            Ok(target) => (Some(target.address.origin().to_string()), None),
            Err(refusal) => (None, Some(refusal.message)),
        };
        Self {
            connector,
            host,
            problem,
        }
    }

    /// Whether its secrets and its host are in the variables.
    pub(crate) fn is_usable(&self) -> bool {
        self.problem.is_none()
    }

    /// With the `ETag` of its content: also what it counts by itself belongs to it.
    pub(crate) fn tagged(connector: Connector, settings: &Settings) -> Tagged<Json<Self>> {
        let version = version_of(&connector);
        Tagged(version, Json(Self::new(connector, settings)))
    }
}

/// In the order of their ids.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    page: Page,
) -> Result<Slice<View>, Error> {
    let settings = Settings::load(&platform).await?;
    let after = page.cursor::<String>()?.unwrap_or_default();
    let rows = connector::list(platform.database(), &after, page.fetch()).await?;
    let slice = page.answer(rows, |connector| connector.id.clone());
    Ok(slice.map(|connector| View::new(connector, &settings)))
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<View>>, Error> {
    let settings = Settings::load(&platform).await?;
    let connector = connector::get(platform.database(), &id).await?;
    Ok(View::tagged(connector, &settings))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    status: Option<DeliveryStatus>,
}

/// Newest first.
pub(crate) async fn deliveries<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Delivery>, Error> {
    connector::get(platform.database(), &id).await?;
    let before = page.cursor::<(i64, String)>()?;
    let rows = connector::log(
        platform.database(),
        &id,
        filter.status,
        before,
        page.fetch(),
    )
    .await?;
    Ok(page.answer(rows, |delivery| {
        (delivery.created_at.0, delivery.id.clone())
    }))
}
