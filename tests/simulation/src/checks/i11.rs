use std::collections::BTreeMap;

use super::ensure;
use crate::evidence::Evidence;

/// I11: when nothing is under way, nothing is reserved.
///
/// (That reserved and spent together stay under every cap is watched at each change of a budget, and that each budget
/// has just what its open calls have reserved is asked at many moments, by `watch`.)
pub(crate) fn i11_nothing_stays_reserved(evidence: &Evidence) -> Result<(), String> {
    for budget in &evidence.budgets {
        ensure(budget.reserved == 0, || {
            format!(
                "{} {} still has {} reserved",
                budget.scope, budget.subject, budget.reserved
            )
        })?;
    }
    Ok(())
}

/// I11: each budget has spent what the calls that it was charged for have cost, to the last millionth.
pub(crate) fn i11_all_that_is_spent_is_accounted_for(evidence: &Evidence) -> Result<(), String> {
    let mut used: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for usage in &evidence.usages {
        for subject in [
            ("bead", usage.bead.as_str()),
            ("project", usage.project.as_str()),
            ("day", usage.day.as_str()),
        ] {
            *used.entry(subject).or_default() += usage.cost;
        }
    }
    for budget in &evidence.budgets {
        let cost = used
            .remove(&(budget.scope.as_str(), budget.subject.as_str()))
            .unwrap_or_default();
        ensure(budget.spent == cost, || {
            format!(
                "{} {} has spent {}, its calls cost {cost}",
                budget.scope, budget.subject, budget.spent
            )
        })?;
    }
    ensure(used.is_empty(), || {
        format!("these have no budget: {used:?}")
    })
}
