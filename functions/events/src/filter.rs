use loom_api::Error;
use loom_domain::event::EventKind;
use loom_store::event::EventFilter;
use serde::Deserialize;

/// What a request asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Parameters {
    pub(crate) after: Option<i64>,
    pub(crate) before: Option<i64>,
    pub(crate) limit: Option<i64>,
    project_id: Option<String>,
    bead_id: Option<String>,
    r#type: Vec<String>,
}

impl Parameters {
    /// What narrows; a kind that no event has is refused, since it would match nothing for ever.
    pub(crate) fn filter(&self) -> Result<EventFilter, Error> {
        let unknown = self
            .r#type
            .iter()
            .find(|kind| EventKind::ALL.iter().all(|known| known.as_str() != *kind));
        if let Some(kind) = unknown {
            let known: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let problem = format!(
                "no event is of the type {kind}; they are {}",
                known.join(", ")
            );
            return Err(Error::invalid_fields().field("type", problem));
        }
        Ok(EventFilter {
            project_id: self.project_id.clone(),
            bead_id: self.bead_id.clone(),
            kinds: self.r#type.clone(),
        })
    }
}
