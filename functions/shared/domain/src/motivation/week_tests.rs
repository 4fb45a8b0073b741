//! A week in which every bead fails, played through with the rules alone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::{evaluate_tests::motivation, *};
use crate::time::{DAY, MINUTE};

/// One motivation of the world, and the bead that it has open.
struct Actor {
    motivation: Motivation,
    open: bool,
}

#[derive(Debug, Clone)]
struct Kind {
    minutes: i64,
    cooldown: i64,
    priority: i64,
    project: u8,
    files: bool,
    events: bool,
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let kind = (
        5i64..600,
        0i64..300,
        0i64..=100,
        0u8..4,
        prop::bool::weighted(0.8),
        any::<bool>(),
    )
        .prop_map(
            |(minutes, cooldown, priority, project, files, events)| Kind {
                minutes,
                cooldown,
                priority,
                project,
                files,
                events,
            },
        );
    prop::collection::vec(kind, 1..40)
}

fn actor(number: usize, kind: &Kind, start: Timestamp) -> Actor {
    let mut one = if kind.events {
        motivation("bead_created", json!({}))
    } else {
        motivation("scheduled_interval", json!({"minutes": kind.minutes}))
    };
    one.id = format!("m{number}");
    one.project_id = Some(format!("p{}", kind.project));
    one.cooldown_minutes = kind.cooldown;
    one.priority = kind.priority;
    one.next_fire_at = next_fire_at(&one.condition, None, start);
    if kind.files {
        one.bead_template = Some(serde_json::from_value(json!({"title": "t"})).unwrap());
    }
    Actor {
        motivation: one,
        open: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every bead fails, and somebody closes it at once, so that nothing but the caps, the cool-downs and the breakers
    /// is in the way: none of them is ever exceeded, and in a week a motivation whose beads all fail files few.
    #[test]
    fn the_caps_hold_in_a_week_in_which_every_run_fails(kinds in kinds(), step in 1i64..30) {
        let start = Timestamp(1_795_507_200_000);
        let mut actors: Vec<Actor> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| actor(number, kind, start))
            .collect();
        let mut counts: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        let mut filed_by: BTreeMap<String, i64> = BTreeMap::new();
        let mut now = start;
        while now.0 < start.0 + 7 * DAY {
            let mut facts = Facts::default();
            for actor in &actors {
                // Something happens all the time.
                let found = Occurrence { key: format!("e{}", now.0), summary: "x".into(), bead_id: None, at: now };
                facts.waiting.insert(actor.motivation.id.clone(), vec![found]);
            }
            let mut order: Vec<usize> = (0..actors.len())
                .filter(|i| matches!(evaluate(&actors[*i].motivation, &facts, now), Verdict::Due(_)))
                .collect();
            order.sort_by_key(|i| by_urgency(&actors[*i].motivation));
            let mut fired = BTreeSet::new();
            for i in order {
                if fired.len() >= MAX_FIRED_PER_SWEEP {
                    break;
                }
                let actor = &mut actors[i];
                let one = &mut actor.motivation;
                let project = one.project_id.clone().unwrap();
                let of = |scope: &str| counts.get(&(now.day(), scope.to_owned())).copied().unwrap_or_default();
                let ((fired_in_project, filed_in_project), (fired_in_all, filed)) = (of(&project), of(""));
                let day = DayCounts { filed_in_project, filed, fired_in_project, fired: fired_in_all };
                one.next_fire_at = next_fire_at(&one.condition, one.next_fire_at, now);
                if actor.open || admit(one, day, Caps::IN_FORCE, false, now) != Admission::Fire {
                    continue;
                }
                prop_assert!(one.last_triggered_at.is_none_or(|last| now.0 - last.0 >= one.cooldown_minutes * MINUTE));
                one.last_triggered_at = Some(now);
                one.breaker = one.breaker.fired();
                let files = one.bead_template.is_some();
                for scope in ["", &project] {
                    let count = counts.entry((now.day(), scope.to_owned())).or_default();
                    count.0 += 1;
                    count.1 += i64::from(files);
                }
                if files {
                    *filed_by.entry(one.id.clone()).or_default() += 1;
                    actor.open = true;
                }
                fired.insert(i);
            }
            prop_assert!(fired.len() <= MAX_FIRED_PER_SWEEP);
            now = Timestamp(now.0 + step * MINUTE);
            for actor in actors.iter_mut().filter(|actor| actor.open) {
                actor.motivation.breaker = actor.motivation.breaker.failed(now);
                actor.open = false;
            }
        }
        for ((day, scope), (fired, filed)) in &counts {
            let caps = Caps::IN_FORCE;
            let (most_fired, most_filed) = if scope.is_empty() {
                (caps.fired, caps.filed)
            } else {
                (caps.fired_in_project, caps.filed_in_project)
            };
            prop_assert!(*fired <= most_fired && *filed <= most_filed, "{day} {scope}: {fired} fired, {filed} filed");
        }
        // Three until it opens, then after 1, 2, 4, 8, 16 h and once a day.
        for (id, filed) in filed_by {
            prop_assert!(filed <= 3 + 5 + 6, "{id} filed {filed} beads in a week of failures");
        }
    }
}
