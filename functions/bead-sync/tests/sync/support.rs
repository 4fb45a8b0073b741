//! A Loom with one project, whose beads are kept in a shared repository.

use std::collections::BTreeMap;

use loom_api::testing::{execute, platform, play};
use loom_bead_sync::sync;
use loom_domain::{
    bead::{Bead, BeadInput},
    bead_file::{BeadFile, FileComment},
    project::{Project, ProjectInput},
};
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{
    Change, StoreError,
    bead::{self, Origin},
    bead_sync::{self, RecordedConflict, Report},
    knowledge,
    migrate::migrate,
    project,
};
use loom_workspace::{Workspace, memory::MemoryWorkspace};

pub(crate) const REPOSITORY: &str = "/srv/demo";
pub(crate) const BRANCH: &str = "beads";

/// Every bead of a project as a file would have it, by id.
pub(crate) type Beads = BTreeMap<String, BeadFile>;

pub(crate) struct Loom {
    pub(crate) platform: NativePlatform,
    pub(crate) project: Project,
}

impl Loom {
    pub(crate) async fn new(prefix: &str) -> Self {
        Self::at(prefix, REPOSITORY, BRANCH).await
    }

    pub(crate) async fn at(prefix: &str, repository: &str, branch: &str) -> Self {
        let platform = platform();
        play(&platform, "dispatch-tick");
        migrate(platform.database()).await.unwrap();
        let input = ProjectInput {
            name: Some("Demo".into()),
            git_repo: Some(repository.into()),
            bead_prefix: Some(prefix.into()),
            ..ProjectInput::default()
        };
        let mut project = input.register().unwrap();
        project.bead_sync_branch = Some(branch.into());
        let tx = platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, platform.random(), "test").await.unwrap();
        let project = project::register(&change, project, true).await.unwrap();
        tx.commit().await.unwrap();
        Self { platform, project }
    }

    pub(crate) async fn sync<W: Workspace>(&self, workspace: &W) -> Report {
        let report = sync(&self.platform, workspace, &self.project.id).await;
        let report = report.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(report.code, None, "{report:?}");
        report
    }

    pub(crate) async fn file(&self, input: BeadInput) -> Bead {
        let input = BeadInput {
            project_id: Some(self.project.id.clone()),
            ..input
        };
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "ann")
            .await
            .unwrap();
        let (bead, _) = bead::file(&change, input, Origin::default()).await.unwrap();
        tx.commit().await.unwrap();
        bead
    }

    pub(crate) async fn titled(&self, title: &str) -> Bead {
        self.file(BeadInput {
            title: Some(title.into()),
            ..BeadInput::default()
        })
        .await
    }

    /// Changes a bead; what the rules refuse is not done.
    pub(crate) async fn update(&self, id: &str, input: BeadInput) -> Result<Bead, StoreError> {
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), "ann").await?;
        let bead = bead::get(&tx, id).await?;
        let bead = bead::update(&change, &bead, input).await?;
        tx.commit().await?;
        Ok(bead)
    }

    pub(crate) async fn rename(&self, id: &str, title: &str) {
        let input = BeadInput {
            title: Some(title.into()),
            ..BeadInput::default()
        };
        self.update(id, input).await.unwrap();
    }

    pub(crate) async fn delete(&self, id: &str) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "ann")
            .await
            .unwrap();
        let bead = bead::get(&tx, id).await.unwrap();
        bead::delete(&change, &bead).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn comment(&self, id: &str, text: &str) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "ann")
            .await
            .unwrap();
        knowledge::comment(&change, id, text, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn set(&self, sql: &str) {
        execute(&self.platform, sql).await;
    }

    /// The lease of a syncer that was killed runs out.
    pub(crate) async fn expire_lease(&self) {
        self.set("UPDATE bead_sync SET lease_until = 0").await;
    }

    pub(crate) async fn beads(&self) -> Beads {
        let database = self.platform.database();
        let all = bead::export_page(database, &self.project.id, "", 100_000)
            .await
            .unwrap();
        let ids: Vec<&str> = all.iter().map(|bead| bead.id.as_str()).collect();
        let mut comments: BTreeMap<String, Vec<FileComment>> = BTreeMap::new();
        for (bead_id, comment) in bead::comments_of(database, &ids).await.unwrap() {
            comments.entry(bead_id).or_default().push(comment);
        }
        all.into_iter()
            .map(|bead| {
                let said = comments.remove(&bead.id).unwrap_or_default();
                (bead.id.clone(), BeadFile::of(bead, said))
            })
            .collect()
    }

    pub(crate) async fn conflicts(&self) -> Vec<RecordedConflict> {
        bead_sync::conflicts(self.platform.database(), &self.project.id, 10_000)
            .await
            .unwrap()
    }

    pub(crate) async fn problems(&self) -> Vec<(String, i64, String)> {
        let problems = bead_sync::problems(self.platform.database(), &self.project.id);
        let problems = problems.await.unwrap().into_iter();
        problems
            .map(|problem| (problem.path, problem.line, problem.code))
            .collect()
    }

    pub(crate) async fn events(&self, kind: &str) -> usize {
        let sql = "SELECT COUNT(*) FROM event WHERE kind = ?1";
        let row = self.platform.database().query_one(sql, vec![kind.into()]);
        let count = row.await.unwrap().unwrap().integer(0).unwrap();
        usize::try_from(count).unwrap()
    }
}

/// The file of a bead on the branch.
pub(crate) fn path_of(workspace: &MemoryWorkspace, id: &str) -> String {
    let files = workspace.branch_files(REPOSITORY, "main", BRANCH);
    let mut paths = files
        .keys()
        .filter(|path| path.starts_with(&format!(".beads/beads/{id}")));
    paths.next().unwrap().clone()
}

pub(crate) fn content_of(workspace: &MemoryWorkspace, path: &str) -> String {
    workspace.branch_files(REPOSITORY, "main", BRANCH)[path].clone()
}

/// Changes a file on the branch as a person with an editor does.
pub(crate) fn edit(workspace: &MemoryWorkspace, path: &str, from: &str, to: &str) {
    let content = content_of(workspace, path);
    assert!(content.contains(from), "{content}");
    let content = content.replace(from, to);
    workspace.push_file(REPOSITORY, BRANCH, path, Some(&content));
}
