//! What is in the database.

use loom_domain::bead::{Bead, BeadInput};
use loom_domain::project::{Project, ProjectInput};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::migrate::migrate;
use loom_store::{Change, bead, project};

/// Who makes what a test sets up.
const ACTOR: &str = "test";

/// Registers a project without a team. What is absent is that of `Demo` in `/srv/demo`.
pub async fn project<P: Platform>(platform: &P, input: ProjectInput) -> Project {
    let input = ProjectInput {
        name: input.name.or_else(|| Some("Demo".to_owned())),
        git_repo: input.git_repo.or_else(|| Some("/srv/demo".to_owned())),
        ..input
    };
    migrate(platform.database()).await.unwrap();
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), ACTOR).await.unwrap();
    let project = project::register(&change, input.register().unwrap(), false)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    project
}

/// Files a bead with nothing but a title.
pub async fn bead<P: Platform>(platform: &P, project_id: &str, title: &str) -> Bead {
    let input = BeadInput {
        project_id: Some(project_id.to_owned()),
        title: Some(title.to_owned()),
        ..BeadInput::default()
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), ACTOR).await.unwrap();
    let (bead, _) = bead::file(&change, input, bead::Origin::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    bead
}

/// Executes a statement.
pub async fn execute<P: Platform>(platform: &P, sql: &str) {
    platform.database().execute(sql, vec![]).await.unwrap();
}

/// The one number that a query answers with.
pub async fn count<P: Platform>(platform: &P, sql: &str) -> i64 {
    let row = platform.database().query_one(sql, vec![]).await.unwrap();
    row.unwrap().integer(0).unwrap()
}

/// Every row of these tables, to be compared with those of another moment: what a refused request must not change.
pub async fn rows<P: Platform>(platform: &P, tables: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for table in tables {
        let sql = format!("SELECT * FROM {table}");
        for row in platform.database().query(&sql, vec![]).await.unwrap() {
            rows.push(format!("{table} {row:?}"));
        }
    }
    rows
}
