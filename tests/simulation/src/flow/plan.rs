//! What a seed means for a schedule of this kind.

use std::time::Duration;

use loom_domain::project::GitStrategy;
use loom_platform::native::simulation::Faults;

use crate::{
    draw::Draw,
    plan::{HubTroubles, People, Plan},
};

/// What such a schedule has beside what both kinds have.
#[derive(Debug, Clone)]
pub(crate) struct FlowPlan {
    pub(crate) beads: Vec<FlowBead>,
    /// One agent each.
    pub(crate) roles: Vec<&'static str>,
    pub(crate) temper: Temper,
    pub(crate) office: OfficePlan,
    /// How many looks the bad times last.
    pub(crate) rounds: u64,
    /// In so many of a thousand of these, hours pass at once.
    pub(crate) leaps: u64,
    /// After how many minutes each of the first project's motivations files a bead; without any, none are looked at.
    pub(crate) motivations: Vec<i64>,
    /// Whether it has every perpetual task that Loom ships beside these.
    pub(crate) is_perpetual: bool,
}

/// One bead that is filed at the start.
#[derive(Debug, Clone)]
pub(crate) struct FlowBead {
    /// Its type, which selects its workflow.
    pub(crate) kind: &'static str,
    pub(crate) tags: &'static [&'static str],
    /// Which of those before it it is a part of.
    pub(crate) parent: Option<usize>,
    pub(crate) blocked_by: Option<usize>,
    /// Whether it is of the second project, where a bead may spend little.
    pub(crate) is_tight: bool,
}

/// How agents conclude, in so many of a hundred runs each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temper {
    /// They say no: `reject` where they judge, failure where they work.
    pub(crate) refuses: u64,
    pub(crate) escalates: u64,
    /// They never use a tool.
    pub(crate) babbles: u64,
    /// They conclude in a way that their node has not, and then rightly.
    pub(crate) errs: u64,
    pub(crate) delegates: u64,
    pub(crate) asks: u64,
    /// They file another bead on the way.
    pub(crate) files: u64,
}

/// What people do, in so many of a thousand moments each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OfficePlan {
    pub(crate) decisions: u64,
    /// Two answer the same question at the same instant.
    pub(crate) races: u64,
    /// Somebody answers a question that has ended.
    pub(crate) late: u64,
    pub(crate) signals: u64,
    pub(crate) pauses: u64,
    pub(crate) resumes: u64,
    pub(crate) restarts: u64,
    pub(crate) cancels: u64,
    pub(crate) starts: u64,
    /// Somebody opens or closes a bead.
    pub(crate) changes: u64,
    /// Somebody stops the work on a bead and asks about it.
    pub(crate) escalations: u64,
}

impl Temper {
    pub(crate) const GOOD: Self = Self {
        refuses: 0,
        escalates: 0,
        babbles: 0,
        errs: 0,
        delegates: 0,
        asks: 0,
        files: 0,
    };
    pub(crate) const HOPELESS: Self = Self {
        refuses: 100,
        ..Self::GOOD
    };
}

