//! What is left of a run that ends while it waits: nothing.

use loom_domain::{
    agent::AgentStatus,
    bead::BeadStatus,
    run::{RunStatus, Wait},
};
use loom_platform::Platform;
use loom_store::{bead, decision, run};

use crate::common::World;
use crate::{agent_status, ask, close, get, resumable, said, wait_for, working, write};

#[tokio::test]
async fn the_end_of_a_waiting_run_leaves_nothing_behind_and_its_agents_other_run_alone() {
    enum How {
        Cancel,
        Close,
        Delete,
    }
    for how in [How::Cancel, How::Close, How::Delete] {
        let world = World::new().await;
        let (parent, child) = (world.bead("parent").await, world.bead("child").await);
        let agent = world.agent("ann").await.id;
        let hold = working(&world, &parent, &agent).await;
        let asked = ask(&world, &parent, &hold).await;
        let waits = [Wait::bead(&child.id), Wait::decision(&asked)];
        wait_for(&world, &hold, &waits).await.unwrap();
        let other = working(&world, &child, &agent).await;
        let now = world.read(&parent.id).await;
        match how {
            How::Cancel => {
                write!(world, |change| run::cancel(&change, &hold.run_id, "enough")).unwrap();
                assert_eq!(world.read(&parent.id).await.status, BeadStatus::Open);
            }
            How::Close => close(&world, &parent, "enough").await,
            How::Delete => write!(world, |change| bead::delete(&change, &now)).unwrap(),
        }
        let run = get(&world, &hold).await;
        assert_eq!(run.status, RunStatus::Cancelled);
        assert!(run.fence > hold.fence);
        assert_eq!(world.count("SELECT COUNT(*) FROM run_wait").await, 0);
        let asked = decision::get(world.platform.database(), &asked)
            .await
            .unwrap();
        assert_eq!(asked.decision.as_deref(), Some("withdrawn"));
        assert_eq!(agent_status(&world, &agent).await, AgentStatus::Busy);
        assert_eq!(get(&world, &other).await.status, RunStatus::Running);
        let freed = "SELECT COUNT(*) FROM event WHERE kind = 'agent.status_change' AND json_extract(data, '$.new_status') = 'idle'";
        assert_eq!(world.count(freed).await, 1, "only by the wait itself");
        // The answer comes too late, and changes nothing.
        close(&world, &child, "done").await;
        assert!(resumable(&world).await.is_empty());
        assert!(said(&world, &hold).await.is_empty());
    }
}
