use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ChartPosition, Present};
use crate::Refusal;
use crate::role::{ORG_CHART, Role};

/// The most places that a position may have, unless their number is not limited.
pub const MAX_INSTANCES: i64 = 256;

/// One position as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionInput {
    /// Any spelling of a role that Loom knows.
    pub role: String,
    /// Whether the project cannot do without it; default false.
    #[serde(default)]
    pub required: bool,
    /// How many agents may fill it; absent, `null` and 0 = any number.
    #[serde(default)]
    pub max_instances: Option<i64>,
    /// The role of the position that it reports to, in any spelling.
    #[serde(default)]
    pub reports_to: Option<String>,
}

/// The chart that `wanted` asks for in place of `current`, when `present` agents hold its positions.
///
/// Each role is known and stands once; who is reported to is in the chart, and nobody reports to himself by any way
/// round; what the default chart requires stays required, and what `current` requires stays in the chart; no position
/// goes, or has fewer places, while agents hold it.
///
/// # Errors
/// `invalid_fields`, with everything that is wrong by its place: `positions[2].reports_to`.
pub fn replace(
    current: &[ChartPosition],
    wanted: &[PositionInput],
    present: &Present,
) -> Result<Vec<ChartPosition>, Refusal> {
    let mut problems = Problems::default();
    let positions: Vec<Option<ChartPosition>> = wanted
        .iter()
        .enumerate()
        .map(|(index, input)| read(index, input, &mut problems))
        .collect();
    let mut seen: BTreeMap<&Role, usize> = BTreeMap::new();
    for (index, position) in numbered(&positions) {
        if let Some(first) = seen.insert(&position.role, index) {
            let problem = format!("{} is positions[{first}] already", position.role);
            problems.at(index, "role", problem);
        }
    }
    for (index, position) in numbered(&positions) {
        reports(index, position, &seen, &mut problems);
        places(index, position, present, &mut problems);
        if !position.required && is_always_required(&position.role) {
            let problem = format!("must be true: no project can do without {}", position.role);
            problems.at(index, "required", problem);
        }
    }
    for (index, position) in numbered(&positions) {
        if let Some(path) = cycle(position, &positions) {
            let problem = format!("goes round in a circle: {}", path.join(" → "));
            problems.at(index, "reports_to", problem);
        }
    }
    for position in current
        .iter()
        .filter(|position| !seen.contains_key(&position.role))
    {
        let role = &position.role;
        let agents = present.get(role.as_str()).copied().unwrap_or(0);
        if is_always_required(role) {
            problems.whole(format!("must have {role}: no project can do without it"));
        } else if position.required {
            problems.whole(format!(
                "must have {role}, which is required; set required to false first"
            ));
        } else if agents > 0 {
            problems.whole(format!("must have {role}: {agents} agent(s) hold it; delete them or change their role first"));
        }
    }
    problems.none()?;
    Ok(positions.into_iter().flatten().collect())
}

#[derive(Default)]
struct Problems(BTreeMap<String, String>);

impl Problems {
    fn at(&mut self, index: usize, field: &str, problem: String) {
        self.0
            .entry(format!("positions[{index}].{field}"))
            .or_insert(problem);
    }

    fn whole(&mut self, problem: String) {
        let all = self.0.entry("positions".to_owned()).or_default();
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(&problem);
    }

    fn none(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut refusal = Refusal::invalid(
            "invalid_fields",
            "The org chart cannot be like this. Nothing was changed.",
        );
        refusal.fields = self.0;
        Err(refusal)
    }
}

fn numbered(positions: &[Option<ChartPosition>]) -> impl Iterator<Item = (usize, &ChartPosition)> {
    positions
        .iter()
        .enumerate()
        .filter_map(|(index, position)| Some((index, position.as_ref()?)))
}

fn read(index: usize, input: &PositionInput, problems: &mut Problems) -> Option<ChartPosition> {
    let reports_to = match input.reports_to.as_deref().map(Role::parse) {
        Some(Err(unknown)) => {
            problems.at(index, "reports_to", unknown.message);
            None
        }
        Some(Ok(above)) => Some(above),
        None => None,
    };
    let max_instances = input.max_instances.filter(|most| *most != 0);
    if max_instances.is_some_and(|most| !(1..=MAX_INSTANCES).contains(&most)) {
        let problem = format!("must be 0 (any number) to {MAX_INSTANCES}");
        problems.at(index, "max_instances", problem);
    }
    match Role::parse(&input.role) {
        Ok(role) => Some(ChartPosition {
            role,
            required: input.required,
            max_instances,
            reports_to,
        }),
        Err(unknown) => {
            problems.at(index, "role", unknown.message);
            None
        }
    }
}

fn reports(
    index: usize,
    position: &ChartPosition,
    seen: &BTreeMap<&Role, usize>,
    problems: &mut Problems,
) {
    let Some(above) = &position.reports_to else {
        return;
    };
    if position.role.is_human_seat() {
        let problem = format!("must be absent: {} reports to nobody", position.role);
        problems.at(index, "reports_to", problem);
    } else if !seen.contains_key(above) {
        problems.at(
            index,
            "reports_to",
            format!("{above} has no position in the chart"),
        );
    }
}

fn places(index: usize, position: &ChartPosition, present: &Present, problems: &mut Problems) {
    let agents = present.get(position.role.as_str()).copied().unwrap_or(0);
    if position.role.is_human_seat() {
        if position.max_instances != Some(1) {
            let problem = format!("must be 1: {} is one person's seat", position.role);
            problems.at(index, "max_instances", problem);
        }
    } else if position.max_instances.is_some_and(|most| most < agents) {
        let problem = format!("must be at least {agents}, the agents that hold the position");
        problems.at(index, "max_instances", problem);
    }
}

/// Whether the default chart requires it; that cannot be changed.
fn is_always_required(role: &Role) -> bool {
    ORG_CHART
        .iter()
        .any(|position| position.required && *role == position.role)
}

/// The way from a position upwards, if it comes back to where it began.
fn cycle(from: &ChartPosition, positions: &[Option<ChartPosition>]) -> Option<Vec<String>> {
    let mut path = vec![from.role.to_string()];
    let mut above = from.reports_to.as_ref()?;
    // Longer than the chart it could only be inside a circle that it never left, which others report.
    for _ in 0..positions.len() {
        path.push(above.to_string());
        if *above == from.role {
            return Some(path);
        }
        above = numbered(positions)
            .find(|(_, position)| position.role == *above)?
            .1
            .reports_to
            .as_ref()?;
    }
    None
}
