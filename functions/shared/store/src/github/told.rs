use loom_domain::{event::NewEvent, github::intent::Announcement, project::Project};
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change};

/// Records an event that motivations may wait for, once for each thing that it tells of.
pub(super) async fn announce<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    announcement: &Announcement,
) -> Result<(), StoreError> {
    if let Some(key) = &announcement.once {
        let sql = "INSERT OR IGNORE INTO github_told (project_id, key) VALUES (?1, ?2)";
        let values = vec![(&project.id).into(), key.into()];
        if change.tx.execute(sql, values).await? == 0 {
            return Ok(());
        }
    }
    let mut event = NewEvent::new(announcement.kind).project(&project.id);
    event.data = announcement.data.clone();
    change.event(event).await?;
    Ok(())
}