impl Plan {
    /// A quiet world of this kind.
    pub(crate) fn quiet_flow(seed: u64, kinds: &[&'static str]) -> Self {
        Self {
            flow: Some(FlowPlan {
                beads: kinds.iter().map(|kind| FlowBead::of(kind)).collect(),
                roles: ROLES.to_vec(),
                temper: Temper::GOOD,
                office: OfficePlan::default(),
                rounds: 0,
                leaps: 0,
                motivations: Vec::new(),
                is_perpetual: false,
            }),
            ..Self::quiet(seed, &[])
        }
    }

    /// The plan of a seed.
    pub(crate) fn drawn_flow(seed: u64) -> Self {
        let mut draw = Draw::new(seed, "flow");
        let mut trouble = Draw::new(seed, "flow trouble");
        let mut chance = |most: u64| match trouble.below(4) {
            0 => most,
            1 => most / 8,
            _ => 0,
        };
        let flow = FlowPlan {
            beads: beads(&mut draw),
            roles: roles(&mut draw),
            temper: Temper {
                refuses: draw.pick(&[5, 15, 40, 80]),
                escalates: draw.pick(&[0, 4, 12]),
                babbles: draw.pick(&[0, 0, 4]),
                errs: draw.pick(&[0, 5]),
                delegates: draw.pick(&[0, 6, 12]),
                asks: draw.pick(&[0, 6]),
                files: draw.pick(&[0, 4]),
            },
            office: OfficePlan {
                decisions: draw.pick(&[0, 150, 600]),
                races: chance(300),
                late: chance(150),
                signals: draw.pick(&[0, 100, 250]),
                pauses: chance(120),
                resumes: draw.pick(&[0, 120]),
                restarts: chance(120),
                cancels: chance(60),
                starts: chance(100),
                changes: chance(100),
                escalations: chance(100),
            },
            rounds: 2 + draw.below(4),
            leaps: draw.pick(&[0, 300, 600]),
            motivations: match draw.below(8) {
                0 => vec![10, draw.pick(&[10, 60])],
                _ => Vec::new(),
            },
            is_perpetual: draw.below(64) == 0,
        };
        Self {
            replicas: draw.pick(&[1, 2, 2]),
            strategy: draw.pick(&[
                GitStrategy::Direct,
                GitStrategy::Direct,
                GitStrategy::BranchPr,
            ]),
            project_budget: draw.pick(&[None, None, None, None, None, Some(400_000)]),
            tight_budget: draw.pick(&[90_000, 500_000]),
            lease_seconds: draw.pick(&[15, 40, 150]),
            retry_seconds: draw.pick(&[0, 5, 30]),
            chaos: Duration::ZERO,
            faults: Faults::drawn(seed),
            hub: HubTroubles {
                bad_gateway: chance(150),
                too_many: chance(100),
                key_budget: chance(20),
                garbage: chance(100),
                lost: chance(60),
                slow: chance(200),
            },
            workspace_unavailable: chance(100),
            people: People {
                stray_steps: chance(300),
                stray_ticks: chance(200),
                claims: chance(300),
                cancels: chance(60),
            },
            flow: Some(flow),
            ..Self::quiet(seed, &[])
        }
    }
}

/// Those that the shipped workflows name, but for the CEO, who is a person.
pub(crate) const ROLES: [&str; 4] = [
    "engineering-manager",
    "qa-engineer",
    "product-manager",
    "code-reviewer",
];

fn roles(draw: &mut Draw) -> Vec<&'static str> {
    match draw.below(8) {
        // Nobody else is there to judge.
        0 => vec!["engineering-manager"],
        1 => vec!["engineering-manager", "engineering-manager"],
        2 | 3 => vec!["engineering-manager", "product-manager", "qa-engineer"],
        4 | 5 => [&ROLES[..], &["decision-maker"]].concat(),
        _ => ROLES.to_vec(),
    }
}

impl FlowBead {
    fn of(kind: &'static str) -> Self {
        Self {
            kind,
            tags: &[],
            parent: None,
            blocked_by: None,
            is_tight: false,
        }
    }
}

fn beads(draw: &mut Draw) -> Vec<FlowBead> {
    let mut beads = Vec::new();
    // Small worlds find more in the same time.
    for _ in 0..1 + draw.below(4) / 3 {
        let index = beads.len();
        let is_tight = draw.below(10) == 0;
        let one = |kind| FlowBead {
            is_tight,
            ..FlowBead::of(kind)
        };
        match draw.below(16) {
            0..=3 => beads.push(one("bug")),
            4 | 5 => beads.push(one("feature")),
            6 => beads.push(one("ui")),
            7 => beads.push(one("self-improvement")),
            8 => beads.push(one("code-review")),
            9..=11 => beads.push(one("gate")),
            12 | 13 => {
                beads.push(one("epic"));
                for number in 0..1 + draw.below(2) {
                    beads.push(FlowBead {
                        parent: Some(index),
                        blocked_by: (number == 1).then_some(index + 1),
                        ..one(draw.pick(&["task", "task", "bug"]))
                    });
                }
            }
            14 => beads.push(FlowBead {
                tags: &["refactoring"],
                ..one("task")
            }),
            _ => beads.push(one("task")),
        }
    }
    beads
}
