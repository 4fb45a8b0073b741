use std::time::Duration;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Starts with compiled components cached.
    pub starts: usize,
    /// Beads that are there before requests are measured.
    pub seeded_beads: usize,
    /// Connections that send requests at once, one measurement each.
    pub concurrency: Vec<usize>,
    /// Turns that each side gets for one measurement.
    pub turns: usize,
    /// How long a turn lasts at most.
    pub turn: Duration,
    /// How many requests a turn has at most.
    pub turn_requests: u64,
    /// Sizes of the databases for the tick; the first is what the others are compared with.
    pub tick_beads: Vec<i64>,
    /// Ticks of each kind on each size.
    pub ticks: usize,
    /// Runs of 24 measured steps: natively, and through the components.
    pub runs: (usize, usize),
    /// Executions of workflows, and as many plain beads, that are there before transitions are measured.
    pub executions: usize,
    /// How long a turn of transitions lasts at most.
    pub workflow_turn: Duration,
    /// Lengths of histories; the first is what the others are compared with.
    pub histories: Vec<i64>,
    /// Transitions of each kind at each length.
    pub transitions: usize,
    /// Approvals after which the next run is awaited, and as many plain beads.
    pub approvals: usize,
    /// Deliveries that come at a steady rate.
    pub deliveries: u64,
    /// How long a turn of deliveries as fast as they are answered lasts at most.
    pub delivery_turn: Duration,
    /// Beads that are synced with a repository.
    pub synced_beads: usize,
}

impl Scale {
    /// For figures that are quoted.
    pub fn full() -> Self {
        Self {
            starts: 5,
            seeded_beads: 1_000,
            concurrency: vec![1, 16, 64],
            turns: 3,
            turn: Duration::from_secs(3),
            turn_requests: 1_000_000,
            tick_beads: vec![1_000, 100_000, 1_000_000],
            ticks: 200,
            runs: (20, 10),
            executions: 500,
            workflow_turn: Duration::from_millis(700),
            histories: vec![10, 100, 1_000],
            transitions: 200,
            approvals: 30,
            deliveries: 3_000,
            delivery_turn: Duration::from_millis(1_500),
            synced_beads: 10_000,
        }
    }

    /// For a look.
    pub fn quick() -> Self {
        Self {
            starts: 3,
            seeded_beads: 200,
            turns: 1,
            turn: Duration::from_millis(400),
            tick_beads: vec![1_000, 100_000],
            ticks: 20,
            runs: (3, 2),
            executions: 100,
            workflow_turn: Duration::from_millis(300),
            transitions: 20,
            approvals: 4,
            deliveries: 400,
            delivery_turn: Duration::from_millis(300),
            synced_beads: 2_000,
            ..Self::full()
        }
    }

    /// For the test that everything still runs.
    pub fn tiny() -> Self {
        Self {
            starts: 1,
            seeded_beads: 10,
            concurrency: vec![1, 4],
            turns: 1,
            turn: Duration::from_secs(60),
            turn_requests: 20,
            tick_beads: vec![200, 400],
            ticks: 2,
            runs: (1, 1),
            executions: 8,
            workflow_turn: Duration::from_secs(60),
            histories: vec![2, 6],
            transitions: 2,
            approvals: 1,
            deliveries: 20,
            delivery_turn: Duration::from_secs(60),
            synced_beads: 40,
        }
    }
}
