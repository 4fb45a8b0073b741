use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

/// The position of a role in a chart.
fn position<'a>(chart: &'a Value, role: &str) -> &'a Value {
    let positions = chart["positions"].as_array().unwrap();
    positions.iter().find(|one| one["role"] == role).unwrap()
}

#[test]
fn a_project_has_an_org_chart_that_its_agents_fill() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Teams\n")]);
    let project = loom.project(&repository, &["pm", "coder"], json!({}));
    let path = format!("/api/v1/org-charts/{}", project.id);
    let chart = loom.admin.get(&path).ok();
    let manager = position(&chart, "engineering-manager");
    assert_eq!(manager["status"], "filled");
    assert_eq!(position(&chart, "qa-engineer")["status"], "vacant");
    assert_eq!(position(&chart, "ceo")["is_person"], true);

    let mut positions: Vec<Value> = Vec::new();
    for one in chart["positions"].as_array().unwrap() {
        let most = if one["role"] == "engineering-manager" {
            &json!(2)
        } else {
            &one["max_instances"]
        };
        positions.push(
            json!({"role": one["role"], "required": one["required"], "max_instances": most,
            "reports_to": one["reports_to"]}),
        );
    }
    let changed = loom.admin.put(&path, &json!({"positions": positions})).ok();
    assert_eq!(
        position(&changed, "engineering-manager")["status"],
        "partial"
    );

    let id = manager["agents"][0]["id"].as_str().unwrap();
    let clone = format!("/api/v1/agents/{id}/clone");
    let second = loom.admin.post(&clone, &json!({})).ok();
    assert_eq!(second["project_id"], project.id);
    let third = loom.admin.post(&clone, &json!({}));
    assert_eq!(
        (third.status, &third.json["code"]),
        (409, &json!("max_instances_reached"))
    );
    let full = loom.admin.get(&path).ok();
    assert_eq!(position(&full, "engineering-manager")["status"], "filled");
}

#[test]
fn an_agent_that_fails_with_three_beads_is_stuck_until_it_is_reset() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Stuck\n")]);
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    let agents = format!("/api/v1/agents?project_id={}", project.id);
    let all = loom.admin.all(&agents);
    let mine = |agent: &&Value| agent["project_id"] == project.id.as_str();
    let id = all.iter().find(mine).unwrap()["id"].as_str().unwrap();
    let path = format!("/api/v1/agents/{id}");
    let beads = ["one", "two", "three"].map(|name| {
        let title = format!("Babbles {name} in agent_is_stuck");
        loom.model
            .turns(&title, [Answer::text("The weather is fine.")]);
        loom.file(&project, &title, json!({}))
    });
    // Each of the first two is given up after three attempts; the first attempt at the third is one too many.
    for bead in &beads[..2] {
        loom.until_status(bead, "blocked");
    }
    let of_project = format!("project_id={}", project.id);
    let stuck = loom.until("the agent gets stuck", &of_project, || {
        let agent = loom.admin.get(&path).ok();
        Some(agent).filter(|agent| agent["status"] == "stuck")
    });
    let reason = stuck["status_reason"].as_str().unwrap();
    assert!(reason.contains("parse_failures"), "{reason}");
    assert!(reason.contains(&beads[2].id), "{reason}");
    loom.tick();
    assert_eq!(loom.bead(&beads[2])["status"], "open");
    let why = loom.admin.get(&format!("{}/why", beads[2].path)).ok();
    let reasons = why["reasons"].as_array().unwrap();
    let told = reasons.iter().find(|one| one["code"] == "no_idle_agent");
    let told = told.unwrap()["message"].as_str().unwrap();
    assert!(told.contains("stuck") && told.contains("/reset"), "{told}");

    let reset = loom.admin.post(&format!("{path}/reset"), &json!({})).ok();
    assert_eq!(
        (&reset["status"], &reset["status_reason"]),
        (&json!("idle"), &json!(null))
    );
    loom.until_status(&beads[2], "blocked");
}
