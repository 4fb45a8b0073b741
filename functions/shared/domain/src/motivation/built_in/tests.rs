use std::collections::BTreeSet;

use super::*;
use crate::role::Role;

#[test]
fn each_is_a_motivation_that_could_be_made_by_hand() {
    let mut ids = BTreeSet::new();
    for built_in in all() {
        assert!(ids.insert(built_in.id), "{} twice", built_in.id);
        assert_eq!(
            Role::parse(built_in.role).unwrap(),
            built_in.role,
            "canonical"
        );
        serde_json::from_str::<serde_json::Map<_, _>>(built_in.parameters).unwrap();
        let now = Timestamp(1_000);
        let template = built_in.motivation(None, now).unwrap();
        assert_eq!(template.status, MotivationStatus::Template);
        assert_eq!(template.id, built_in.id);
        assert_eq!(Some(template.kind), built_in.kind());
        let own = built_in.motivation(Some("p"), now).unwrap();
        let checked = crate::motivation::MotivationInput {
            name: Some(own.name.clone()),
            description: Some(own.description.clone()),
            role: Some(own.role.clone()),
            cooldown_minutes: Some(own.cooldown_minutes),
            priority: Some(own.priority),
            bead_template: Some(own.bead_template.clone()),
            ..Default::default()
        };
        assert_eq!(checked.apply(own.clone(), now), Ok(own), "{}", built_in.id);
    }
    assert_eq!(ids.len(), 33 + 15);
}

#[test]
fn what_is_enabled_by_default_files_nothing_merely_because_time_passes() {
    let of = |id: &str| find(id).unwrap().is_default();
    assert!(of("ceo-decision-pending"));
    assert!(of("project-manager-deadline-passed"));
    assert!(of("housekeeping-bot-daily-maintenance"), "it only wakes");
    assert!(!of("ceo-system-idle-strategic-review"));
    assert!(!of("cfo-monthly-financial-review"));
    assert!(!of("product-manager-quarterly-planning"));
    assert!(!of("housekeeping-bot-system-idle-cleanup"));
    for built_in in all().filter(|built_in| built_in.is_perpetual) {
        assert!(!built_in.is_default(), "{}", built_in.id);
        assert_eq!(built_in.kind(), Some(MotivationKind::Interval));
    }
    for built_in in all().filter(|built_in| built_in.is_default() && built_in.bead.is_some()) {
        let kind = built_in.kind().unwrap();
        assert!(
            !matches!(kind, MotivationKind::Interval | MotivationKind::Idle),
            "{}",
            built_in.id
        );
    }
}

#[test]
fn no_interval_falls_into_its_own_cooldown() {
    for built_in in all() {
        let own = built_in.motivation(Some("p"), Timestamp(0)).unwrap();
        if let Condition::ScheduledInterval { minutes } = own.condition {
            assert!(own.cooldown_minutes < minutes, "{}", own.id);
        }
    }
}
