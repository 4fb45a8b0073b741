use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{BeadFile, Conflict, FileComment, Kept, merge};
use super::bead;
use crate::bead::{BeadStatus, Priority};
use crate::time::Timestamp;

fn at(file: &BeadFile, time: i64) -> BeadFile {
    BeadFile {
        updated_at: Some(Timestamp(time)),
        ..file.clone()
    }
}

fn start() -> BeadFile {
    let mut file = BeadFile::new("bd-1", "Title");
    file.tags = vec!["a".into(), "b".into()];
    file.context.insert("x".into(), json!(1));
    at(&file, 1)
}

fn fields(conflicts: &[Conflict]) -> Vec<&str> {
    conflicts
        .iter()
        .map(|conflict| conflict.field.as_str())
        .collect()
}

#[test]
fn each_side_keeps_what_it_alone_changed() {
    let base = start();
    let (mut ours, mut theirs) = (at(&base, 5), at(&base, 9));
    ours.title = "Ours".into();
    ours.tags = vec!["b".into(), "c".into()];
    ours.context.insert("y".into(), json!(2));
    theirs.description = "Theirs".into();
    theirs.tags = vec!["a".into(), "b".into(), "d".into()];
    theirs.context.remove("x");
    theirs.priority = Priority::P0;
    let merged = merge(Some(&base), &ours, &theirs, false);
    assert_eq!(merged.conflicts, []);
    let bead = merged.bead;
    assert_eq!(
        (bead.title.as_str(), bead.description.as_str()),
        ("Ours", "Theirs")
    );
    assert_eq!(bead.tags, ["b", "d", "c"]);
    assert_eq!(json!(bead.context), json!({"y": 2}));
    assert_eq!(
        (bead.priority, bead.updated_at),
        (Priority::P0, Some(Timestamp(9)))
    );
}

#[test]
fn two_values_of_a_field_are_a_conflict_and_the_later_is_kept() {
    let base = start();
    for (mine, other, title, kept) in [
        (5, 9, "Theirs", Kept::Theirs),
        (9, 5, "Ours", Kept::Ours),
        // At the same time the greater value.
        (5, 5, "Theirs", Kept::Theirs),
    ] {
        let (mut ours, mut theirs) = (at(&base, mine), at(&base, other));
        ours.title = "Ours".into();
        theirs.title = "Theirs".into();
        ours.context.insert("x".into(), json!(2));
        theirs.context.insert("x".into(), json!(2));
        let merged = merge(Some(&base), &ours, &theirs, false);
        assert_eq!(merged.bead.title, title);
        let expected = Conflict {
            field: "title".into(),
            base: json!("Title"),
            ours: json!("Ours"),
            theirs: json!("Theirs"),
            kept,
        };
        assert_eq!(merged.conflicts, [expected]);
    }
}

fn with(status: BeadStatus, time: i64) -> BeadFile {
    let mut file = at(&start(), time);
    file.status = status;
    if status == BeadStatus::Closed {
        file.closed_at = Some(Timestamp(time));
        file.close_reason = Some("done".into());
    }
    file
}

#[test]
fn a_bead_closed_elsewhere_is_closed_unless_a_run_works_on_it() {
    use BeadStatus::{Blocked, Closed, InProgress, Open};
    for (base, ours, theirs, is_live, status, is_conflict) in [
        (Open, Open, Closed, false, Closed, false),
        (Open, Blocked, Closed, false, Closed, true),
        (Open, Closed, Blocked, false, Closed, true),
        (Open, InProgress, Closed, true, InProgress, true),
        (InProgress, InProgress, Closed, true, InProgress, true),
        (InProgress, InProgress, Closed, false, Closed, false),
        (Closed, Closed, Open, false, Open, false),
        (Closed, Open, Closed, false, Open, false),
        // Neither is closed: the later one.
        (Open, InProgress, Blocked, false, Blocked, true),
        (Open, Closed, Closed, false, Closed, false),
    ] {
        let merged = merge(
            Some(&with(base, 1)),
            &with(ours, 5),
            &with(theirs, 9),
            is_live,
        );
        let what = format!("{base:?} {ours:?} {theirs:?} {is_live}");
        assert_eq!(merged.bead.status, status, "{what}");
        assert_eq!(!merged.conflicts.is_empty(), is_conflict, "{what}");
        assert_eq!(merged.bead.closed_at.is_some(), status == Closed, "{what}");
    }
}

