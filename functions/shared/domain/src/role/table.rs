/// One role that Loom knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRole {
    /// The canonical spelling.
    pub name: &'static str,
    /// The name for people.
    pub display: &'static str,
    /// Other spellings that mean it, in kebab-case.
    ///
    /// No alias is a type of a conventional commit (`docs`, `test`, `ci`, `build`, `style`, …) or an everyday word of
    /// titles (`pr`, `security`, `frontend`), because a title such as `docs: fix a typo` addresses nobody.
    pub aliases: &'static [&'static str],
}

const fn role(
    name: &'static str,
    display: &'static str,
    aliases: &'static [&'static str],
) -> KnownRole {
    KnownRole {
        name,
        display,
        aliases,
    }
}

/// The one table of roles.
pub const KNOWN: [KnownRole; 16] = [
    role("ceo", "CEO", &["chief-executive-officer"]),
    role(
        "cfo",
        "CFO",
        &["chief-financial-officer", "finance-manager"],
    ),
    role(
        "cto",
        "CTO",
        &[
            "chief-technology-officer",
            "chief-technical-officer",
            "chief-architect",
        ],
    ),
    role(
        "product-manager",
        "Product Manager",
        &["pm", "product-owner", "prod-manager"],
    ),
    role(
        "project-manager",
        "Project Manager",
        &[
            "projm",
            "pjm",
            "proj-manager",
            "release-manager",
            "scrum-master",
            "program-manager",
        ],
    ),
    role(
        "engineering-manager",
        "Engineering Manager",
        &[
            "em",
            "eng-manager",
            "engineering",
            "engineer",
            "software-engineer",
            "software-developer",
            "backend-engineer",
            "back-end-engineer",
            "backend-developer",
            "fullstack-engineer",
            "full-stack-engineer",
            "developer",
            "coder",
            "programmer",
            "tech-lead",
            "team-lead",
        ],
    ),
    role(
        "code-reviewer",
        "Code Reviewer",
        &[
            "reviewer",
            "pr-reviewer",
            "code-review",
            "security-reviewer",
        ],
    ),
    role(
        "qa-engineer",
        "QA Engineer",
        &[
            "qa",
            "quality-assurance",
            "quality-assurance-engineer",
            "qa-tester",
            "tester",
            "test-engineer",
        ],
    ),
    role(
        "devops-engineer",
        "DevOps Engineer",
        &[
            "devops",
            "dev-ops",
            "dev-ops-engineer",
            "sre",
            "site-reliability-engineer",
            "platform-engineer",
            "infrastructure-engineer",
            "build-engineer",
            "release-engineer",
        ],
    ),
    role(
        "documentation-manager",
        "Documentation Manager",
        &[
            "documentation",
            "docs-manager",
            "doc-manager",
            "documentation-writer",
            "docs-writer",
            "technical-writer",
            "tech-writer",
        ],
    ),
    role(
        "web-designer",
        "Web Designer",
        &[
            "designer",
            "ux-designer",
            "ui-designer",
            "ui-ux-designer",
            "ux-ui-designer",
        ],
    ),
    role(
        "web-designer-engineer",
        "Web Designer Engineer",
        &[
            "web-engineer",
            "web-developer",
            "frontend-engineer",
            "front-end-engineer",
            "frontend-developer",
            "front-end-developer",
            "ui-engineer",
        ],
    ),
    role(
        "public-relations-manager",
        "Public Relations Manager",
        &["pr-manager", "public-relations", "community-manager"],
    ),
    role(
        "housekeeping-bot",
        "Housekeeping Bot",
        &["housekeeping", "housekeeper", "janitor"],
    ),
    role("decision-maker", "Decision Maker", &[]),
    role("loom", "Loom", &[]),
];
