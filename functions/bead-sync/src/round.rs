use loom_domain::{
    Refusal,
    bead_file::{ISSUES, TOMBSTONE_MS},
    project::Project,
    time::Timestamp,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    bead_sync::{self, ACTOR, Counts, FileRow, Found, Incoming, Lease, Problem, Report, State},
};
use loom_workspace::{BranchFile, Workspace};

use crate::{
    commit::{Batches, message, trailer},
    incoming::{self, Seen},
    issues,
    repository::{Branch, Listing},
    stop::Stop,
    sync::LEASE_MS,
};

/// How many beads one transaction brings together.
const CHUNK: usize = 500;

/// A round of the sync.
pub(crate) struct Round<'a, P, W> {
    platform: &'a P,
    branch: Branch<'a, W>,
    name: &'a str,
    project: &'a Project,
    pub(crate) lease: &'a Lease,
    counts: Counts,
    problems: Vec<Problem>,
    head: Option<String>,
    /// The content of `issues.jsonl` as it was last written or read.
    pub(crate) issues_blob: Option<String>,
}

impl<'a, P: Platform, W: Workspace> Round<'a, P, W> {
    pub(crate) fn new(
        platform: &'a P,
        workspace: &'a W,
        project: &'a Project,
        name: &'a str,
        lease: &'a Lease,
    ) -> Self {
        Self {
            platform,
            branch: Branch::new(workspace, project, name, lease),
            name,
            project,
            lease,
            counts: Counts::default(),
            problems: Vec::new(),
            head: None,
            issues_blob: None,
        }
    }

    /// What was done so far.
    pub(crate) fn report(&self, refusal: Option<Refusal>) -> Report {
        Report {
            counts: Counts {
                problems: self.problems.len(),
                ..self.counts.clone()
            },
            head: self.head.clone(),
            ..refusal.as_ref().map(Report::refused).unwrap_or_default()
        }
    }

    /// One attempt; [`Stop::Moved`] means that another one is due.
    pub(crate) async fn once(&mut self, attempt: u32) -> Result<(), Stop> {
        let (listing, rows) = self.list().await?;
        self.head.clone_from(&listing.head);
        let database = self.platform.database();
        let state = bead_sync::state(database, &self.project.id).await?;
        let (mut seen, can_write_issues) = self.look(&listing, &state, &rows).await?;
        for id in bead_sync::changed(database, &self.project.id).await? {
            if !seen.is_left_alone(&id) {
                seen.incoming.entry(id.clone()).or_insert(Incoming {
                    bead_id: id,
                    found: Found::Unchanged,
                });
            }
        }
        let mut batches = Batches::new(self.project, self.lease, attempt);
        self.problems = std::mem::take(&mut seen.problems);
        self.settle(seen, &mut batches).await?;
        self.bury(&listing, &mut batches).await?;
        let has_issues = listing.files.iter().any(|file| file.path == ISSUES);
        if can_write_issues && (!batches.is_empty() || !has_issues) {
            self.list_issues(has_issues, &mut batches).await?;
        }
        self.commit(batches).await?;
        self.keep_problems().await
    }

    /// Lists the branch, and takes note of what is known of earlier commits now. What is known of the files comes with
    /// it.
    async fn list(&mut self) -> Result<(Listing, Vec<FileRow>), Stop> {
        let database = self.platform.database();
        let unfinished = bead_sync::unfinished(database, &self.project.id).await?;
        let trailers = unfinished.iter().map(|id| trailer(id)).collect();
        let listing = self.branch.list(trailers).await?;
        let landed: Vec<String> = unfinished
            .into_iter()
            .filter(|id| listing.landed.contains(&trailer(id)))
            .collect();
        let mut rows = bead_sync::files(database, &self.project.id).await?;
        let known = rows.iter().filter(|row| row.has_base).count();
        // A directory that has gone as a whole is a mishap, and not the deletion of all beads.
        let is_lost = known > 1 && incoming::bead_files(&listing.files).is_empty();
        let exists = listing.head.is_some() && !is_lost;
        let tx = database.transaction().await?;
        let change = Change::new(&tx, self.platform.random(), ACTOR).await?;
        bead_sync::hold(&tx, self.lease, LEASE_MS).await?;
        let is_forgotten = bead_sync::begin(&change, self.project, self.name, exists).await?;
        bead_sync::landed(&change, self.lease, &landed).await?;
        tx.commit().await?;
        if is_forgotten || !landed.is_empty() {
            rows = bead_sync::files(database, &self.project.id).await?;
        }
        Ok((listing, rows))
    }

