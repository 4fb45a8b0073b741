/// A position of the default org chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The canonical role that fills it.
    pub role: &'static str,
    /// Whether a project cannot do without it.
    pub required: bool,
    /// How many agents may fill it; `None` is any number.
    pub max_instances: Option<u32>,
    /// The canonical role that it reports to.
    pub reports_to: Option<&'static str>,
}

const fn position(
    role: &'static str,
    required: bool,
    max_instances: Option<u32>,
    reports_to: Option<&'static str>,
) -> Position {
    Position {
        role,
        required,
        max_instances,
        reports_to,
    }
}

/// The chart that a new project starts from; whoever is reported to stands before whoever reports.
///
/// It is the original's chart with a CTO added: the original has a CTO persona, and lets it triage first, but no
/// position to seat it in.
pub const ORG_CHART: [Position; 15] = [
    position("ceo", true, Some(1), None),
    position("cfo", false, Some(1), Some("ceo")),
    position("cto", false, Some(1), Some("ceo")),
    position("product-manager", true, None, Some("ceo")),
    position("engineering-manager", true, None, Some("ceo")),
    position("project-manager", false, None, Some("engineering-manager")),
    position("qa-engineer", false, None, Some("engineering-manager")),
    position("devops-engineer", false, None, Some("engineering-manager")),
    position("code-reviewer", false, None, Some("engineering-manager")),
    position(
        "documentation-manager",
        false,
        Some(1),
        Some("product-manager"),
    ),
    position("web-designer", false, None, Some("product-manager")),
    position(
        "web-designer-engineer",
        false,
        None,
        Some("engineering-manager"),
    ),
    position("public-relations-manager", false, Some(1), Some("ceo")),
    position("decision-maker", false, Some(1), Some("ceo")),
    position("housekeeping-bot", false, Some(1), None),
];
