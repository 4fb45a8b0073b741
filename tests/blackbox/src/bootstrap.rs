use loom_test_support::tokenhub::Answer;
use loom_test_support::{Filed, Loom, PRD, Product, Repository, base64};
use serde_json::json;

/// From a document to a product that its owner has seen: sent back once as a document and once as a product, and every
/// bead of it done by the role that it asks for, in the order that it asks for.
#[test]
fn a_requirements_document_becomes_a_product() {
    assert!(PRD.split_whitespace().count() >= 2_000);
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Larder\n")]);
    let product = Product::begin(&loom, &repository);
    assert_eq!(product.begun["status"], "bootstrapping");
    let answered = |node: &str| {
        let query = format!("project_id={}", product.project_id);
        let question = loom.until(&format!("the owner is asked at {node}"), &query, || {
            product.answer(&loom)
        });
        assert_eq!(question["kind"], "workflow_approval", "{question:#}");
        assert!(question.to_string().contains(node), "{question:#}");
    };
    answered("ceo_review");
    // Nothing is on the base branch before the owner agrees.
    assert_eq!(
        repository.git(&["ls-tree", "--name-only", "main"]),
        "README.md"
    );
    answered("ceo_review");
    answered("demo");
    answered("demo");

    // The bootstrap is at its end, and what is not part of the first usable product goes on.
    loom.until_status(&product.root, "closed");
    let late = product.late(&loom).expect("it is planned");
    assert_ne!(late["status"], "closed", "{late:#}");
    product.gate.open();
    let query = format!("project_id={}", product.project_id);
    loom.until("everything is closed", &query, || {
        product.is_finished(&loom).then_some(())
    });
    product.check(&loom, &repository);
}

/// The largest document there may be, in base64, which makes the largest body: it is split, and lies in the repository
/// before the model is asked for the first time.
#[test]
fn a_document_of_ten_mebibytes_is_in_the_repository_from_the_first_run_on() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Large\n")]);
    let line = format!("{}\n", "requirement ".repeat(85));
    let mut prd = line.repeat(10 * 1024 * 1024 / line.len());
    prd.push_str(&"x".repeat(10 * 1024 * 1024 - prd.len()));
    let name = format!("large in bootstrap {}", std::process::id());
    loom.model.turns(
        &format!("[Bootstrap] {name}"),
        [
            Answer::call("read_tree", json!({"path": "plans"})),
            Answer::call(
                "escalate",
                json!({"question": "This is a lot. Where do I begin?"}),
            ),
        ],
    );
    let input = json!({"name": name, "git_repo": repository.path(), "branch": "main", "profile": "solo",
        "prd_file": base64(prd.as_bytes())});
    let begun = loom.admin.post("/api/v1/projects/bootstrap", &input).ok();
    let root = Filed::new(begun["initial_bead_id"].as_str().unwrap());
    loom.until_status(&root, "blocked");
    let runs = loom.runs(&root);
    let action = &runs[0]["steps"][0]["actions"][0];
    assert_eq!(action["status"], "ok", "{action:#}");
    let told = action["result"].to_string();
    assert!(told.contains("ORIGINAL_PRD.10.md"), "{told}");
    let branch = runs[0]["run"]["branch"].as_str().unwrap();
    let number = |part: usize| match part {
        1 => String::new(),
        _ => format!(".{part}"),
    };
    let mut whole = 0;
    for part in 1..=11 {
        let file = format!("{branch}:plans/ORIGINAL_PRD{}.md", number(part));
        let size = repository.git(&["cat-file", "-s", &file]);
        whole += size.parse::<usize>().unwrap();
    }
    assert_eq!(whole, prd.len());
    let commits = repository.git(&["log", "--format=%s", &format!("main..{branch}")]);
    assert_eq!(commits, "docs: the product requirements as they were given");
}