    /// What the branch has that is not known, and whether `issues.jsonl` may be replaced.
    async fn look(
        &mut self,
        listing: &Listing,
        state: &State,
        rows: &[FileRow],
    ) -> Result<(Seen, bool), Stop> {
        let files = incoming::bead_files(&listing.files);
        let unknown = incoming::to_read(&files, rows);
        let is_small = |file: &&&BranchFile| file.bytes <= loom_domain::bead_file::MAX_BYTES as u64;
        let small: Vec<&BranchFile> = unknown.iter().filter(is_small).copied().collect();
        let large: Vec<&BranchFile> = unknown
            .iter()
            .filter(|file| !is_small(file))
            .copied()
            .collect();
        let Some(head) = &listing.head else {
            return Ok((incoming::compare(&files, &[], Vec::new(), rows), true));
        };
        let mut contents = self.branch.read(head, &small).await?;
        contents.extend(large.iter().map(|file| loom_workspace::FileContent {
            path: file.path.clone(),
            content: None,
        }));
        let read: Vec<&BranchFile> = small.into_iter().chain(large).collect();
        let mut seen = incoming::compare(&files, &read, contents, rows);
        let lines = listing.files.iter().find(|file| file.path == ISSUES);
        let Some(lines) = lines.filter(|file| state.issues_blob.as_ref() != Some(&file.blob))
        else {
            return Ok((seen, true));
        };
        if lines.bytes > issues::LARGEST as u64 {
            return Ok((seen, true));
        }
        let mut text = self.branch.read(head, &[lines]).await?;
        let text = text.pop().and_then(|file| file.content).unwrap_or_default();
        let before = seen.problems.len();
        issues::take_in(self.platform, &lines.blob, &text, &mut seen).await?;
        let is_sound = seen.problems.len() == before;
        if is_sound {
            self.issues_blob = Some(lines.blob.clone());
        }
        Ok((seen, is_sound))
    }

    /// Brings everything together, some hundred beads in a transaction.
    async fn settle(&mut self, seen: Seen, batches: &mut Batches) -> Result<(), Stop> {
        let ordered = incoming::in_order(seen.incoming);
        let mut rest = ordered.into_iter();
        loop {
            let chunk: Vec<Incoming> = rest.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let commit = batches.next();
            let tx = self.platform.database().transaction().await?;
            let change = Change::new(&tx, self.platform.random(), ACTOR).await?;
            bead_sync::hold(&tx, self.lease, LEASE_MS).await?;
            let settled =
                bead_sync::settle(&change, self.project, chunk, &seen.unreadable, &commit).await?;
            tx.commit().await?;
            self.counts.created += settled.counts.created;
            self.counts.updated += settled.counts.updated;
            self.counts.deleted += settled.counts.deleted;
            self.counts.conflicts += settled.counts.conflicts;
            self.problems.extend(settled.problems);
            batches.write(settled.writes);
        }
    }

    /// Removes the files of beads that were deleted long ago.
    async fn bury(&mut self, listing: &Listing, batches: &mut Batches) -> Result<(), Stop> {
        let database = self.platform.database();
        let before = Timestamp(loom_store::now(database).await?.0 - TOMBSTONE_MS);
        let expired = bead_sync::expired(database, &self.project.id, before).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let commit = batches.next();
        let ids: Vec<&str> = expired.iter().map(|(id, _)| id.as_str()).collect();
        let tx = database.transaction().await?;
        let change = Change::new(&tx, self.platform.random(), ACTOR).await?;
        bead_sync::hold(&tx, self.lease, LEASE_MS).await?;
        bead_sync::remove(&change, self.lease, &ids, &commit).await?;
        tx.commit().await?;
        for (_, path) in expired {
            if listing.files.iter().any(|file| file.path == path) {
                batches.add(path, None);
            }
        }
        Ok(())
    }

    async fn list_issues(&mut self, has_issues: bool, batches: &mut Batches) -> Result<(), Stop> {
        match issues::text(self.platform, &self.project.id).await? {
            Some(text) if !text.is_empty() || has_issues => {
                batches.add(ISSUES.to_owned(), Some(text));
            }
            Some(_) => {}
            None => self.problems.push(Problem {
                path: ISSUES.to_owned(),
                line: 0,
                code: "issues_too_large".to_owned(),
                bead_id: None,
                message: format!(
                    "The lines of all beads have more than {} bytes and are not written any more. The beads' own files are.",
                    issues::LARGEST
                ),
                blob: None,
            }),
        }
        Ok(())
    }

    async fn commit(&mut self, batches: Batches) -> Result<(), Stop> {
        let all = batches.all.into_iter();
        for batch in all.filter(|batch| !batch.files.is_empty()) {
            let count = batch
                .files
                .iter()
                .filter(|file| file.path != ISSUES)
                .count();
            let head = self.head.clone();
            let (commit, files) = self
                .branch
                .commit(head.as_deref(), batch.files, message(&batch.id))
                .await?;
            self.head = Some(commit);
            self.counts.committed += count;
            let mut blobs = Vec::new();
            for file in files {
                if file.path == ISSUES {
                    self.issues_blob = Some(file.blob);
                } else if let Some(bead_id) = batch.beads.get(&file.path) {
                    blobs.push((bead_id.clone(), file.blob));
                }
            }
            let tx = self.platform.database().transaction().await?;
            let change = Change::new(&tx, self.platform.random(), ACTOR).await?;
            bead_sync::hold(&tx, self.lease, LEASE_MS).await?;
            bead_sync::committed(&change, self.lease, &batch.id, &blobs).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn keep_problems(&mut self) -> Result<(), Stop> {
        self.problems.sort();
        self.problems.dedup_by(|one, other| {
            (&one.path, one.line, &one.code) == (&other.path, other.line, &other.code)
        });
        let tx = self.platform.database().transaction().await?;
        let change = Change::new(&tx, self.platform.random(), ACTOR).await?;
        bead_sync::hold(&tx, self.lease, LEASE_MS).await?;
        bead_sync::replace_problems(&change, self.lease, &self.problems).await?;
        Ok(tx.commit().await?)
    }
}
