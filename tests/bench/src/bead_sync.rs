//! How fast beads come into a repository as files, and out of it into an empty Loom.

use std::{
    fmt,
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use loom_api::testing;
use loom_bead_sync::sync;
use loom_domain::{
    bead::{BeadStatus, Priority},
    bead_file::{BeadFile, FileComment, jsonl},
    project::{Project, ProjectInput},
    time::Timestamp,
};
use loom_platform::{
    Database, Platform, Transaction, body_from,
    native::{NativeHttpClient, NativePlatform, handler},
};
use loom_store::{
    Change,
    bead::{self, ImportedBead},
    migrate, project,
};
use loom_workspace::{LocalWorkspace, Workspace, memory::MemoryWorkspace};
use tokio::net::TcpListener;

use crate::{Bench, Result, seed, stats::milliseconds, table::Table};

const TOKEN: &str = "token of a benchmark";
/// How long the beads may take, whatever their number; the goal is for 10,000 of them.
const GOAL: Duration = Duration::from_secs(5);

/// What was measured, through one workspace.
#[derive(Debug)]
pub struct Row {
    /// Which workspace.
    pub what: &'static str,
    /// The first round, which commits every bead.
    pub export: Duration,
    /// The first round of an empty Loom.
    pub import: Duration,
    /// A round after one bead was changed.
    pub one: Duration,
    /// A round with nothing to do.
    pub idle: Duration,
    /// How many beads the empty Loom had in the end.
    pub imported: usize,
}

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// How many beads there were.
    pub beads: usize,
    /// The same beads as lines of JSON, written to a file: what no export can be faster than.
    pub lines: Duration,
    /// By workspace.
    pub rows: Vec<Row>,
}

/// Measures both ways, through a repository in memory and through the workspace service with a real one.
///
/// # Errors
///
/// When a round fails.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let beads = bench.scale.synced_beads;
    let lines = lines(&bench.directory().join("issues.jsonl"), beads)?;
    let memory = MemoryWorkspace::new();
    let mut rows = vec![rounds("in memory", &memory, "/srv/repository", beads).await?];
    let directory = bench.directory().join("bead-sync");
    let repository = directory.join("repository");
    std::fs::create_dir_all(&repository)?;
    let made = Command::new("git")
        .args(["init", "--quiet", "--initial-branch=main"])
        .current_dir(&repository)
        .status()?;
    if !made.success() {
        return Err("git init failed".into());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let config = loom_workspace_service::Config {
        root: directory.join("root"),
        token: TOKEN.to_owned(),
        ..loom_workspace_service::Config::default()
    };
    let service = tokio::spawn(loom_workspace_service::serve(listener, config));
    let local = LocalWorkspace::new(NativeHttpClient::default(), &url, TOKEN);
    let path = repository.to_string_lossy();
    let row = rounds("git, by the workspace service", &local, &path, beads).await;
    service.abort();
    rows.push(row?);
    Ok(Outcome { beads, lines, rows })
}

/// A bead as long as a short bug report, with a comment on every fifth.
fn file(number: usize) -> BeadFile {
    let at = |minutes: usize| {
        let minutes = i64::try_from(minutes).unwrap_or(0);
        Some(Timestamp(1_750_000_000_000 + minutes * 60_000))
    };
    let mut file = BeadFile::new(
        format!("bench-{number:06}"),
        format!("Bead number {number}"),
    );
    file.description = format!("{}\n\nNumber {number}.\n", seed::DESCRIPTION);
    file.tags = vec!["bench".to_owned(), format!("t{}", number % 7)];
    file.priority =
        Priority::new(i64::try_from(number % 4).unwrap_or(2)).unwrap_or(Priority::DEFAULT);
    file.created_by = Some("bench".to_owned());
    (file.created_at, file.updated_at) = (at(number), at(number + 5));
    if number.is_multiple_of(3) {
        file.status = BeadStatus::Closed;
        file.closed_at = at(number + 5);
        file.close_reason = Some("done".to_owned());
    }
    if number > 10 && number.is_multiple_of(4) {
        file.parent = Some(format!("bench-{:06}", number / 10));
        file.blocked_by = vec![format!("bench-{:06}", number / 2)];
    }
    if number.is_multiple_of(5) {
        file.comments.push(FileComment {
            id: format!("c{number}"),
            author: "bench".to_owned(),
            content: "Seen as well.\nTwice.".to_owned(),
            created_at: at(number + 1),
        });
    }
    file
}

