use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::RefusalKind;

fn chart() -> Vec<ChartPosition> {
    founding(&Present::new())
}

fn input(position: &ChartPosition) -> PositionInput {
    PositionInput {
        role: position.role.to_string(),
        required: position.required,
        max_instances: position.max_instances,
        reports_to: position.reports_to.as_ref().map(ToString::to_string),
    }
}

fn inputs() -> Vec<PositionInput> {
    chart().iter().map(input).collect()
}

fn at(role: &str) -> usize {
    chart().iter().position(|one| one.role == role).unwrap()
}

fn present(roles: &[(&str, i64)]) -> Present {
    roles
        .iter()
        .map(|(role, agents)| ((*role).to_owned(), *agents))
        .collect()
}

#[test]
fn the_teams_of_the_profiles() {
    let roles = |profile: Profile| {
        let roles = profile.roles().into_iter();
        roles.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(
        roles(Profile::Solo),
        ["product-manager", "engineering-manager"]
    );
    assert_eq!(
        roles(Profile::Startup),
        [
            "product-manager",
            "engineering-manager",
            "qa-engineer",
            "code-reviewer",
            "web-designer"
        ]
    );
    assert_eq!(
        roles(Profile::Full).len(),
        ORG_CHART.len() - 1,
        "all but the CEO"
    );
    assert_eq!(Profile::default(), Profile::Startup);
    for profile in Profile::ALL {
        assert_eq!(
            Profile::parse(&profile.as_str().to_uppercase()).unwrap(),
            profile
        );
        assert_eq!(serde_json::to_value(profile).unwrap(), profile.as_str());
        let team: BTreeSet<Role> = profile.roles().into_iter().collect();
        assert!(team.iter().all(|role| !role.is_human_seat()), "{profile:?}");
        for position in chart()
            .iter()
            .filter(|one| one.required && !one.role.is_human_seat())
        {
            assert!(
                team.contains(&position.role),
                "{profile:?} lacks {}",
                position.role
            );
        }
    }
    let refusal = Profile::parse("enterprise").unwrap_err();
    assert_eq!(refusal.code, "unknown_profile");
    assert!(refusal.fields["profile"].contains("solo, startup or full"));
}

#[test]
fn a_team_is_read_by_the_one_table_of_roles() {
    let given = ["QA", "default/code-reviewer", "coder"].map(str::to_owned);
    let roles: Vec<String> = team(&given)
        .unwrap()
        .into_iter()
        .map(String::from)
        .collect();
    assert_eq!(
        roles,
        ["qa-engineer", "code-reviewer", "engineering-manager"]
    );
    let refusal = team(&["qa", "ceo", "wizard"].map(str::to_owned)).unwrap_err();
    assert_eq!(
        refusal.fields.keys().collect::<Vec<_>>(),
        ["team[1]", "team[2]"]
    );
}

#[test]
fn an_older_project_keeps_the_agents_that_it_has() {
    let chart = founding(&present(&[("cfo", 2), ("qa-engineer", 5)]));
    let places = |role: &str| {
        let position = chart.iter().find(|one| one.role == role).unwrap();
        position.max_instances
    };
    assert_eq!(
        (places("cfo"), places("cto"), places("qa-engineer")),
        (Some(2), Some(1), None)
    );
}

#[test]
fn how_far_a_position_is_filled() {
    let position = |role: &str, most| ChartPosition {
        role: Role::parse(role).unwrap(),
        required: false,
        max_instances: most,
        reports_to: None,
    };
    use PositionStatus::{Filled, Partial, Vacant};
    for (role, most, agents, expected) in [
        ("qa", None, 0, Vacant),
        ("qa", None, 1, Filled),
        ("qa", Some(2), 0, Vacant),
        ("qa", Some(2), 1, Partial),
        ("qa", Some(2), 2, Filled),
        ("ceo", Some(1), 0, Filled),
    ] {
        assert_eq!(
            position(role, most).status(agents),
            expected,
            "{role} {most:?} {agents}"
        );
    }
}

#[test]
fn each_limit_is_named_by_its_code() {
    let chart = chart();
    let cfo = &chart[at("cfo")];
    let limits = Limits {
        all: 10,
        project: Some(4),
        position: Some(cfo),
    };
    let count = |all, project, role| Headcount { all, project, role };
    assert_eq!(may_join(count(9, 3, 0), limits), Ok(()));
    for (count, code) in [
        (count(10, 3, 0), "max_agents_reached"),
        (count(9, 4, 0), "project_max_agents_reached"),
        (count(9, 3, 1), "max_instances_reached"),
    ] {
        let refusal = may_join(count, limits).unwrap_err();
        assert_eq!((refusal.kind, refusal.code), (RefusalKind::Conflict, code));
        assert!(refusal.details.contains_key("limit"));
    }
    let anywhere = Limits {
        project: None,
        position: None,
        ..limits
    };
    assert_eq!(may_join(count(9, 100, 100), anywhere), Ok(()));
}

#[test]
fn a_chart_is_taken_as_it_is_given() {
    let mut wanted = inputs();
    wanted[at("qa-engineer")].max_instances = Some(2);
    wanted[at("qa-engineer")].role = "QA".to_owned();
    wanted[at("code-reviewer")].reports_to = Some("Qa Engineer".to_owned());
    wanted[at("cfo")].max_instances = Some(0);
    wanted.remove(at("housekeeping-bot"));
    let changed = replace(&chart(), &wanted, &present(&[("qa-engineer", 2)])).unwrap();
    assert_eq!(changed.len(), ORG_CHART.len() - 1);
    assert_eq!(changed[at("qa-engineer")].max_instances, Some(2));
    assert_eq!(
        changed[at("code-reviewer")].reports_to.as_ref().unwrap(),
        &"qa-engineer"
    );
    assert_eq!(changed[at("cfo")].max_instances, None);
}

#[test]
fn what_a_chart_cannot_be() {
    type Spoil = fn(&mut Vec<PositionInput>);
    let table: [(Spoil, &str); 14] = [
        (
            |all| all[at("qa-engineer")].role = "wizard".into(),
            "positions[6].role",
        ),
        (
            |all| all[at("qa-engineer")].role = "cto".into(),
            "positions[6].role",
        ),
        (
            |all| all[at("qa-engineer")].reports_to = Some("wizard".into()),
            "positions[6].reports_to",
        ),
        (
            |all| all[at("qa-engineer")].reports_to = Some("loom".into()),
            "positions[6].reports_to",
        ),
        (
            |all| all[at("qa-engineer")].reports_to = Some("qa".into()),
            "positions[6].reports_to",
        ),
        (
            |all| all[at("ceo")].reports_to = Some("qa".into()),
            "positions[0].reports_to",
        ),
        (
            |all| {
                all[at("engineering-manager")].reports_to = Some("qa".into());
            },
            "positions[4].reports_to",
        ),
        (
            |all| all[at("ceo")].max_instances = None,
            "positions[0].max_instances",
        ),
        (
            |all| all[at("qa-engineer")].max_instances = Some(1),
            "positions[6].max_instances",
        ),
        (
            |all| all[at("cto")].max_instances = Some(-1),
            "positions[2].max_instances",
        ),
        (
            |all| all[at("cto")].max_instances = Some(MAX_INSTANCES + 1),
            "positions[2].max_instances",
        ),
        (
            |all| all[at("product-manager")].required = false,
            "positions[3].required",
        ),
        (
            |all| drop(all.remove(at("engineering-manager"))),
            "positions",
        ),
        (|all| drop(all.remove(at("qa-engineer"))), "positions"),
    ];
    for (number, (spoil, field)) in table.into_iter().enumerate() {
        let mut wanted = inputs();
        spoil(&mut wanted);
        let refusal = replace(&chart(), &wanted, &present(&[("qa-engineer", 2)])).unwrap_err();
        assert_eq!(
            (refusal.kind, refusal.code),
            (RefusalKind::Invalid, "invalid_fields")
        );
        assert!(
            refusal.fields.contains_key(field),
            "{number}: {:?}",
            refusal.fields
        );
    }
    let round = {
        let mut wanted = inputs();
        wanted[at("engineering-manager")].reports_to = Some("qa".into());
        replace(&chart(), &wanted, &Present::new()).unwrap_err()
    };
    assert_eq!(
        round.fields["positions[4].reports_to"],
        "goes round in a circle: engineering-manager → qa-engineer → engineering-manager"
    );
    let required = {
        let mut current = chart();
        current[at("cto")].required = true;
        let mut wanted = inputs();
        wanted.remove(at("cto"));
        replace(&current, &wanted, &Present::new()).unwrap_err()
    };
    assert!(required.fields["positions"].contains("set required to false first"));
}

proptest! {
    /// Whatever is asked for, a chart that is accepted is sound.
    #[test]
    fn an_accepted_chart_is_sound(
        asked in prop::collection::vec((0..16_usize, any::<bool>(), 0..4_i64, 0..18_usize), 0..6),
        agents in prop::collection::btree_map(
            prop::sample::select(ORG_CHART.map(|one| one.role.to_owned()).to_vec()), 0..3_i64, 0..6),
    ) {
        let known = |index: usize| crate::role::KNOWN.get(index).map(|role| role.name.to_owned());
        let mut wanted: Vec<PositionInput> = chart().iter().filter(|one| one.required).map(input).collect();
        wanted.extend(asked.into_iter().map(|(role, required, most, above)| PositionInput {
            role: known(role).unwrap(),
            required,
            max_instances: Some(most),
            reports_to: known(above),
        }));
        if let Ok(accepted) = replace(&chart(), &wanted, &agents) {
            let seats: BTreeMap<&Role, &ChartPosition> = accepted.iter().map(|one| (&one.role, one)).collect();
            prop_assert_eq!(seats.len(), accepted.len());
            for position in &accepted {
                let held = agents.get(position.role.as_str()).copied().unwrap_or(0);
                prop_assert!(position.role.is_human_seat() || position.max_instances.is_none_or(|most| most >= held));
                let mut above = position;
                for _ in 0..accepted.len() {
                    match &above.reports_to {
                        Some(role) => above = seats[role],
                        None => break,
                    }
                }
                prop_assert!(above.reports_to.is_none(), "{} is in a circle", position.role);
            }
            for default in ORG_CHART {
                let seat = seats.get(&Role::parse(default.role).unwrap());
                prop_assert!(!default.required || seat.is_some_and(|seat| seat.required));
                let held = agents.get(default.role).copied().unwrap_or(0);
                prop_assert!(held == 0 || seat.is_some());
            }
        }
    }
}
