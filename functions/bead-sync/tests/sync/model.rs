//! Edits at random, and what a merge of two Looms must bring about.

use loom_domain::{
    bead::{BeadInput, BeadStatus, Priority},
    bead_file::BeadFile,
    time::Timestamp,
};
use loom_store::bead_sync::RecordedConflict;
use serde_json::{Value, json};

use crate::support::{Beads, Loom};

/// A sequence of numbers that is the same for the same seed (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// Does something at random; what the rules refuse does not happen.
pub(crate) async fn edit(loom: &Loom, dice: &mut Dice, round: usize) {
    let beads = loom.beads().await;
    let ids: Vec<&String> = beads.keys().collect();
    if ids.len() < 3 || (ids.len() < 12 && dice.below(8) == 0) {
        loom.titled(&format!("Bead {round} {}", dice.below(100)))
            .await;
        return;
    }
    let id = ids[dice.below(ids.len())].clone();
    let other = ids[dice.below(ids.len())].clone();
    let word = format!("v{}", dice.below(6));
    let bead = &beads[&id];
    let toggled = |list: &[String], entry: String| {
        let mut list = list.to_vec();
        match list.iter().position(|known| *known == entry) {
            Some(at) => drop(list.remove(at)),
            None => list.push(entry),
        }
        Some(list)
    };
    let mut input = BeadInput::default();
    match dice.below(14) {
        0 | 1 => input.title = Some(format!("Title {word}")),
        2 => input.description = Some(format!("Line\n\n{word}\n")),
        3 => input.priority = Priority::new(i64::try_from(dice.below(4)).unwrap()),
        4 => input.tags = toggled(&bead.tags, word),
        5 => input.blocked_by = toggled(&bead.blocked_by, other),
        6 => input.parent = Some((dice.below(3) > 0 && other != id).then_some(other)),
        7 => input.context = Some([(format!("k{}", dice.below(3)), json!(word))].into()),
        8 => {
            input.due_at = Some(Some(Timestamp(
                i64::try_from(dice.below(4)).unwrap() * 1000,
            )))
        }
        9 => input.estimate_minutes = Some(Some(i64::try_from(1 + dice.below(4)).unwrap())),
        10 => {
            input.status = Some(BeadStatus::ALL[dice.below(4)]);
            input.close_reason = (input.status == Some(BeadStatus::Closed)).then_some(word);
        }
        11 => input.kind = Some(["task", "bug", "feature"][dice.below(3)].to_owned()),
        12 => {
            loom.comment(&id, &format!("Comment {word}")).await;
            return;
        }
        _ if ids.len() > 6 && dice.below(3) == 0 => {
            loom.delete(&id).await;
            return;
        }
        _ => input.related = toggled(&bead.related, other),
    }
    let _ = loom.update(&id, input).await;
}

/// The fields that merge each on its own.
fn fields(bead: &BeadFile) -> Vec<(String, Value)> {
    let mut fields = vec![
        ("type".to_owned(), json!(bead.kind)),
        ("title".to_owned(), json!(bead.title)),
        ("description".to_owned(), json!(bead.description)),
        ("priority".to_owned(), json!(bead.priority)),
        ("due_at".to_owned(), json!(bead.due_at)),
        ("estimate_minutes".to_owned(), json!(bead.estimate_minutes)),
    ];
    for key in ["k0", "k1", "k2"] {
        let value = bead.context.get(key).cloned().unwrap_or(Value::Null);
        fields.push((format!("context.{key}"), value));
    }
    fields
}

/// Checks what came of edits on both sides: no edit of another field is lost, and where both sides gave a field
/// different values, one of them is kept and both are on record.
pub(crate) fn check(
    base: &Beads,
    one: &Beads,
    other: &Beads,
    end: &Beads,
    conflicts: &[RecordedConflict],
) {
    let recorded = |id: &str, field: &str, mine: &Value, theirs: &Value| {
        conflicts.iter().any(|found| {
            let (a, b) = (&found.conflict.ours, &found.conflict.theirs);
            found.bead_id == id
                && found.conflict.field == field
                && ((a == mine && b == theirs) || (a == theirs && b == mine))
        })
    };
    for id in one.keys().chain(other.keys()) {
        let (mine, theirs, now) = (one.get(id), other.get(id), end.get(id));
        let Some(before) = base.get(id) else {
            // New on one side.
            let new = mine.or(theirs).unwrap();
            assert_eq!(fields(now.unwrap()), fields(new), "{id} is new");
            continue;
        };
        let (Some(mine), Some(theirs)) = (mine, theirs) else {
            // Deleted on one side: gone, unless the other changed it.
            let left = mine.or(theirs).unwrap();
            assert_eq!(
                now.is_some(),
                left != before,
                "{id} was deleted\n{before:?}\n{left:?}"
            );
            let told = |field: &str| {
                conflicts
                    .iter()
                    .any(|found| found.bead_id == *id && found.conflict.field == field)
            };
            if let Some(now) = now {
                assert!(told("deleted_at"), "{id} came back without a word");
                // Whoever deleted it may have changed it before.
                let all = fields(before)
                    .into_iter()
                    .zip(fields(left))
                    .zip(fields(now));
                for (((field, before), (_, left)), (_, now)) in all {
                    assert!(
                        left == before || now == left || told(&field),
                        "{id} {field}"
                    );
                }
            }
            continue;
        };
        let now = now.unwrap_or_else(|| panic!("{id} is lost"));
        let all = fields(before)
            .into_iter()
            .zip(fields(mine))
            .zip(fields(theirs))
            .zip(fields(now));
        for ((((field, before), (_, mine)), (_, theirs)), (_, now)) in all {
            if mine == theirs || theirs == before {
                assert_eq!(now, mine, "{id} {field}");
            } else if mine == before {
                assert_eq!(now, theirs, "{id} {field}");
            } else {
                assert!(now == mine || now == theirs, "{id} {field}: {now}");
                assert!(
                    recorded(id, &field, &mine, &theirs),
                    "{id} {field}: no record of {mine} and {theirs}"
                );
            }
        }
        if mine.status != theirs.status
            && mine.status != before.status
            && theirs.status != before.status
        {
            assert!(
                recorded(id, "status", &json!(mine.status), &json!(theirs.status)),
                "{id} status"
            );
        }
        for tag in mine.tags.iter().chain(&theirs.tags) {
            let both = mine.tags.contains(tag) && theirs.tags.contains(tag);
            let is_wanted = both || !before.tags.contains(tag);
            assert_eq!(now.tags.contains(tag), is_wanted, "{id} tag {tag}");
        }
        for comment in mine.comments.iter().chain(&theirs.comments) {
            assert!(now.comments.contains(comment), "{id} comment");
        }
    }
}