/// The baseline: all lines into a file, and onto the disk.
fn lines(path: &Path, beads: usize) -> Result<Duration> {
    let all: Vec<BeadFile> = (0..beads).map(file).collect();
    let begun = Instant::now();
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    for bead in &all {
        out.write_all(jsonl::line(bead).as_bytes())?;
    }
    out.into_inner()
        .map_err(|error| error.into_error())?
        .sync_all()?;
    Ok(begun.elapsed())
}

async fn rounds<W: Workspace>(
    what: &'static str,
    workspace: &W,
    repository: &str,
    beads: usize,
) -> Result<Row> {
    let (full, project) = loom(repository).await?;
    let all: Vec<ImportedBead> = (0..beads)
        .map(|number| ImportedBead::of(number + 1, file(number)))
        .collect();
    let tx = full.database().transaction().await?;
    let change = Change::new(&tx, full.random(), "bench").await?;
    bead::import(&change, &project, all).await?;
    tx.commit().await?;

    let export = round(&full, workspace, &project).await?;
    let (empty, copy) = loom(repository).await?;
    let import = round(&empty, workspace, &copy).await?;
    let imported = bead::export_page(empty.database(), &copy.id, "", i64::MAX).await?;
    let tx = full.database().transaction().await?;
    let change = Change::new(&tx, full.random(), "bench").await?;
    let one = bead::get(&tx, "bench-000001").await?;
    let input = loom_domain::bead::BeadInput {
        title: Some("Changed".to_owned()),
        ..loom_domain::bead::BeadInput::default()
    };
    bead::update(&change, &one, input).await?;
    tx.commit().await?;
    Ok(Row {
        what,
        export,
        import,
        one: round(&full, workspace, &project).await?,
        idle: round(&full, workspace, &project).await?,
        imported: imported.len(),
    })
}

async fn round<W: Workspace>(
    platform: &NativePlatform,
    workspace: &W,
    project: &Project,
) -> Result<Duration> {
    let begun = Instant::now();
    let report = sync(platform, workspace, &project.id)
        .await
        .map_err(|error| error.message().to_owned())?;
    match report.error {
        Some(error) => Err(error.into()),
        None => Ok(begun.elapsed()),
    }
}

/// A Loom with a project whose beads are kept in a repository.
async fn loom(repository: &str) -> Result<(NativePlatform, Project)> {
    let platform = testing::builder().build()?;
    let answer = handler(|_| async { http::Response::new(body_from("{}")) });
    platform.http().route("dispatch-tick.spin.internal", answer);
    migrate::migrate(platform.database()).await?;
    let input = ProjectInput {
        name: Some("Bench".to_owned()),
        git_repo: Some(repository.to_owned()),
        bead_sync_branch: Some("beads".to_owned()),
        ..ProjectInput::default()
    };
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    let project = project::register(&change, input.register()?, false).await?;
    tx.commit().await?;
    Ok((platform, project))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = format!(
            "Beads in the repository: {} beads, natively; milliseconds",
            self.beads
        );
        let heads = ["through", "export", "import", "one changed", "idle"];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            let times = [row.export, row.import, row.one, row.idle].map(milliseconds);
            table.row(std::iter::once(row.what.to_owned()).chain(times));
        }
        let dash = || "-".to_owned();
        table.row([
            "baseline: lines of JSON to a file".to_owned(),
            milliseconds(self.lines),
            dash(),
            dash(),
            dash(),
        ]);
        let longest = self
            .rows
            .iter()
            .flat_map(|row| [row.export, row.import])
            .max()
            .unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.beads as f64 / longest.as_secs_f64();
        table.goal(
            "10,000 beads out or in under 5 s",
            longest < GOAL,
            format!("slowest {:.2} s, {rate:.0} beads/s", longest.as_secs_f64()),
        );
        table.fmt(f)
    }
}
