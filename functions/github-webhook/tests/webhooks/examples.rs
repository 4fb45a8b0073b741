//! Every example payload of GitHub's, each five times at once and once more in another order: the beads that exist
//! afterwards are exactly those that must.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use loom_platform::{Platform, Statements};
use loom_test_support::{Example, ExpectedBead, Random, expected_beads, github_examples};

use crate::world::World;

impl World {
    /// With a project for each repository that the examples are about.
    async fn of(examples: &[Example]) -> Self {
        let world = Self::empty().await;
        let mut seen = BTreeSet::new();
        for example in examples {
            let Some(repository) = example.repository() else {
                continue;
            };
            if seen.insert(repository.to_lowercase()) {
                let branch = example.payload["repository"]["default_branch"].as_str();
                world.register(repository, branch.unwrap_or("main")).await;
            }
        }
        world
    }

    async fn example(&self, example: &Example) {
        let request = self.signed(&example.event, &example.guid, &example.body);
        let answer = self.send(request).await;
        let is_2xx = (200..300).contains(&answer.status);
        assert!(
            is_2xx,
            "{} {}: {}",
            example.event,
            answer.status,
            answer.json()
        );
    }

    /// The beads that there are, as far as they have to do with issues and pull requests; and how many there are in all.
    async fn beads(&self) -> (BTreeSet<ExpectedBead>, usize) {
        let sql = "SELECT project.git_repo, bead.title, bead.status, \
                   json_extract(bead.context, '$.github_issue'), \
                   json_extract(bead.context, '$.github_pull_request') \
                   FROM bead JOIN project ON project.id = bead.project_id";
        let rows = self.platform.database().query(sql, vec![]).await.unwrap();
        let beads = rows.iter().map(|row| {
            let issue = row.optional_integer(3).unwrap();
            let repository = row.text(0).unwrap();
            let title = row.text(1).unwrap();
            let plain = title.split_once(" - ").filter(|_| issue.is_none());
            ExpectedBead {
                repository: repository
                    .trim_start_matches("http://github.test/")
                    .to_owned(),
                number: issue
                    .or(row.optional_integer(4).unwrap())
                    .unwrap_or_default(),
                is_pull_request: issue.is_none(),
                title: plain.map_or(title.clone(), |(_, title)| title.to_owned()),
                is_closed: row.text(2).unwrap() == "closed",
            }
        });
        (beads.collect(), rows.len())
    }

    async fn assert_exactly(&self, expected: &BTreeSet<ExpectedBead>) {
        self.platform.tasks().finished().await;
        self.sweep().await;
        let (found, count) = self.beads().await;
        assert_eq!(&found, expected);
        assert_eq!(count, expected.len(), "none is there twice");
        let unfinished =
            "SELECT COUNT(*) FROM delivery WHERE status NOT IN ('processed', 'ignored')";
        assert_eq!(self.count(unfinished).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_is_taken_and_leaves_exactly_the_beads_that_it_must() {
    let examples = github_examples();
    let expected = expected_beads(&examples);
    assert!(expected.len() >= 2, "{expected:?}");
    let world = World::of(&examples).await;
    for example in &examples {
        join_all((0..5).map(|_| world.example(example))).await;
    }
    world.assert_exactly(&expected).await;
    let kinds: BTreeSet<&str> = examples.iter().map(|one| one.event.as_str()).collect();
    let sql = "SELECT COUNT(DISTINCT event) FROM delivery";
    assert_eq!(
        usize::try_from(world.count(sql).await).unwrap(),
        kinds.len()
    );
    for example in examples.iter().rev() {
        world.example(example).await;
    }
    world.assert_exactly(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_order_they_leave_the_same_beads() {
    let examples = github_examples();
    let expected = expected_beads(&examples);
    for seed in 1..=3 {
        let mut shuffled: Vec<&Example> = examples.iter().chain(&examples).collect();
        let mut random = Random::new(seed);
        for index in (1..shuffled.len()).rev() {
            let other = random.within(0..=index as u64);
            shuffled.swap(index, usize::try_from(other).unwrap());
        }
        let world = World::of(&examples).await;
        for batch in shuffled.chunks(40) {
            join_all(batch.iter().map(|example| world.example(example))).await;
        }
        world.assert_exactly(&expected).await;
    }
}