#[test]
fn a_deletion_stands_unless_the_other_side_changed_the_bead() {
    let base = start();
    let mut gone = with(BeadStatus::Closed, 5);
    gone.deleted_at = Some(Timestamp(5));
    let mut changed = at(&base, 9);
    changed.title = "Changed".into();

    for (ours, theirs) in [(&base, &gone), (&gone, &base)] {
        let merged = merge(Some(&base), ours, theirs, false);
        assert_eq!(merged.bead.deleted_at, Some(Timestamp(5)));
        assert_eq!(merged.conflicts, []);
    }
    for (ours, theirs) in [(&changed, &gone), (&gone, &changed)] {
        let merged = merge(Some(&base), ours, theirs, false);
        assert_eq!(merged.bead.deleted_at, None);
        assert_eq!(merged.bead.status, BeadStatus::Open);
        assert_eq!(merged.bead.title, "Changed");
        assert_eq!(fields(&merged.conflicts), ["deleted_at"]);
    }
    // A run at work is a change; and what was taken back is back.
    let merged = merge(Some(&base), &base, &gone, true);
    assert_eq!(fields(&merged.conflicts), ["deleted_at"]);
    let merged = merge(Some(&gone), &gone, &changed, false);
    assert_eq!((merged.bead.deleted_at, merged.conflicts.len()), (None, 0));
}

#[test]
fn comments_are_united() {
    let comment = |id: &str, at| FileComment {
        id: id.into(),
        author: "a".into(),
        content: id.into(),
        created_at: Some(Timestamp(at)),
    };
    let base = start();
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.comments = vec![comment("one", 1), comment("three", 3)];
    theirs.comments = vec![comment("one", 1), comment("two", 2)];
    let merged = merge(Some(&base), &ours, &theirs, false).bead;
    let ids: Vec<&str> = merged.comments.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "three"]);
}

/// The value of each field that merges on its own.
fn simple(file: &BeadFile) -> Vec<(&'static str, Value)> {
    vec![
        ("type", json!(file.kind)),
        ("title", json!(file.title)),
        ("description", json!(file.description)),
        ("priority", json!(file.priority)),
        ("parent", json!(file.parent)),
        ("due_at", json!(file.due_at)),
        ("estimate_minutes", json!(file.estimate_minutes)),
        ("assigned_to", json!(file.assigned_to)),
        ("commit", json!(file.commit)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_change_is_lost_without_a_word(base in bead(), ours in bead(), theirs in bead(), mask in any::<u32>()) {
        // Each side changes some of the fields.
        let mix = |one: &BeadFile, mask: u32| {
            let mut mixed = base.clone();
            if mask & 1 != 0 { mixed.title.clone_from(&one.title); }
            if mask & 2 != 0 { mixed.description.clone_from(&one.description); }
            if mask & 4 != 0 { mixed.priority = one.priority; }
            if mask & 8 != 0 { mixed.tags.clone_from(&one.tags); }
            if mask & 16 != 0 { mixed.context.clone_from(&one.context); }
            if mask & 32 != 0 { mixed.due_at = one.due_at; }
            mixed.updated_at = one.updated_at;
            mixed
        };
        let (ours, theirs) = (mix(&ours, mask), mix(&theirs, mask >> 8));
        let merged = merge(Some(&base), &ours, &theirs, false);
        let told = fields(&merged.conflicts);
        let all = simple(&base).into_iter().zip(simple(&ours)).zip(simple(&theirs)).zip(simple(&merged.bead));
        for ((((name, before), (_, mine)), (_, other)), (_, now)) in all {
            if mine == other || other == before {
                prop_assert_eq!(&now, &mine, "{}", name);
            } else if mine == before {
                prop_assert_eq!(&now, &other, "{}", name);
            } else {
                prop_assert!(told.contains(&name) && (now == mine || now == other), "{}", name);
            }
        }
        for tag in &merged.bead.tags {
            prop_assert!(ours.tags.contains(tag) || theirs.tags.contains(tag));
        }
        for tag in ours.tags.iter().filter(|tag| !base.tags.contains(tag)) {
            prop_assert!(merged.bead.tags.contains(tag), "an added tag stays");
        }
    }

    #[test]
    fn both_sides_come_to_the_same(base in bead(), ours in bead(), theirs in bead()) {
        let (mut ours, mut theirs) = (ours, theirs);
        ours.created_by.clone_from(&base.created_by);
        theirs.created_by.clone_from(&base.created_by);
        let one = merge(Some(&base), &ours, &theirs, false);
        let other = merge(Some(&base), &theirs, &ours, false);
        for ((name, here), (_, there)) in simple(&one.bead).into_iter().zip(simple(&other.bead)) {
            prop_assert_eq!(here, there, "{}", name);
        }
        prop_assert_eq!(one.conflicts.len(), other.conflicts.len());
        // What one side wrote, the other takes as it is.
        let taken = merge(Some(&theirs), &theirs, &one.bead, false);
        prop_assert_eq!(taken.conflicts, vec![]);
        prop_assert_eq!(&taken.bead, &one.bead);
    }

    #[test]
    fn nothing_to_merge_changes_nothing(bead in bead()) {
        let merged = merge(Some(&bead), &bead, &bead, false);
        prop_assert_eq!(&merged.bead, &bead);
        let merged = merge(None, &bead, &bead, false);
        prop_assert_eq!((&merged.bead, merged.conflicts.len()), (&bead, 0));
    }
}
