use loom_test_support::{Loom, PRD, Product, Repository};

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
