//! How an answered run goes on, and what stops it.

use loom_domain::{
    agent::AgentStatus,
    bead::{BeadInput, BeadStatus},
    project::{Project, ProjectStatus},
    run::{EndReason, RunStatus},
};
use loom_platform::{Platform, Statements};
use loom_store::{
    agent,
    run::{self, Resumed},
};

use crate::common::{RETRY, World};
use crate::{close, get, resumable, resume, resume_within, waiting, working, write};

#[tokio::test]
async fn a_run_is_resumed_when_there_is_room() {
    let world = World::new().await;
    let (parent, child, hold, agent) = waiting(&world).await;
    let touches = |path: &str| BeadInput {
        touches: Some(vec![path.to_owned()]),
        ..Default::default()
    };
    world.update(&parent.id, touches("src/**")).await.unwrap();
    close(&world, &child, "done").await;
    let other = world.file(BeadInput {
        title: Some("other".into()),
        ..touches("src/lib.rs")
    });
    let other = other.await.unwrap();

    // Its agent is at other work, which changes the same paths, and fills the only place.
    let at_other = working(&world, &other, &agent).await;
    assert_eq!(resume(&world, &hold).await, Resumed::Later("agent_busy"));
    let bob = world.agent("bob").await.id;
    let sql =
        "UPDATE agent SET current_run = NULL, current_bead = NULL, status = 'idle' WHERE id = ?1";
    let database = world.platform.database();
    database.execute(sql, vec![(&agent).into()]).await.unwrap();
    let moved = "UPDATE run SET agent_id = ?1 WHERE id = ?2";
    let values = vec![(&bob).into(), (&at_other.run_id).into()];
    database.execute(moved, values).await.unwrap();
    let taken =
        "UPDATE agent SET current_run = ?2, current_bead = 'x', status = 'busy' WHERE id = ?1";
    let values = vec![(&bob).into(), (&at_other.run_id).into()];
    database.execute(taken, values).await.unwrap();

    assert_eq!(
        resume_within(&world, &hold, 1).await,
        Resumed::Later("at_capacity")
    );
    assert_eq!(
        resume(&world, &hold).await,
        Resumed::Later("touches_overlap")
    );
    let narrow = "UPDATE project SET max_concurrent = 1";
    database.execute(narrow, vec![]).await.unwrap();
    assert_eq!(
        resume(&world, &hold).await,
        Resumed::Later("project_at_capacity")
    );
    let end = EndReason::DoneWithoutChange;
    write!(world, |change| run::end(
        &change, &at_other, end, RETRY, None
    ))
    .unwrap();
    assert_eq!(
        resumable(&world).await,
        [hold.run_id.as_str()],
        "it stays the first in line"
    );
    assert_eq!(resume_within(&world, &hold, 1).await, Resumed::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_resume_a_run_one_does() {
    let world = World::new().await;
    let (_, child, hold, _) = waiting(&world).await;
    close(&world, &child, "done").await;
    let all = (0..12).map(|_| resume(&world, &hold));
    let all = futures_util::future::join_all(all).await;
    let queued = all.iter().filter(|one| **one == Resumed::Queued).count();
    assert_eq!(queued, 1, "{all:?}");
    let gone = all
        .iter()
        .filter(|one| **one == Resumed::NotResumable)
        .count();
    assert_eq!(gone, 11, "{all:?}");
}

#[tokio::test]
async fn a_run_that_cannot_go_on_opens_its_bead_again() {
    for (obstacle, told) in [
        ("gone", "deleted"),
        ("stuck", "no persona"),
        ("moved", "another project"),
        ("project", "closed"),
    ] {
        let world = World::new().await;
        let (parent, child, hold, agent) = waiting(&world).await;
        close(&world, &child, "done").await;
        let worker = agent::get(world.platform.database(), &agent).await.unwrap();
        let database = world.platform.database();
        match obstacle {
            "gone" => write!(world, |change| agent::delete(&change, &worker)).unwrap(),
            "stuck" => write!(world, |change| agent::set_status(
                &change,
                &worker,
                AgentStatus::Stuck,
                Some("no persona")
            ))
            .unwrap(),
            "moved" => {
                let input = loom_domain::project::ProjectInput {
                    name: Some("Other".into()),
                    git_repo: Some("/srv/other".into()),
                    ..Default::default()
                };
                let other = input.register().unwrap();
                let other = write!(world, |change| loom_store::project::register(
                    &change, other, false
                ))
                .unwrap();
                let sql = "UPDATE agent SET project_id = ?1";
                database.execute(sql, vec![other.id.into()]).await.unwrap();
            }
            _ => {
                let closed = Project {
                    status: ProjectStatus::Closed,
                    ..world.project.clone()
                };
                let kind = loom_domain::event::EventKind::ProjectClosed;
                write!(world, |change| loom_store::project::update(
                    &change, closed, kind
                ))
                .unwrap();
            }
        }
        assert_eq!(
            resume(&world, &hold).await,
            Resumed::Cancelled,
            "{obstacle}"
        );
        let run = get(&world, &hold).await;
        assert_eq!(
            (run.status, run.reason.as_deref()),
            (RunStatus::Cancelled, Some("cancelled"))
        );
        assert!(run.summary.unwrap().contains(told), "{obstacle}");
        let bead = world.read(&parent.id).await;
        assert_eq!(
            (bead.status, bead.failed_runs),
            (BeadStatus::Open, 0),
            "{obstacle}"
        );
    }
}
