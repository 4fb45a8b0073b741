//! CEO, CFO, decision-maker.

use super::{BuiltIn, DAY, HOUR, wakes};

pub(super) const ALL: &[BuiltIn] = &[
    wakes(
        "ceo-system-idle-strategic-review",
        "ceo",
        "System Idle - Strategic Review",
        "When no work happens anywhere, asks what should be done next.",
        ("system_idle", r#"{"minutes":30}"#),
        4 * HOUR,
        90,
    )
    .files(
        "strategic-review",
        "Strategic review: nothing is being worked on",
        "No work has happened for a while. Look at what was finished and what is open, and file the beads that should \
         come next, or close the project if nothing should.",
        2,
    ),
    wakes(
        "ceo-decision-pending",
        "ceo",
        "Decision Pending - Executive Approval",
        "Tells of decisions that wait for an answer.",
        ("decision_pending", "{}"),
        5,
        95,
    ),
    wakes(
        "ceo-quarterly-business-review",
        "ceo",
        "Quarterly Business Review",
        "At the turn of a quarter, looks back and ahead.",
        ("quarter_boundary", "{}"),
        80 * DAY,
        80,
    )
    .files(
        "quarterly-review",
        "Quarterly business review",
        "Compare what the last quarter was to bring with what it brought: beads closed, money spent, deadlines kept. \
         Say what changes for the next one.",
        2,
    ),
    wakes(
        "cfo-budget-threshold",
        "cfo",
        "Budget Threshold Exceeded",
        "When a day's runs cost more than ten US dollars, asks why.",
        (
            "cost_exceeded",
            r#"{"period":"day","threshold_micro_usd":10000000}"#,
        ),
        HOUR,
        85,
    )
    .files(
        "cost-analysis",
        "Analyse the cost: today's runs cost more than the threshold",
        "Find out which beads, agents and models the money went to, whether it was well spent, and what would have \
         cost less. Propose a budget or another model where that helps.",
        1,
    ),
    wakes(
        "cfo-monthly-financial-review",
        "cfo",
        "Monthly Financial Review",
        "At the turn of a month, adds up what it cost.",
        ("month_boundary", "{}"),
        25 * DAY,
        75,
    )
    .files(
        "financial-review",
        "Monthly financial review",
        "Add up what the last month cost by agent, model and kind of work, compare it with the month before, and name \
         the largest savings that are possible.",
        2,
    ),
    wakes(
        "cfo-system-idle-cost-optimization",
        "cfo",
        "System Idle - Cost Optimization",
        "When no work happens anywhere, there is time to look at the cost.",
        ("system_idle", r#"{"minutes":45}"#),
        6 * HOUR,
        50,
    ),
    wakes(
        "decision-maker-decision-pending",
        "decision-maker",
        "Decision Pending - Resolution",
        "Tells of decisions that have waited for ten minutes.",
        ("decision_pending", r#"{"minutes":10}"#),
        10,
        80,
    ),
    wakes(
        "decision-maker-project-idle",
        "decision-maker",
        "Project Idle - Decision Review",
        "When a project has stood still for an hour, a decision may be what it waits for.",
        ("project_idle", r#"{"minutes":60}"#),
        HOUR,
        45,
    ),
];
