use loom_test_support::{EventStream, Filed, Loom, PATIENCE, Project, Repository};
use serde_json::{Value, json};

/// A project without agents, and beads in it: a short story that nothing else is told in.
fn story(loom: &Loom) -> (Project, Vec<Filed>, Repository) {
    let repository = Repository::new(&[("README.md", "Events\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let beads: Vec<Filed> = (0..6)
        .map(|number| loom.file(&project, &format!("Event {number}"), json!({})))
        .collect();
    loom.admin
        .put(&beads[0].path, &json!({"status": "closed"}))
        .ok();
    (project, beads, repository)
}

fn sequences(page: &Value) -> Vec<i64> {
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sequence"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_stream_that_is_resumed_gives_every_event_once() {
    let loom = Loom::shared();
    let (project, _beads, _repository) = story(&loom);
    let path = format!(
        "/api/v1/events?after=0&limit=1000&project_id={}",
        project.id
    );
    let history = loom.admin.get(&path).ok();
    let expected = sequences(&history);
    assert!(expected.len() >= 8, "{history}");

    // Broken off and resumed after every two events, by each of the two ways.
    let query = format!("project_id={}", project.id);
    for by_header in [true, false] {
        let (mut seen, mut data, mut last) = (Vec::new(), Vec::new(), 0);
        while seen.len() < expected.len() {
            let stream = if by_header {
                EventStream::resume(&loom.admin, &query, Some(last), PATIENCE)
            } else {
                let query = format!("{query}&after={last}");
                EventStream::open(&loom.admin, &query, PATIENCE)
            };
            for event in stream.take(2.min(expected.len() - seen.len())) {
                last = event.sequence;
                seen.push(event.sequence);
                data.push(event.data);
            }
        }
        assert_eq!(seen, expected);
        assert_eq!(
            Value::from(data),
            history["events"],
            "stream and history tell the same"
        );
    }
}

#[test]
fn the_header_of_a_reconnecting_browser_counts_for_more_than_the_address() {
    let loom = Loom::shared();
    let (project, _beads, _repository) = story(&loom);
    let query = format!("after=0&project_id={}", project.id);
    let first = EventStream::open(&loom.admin, &query, PATIENCE)
        .next()
        .unwrap();
    let next = EventStream::resume(&loom.admin, &query, Some(first.sequence), PATIENCE);
    assert!(next.take(1).next().unwrap().sequence > first.sequence);
}

#[test]
fn what_happens_while_one_watches_is_seen() {
    let loom = Loom::shared();
    let (project, beads, _repository) = story(&loom);
    let query = format!(
        "project_id={}&type=bead.created,comment.created",
        project.id
    );
    let mut stream = EventStream::open(&loom.admin, &query, PATIENCE);
    let comment = json!({"content": "Seen?"});
    loom.admin
        .post(&format!("{}/comments", beads[1].path), &comment)
        .ok();
    let filed = loom.file(&project, "Filed while one watches", json!({}));
    let comment = stream.next().unwrap();
    assert_eq!(
        (comment.kind.as_str(), &comment.data["bead_id"]),
        ("comment.created", &json!(beads[1].id))
    );
    let created = stream.wait_for(|event| event.kind == "bead.created");
    assert_eq!(created.data["bead_id"], filed.id.as_str());
    assert_eq!(created.data["sequence"], created.sequence);
}

#[test]
fn history_is_paged_both_ways_and_narrowed() {
    let loom = Loom::shared();
    let (project, beads, _repository) = story(&loom);
    let get = |query: &str| {
        let path = format!("/api/v1/events?project_id={}&{query}", project.id);
        loom.admin.get(&path).ok()
    };
    let all = sequences(&get("after=0&limit=1000"));
    let (mut forward, mut after) = (Vec::new(), 0);
    loop {
        let page = sequences(&get(&format!("after={after}&limit=3")));
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = *last;
        forward.extend(page);
    }
    assert_eq!(forward, all);
    let (mut backward, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = sequences(&get(&format!("before={before}&limit=3")));
        let Some(last) = page.last() else { break };
        before = *last;
        backward.extend(page);
    }
    backward.reverse();
    assert_eq!(backward, all);

    let of_kind = get("after=0&type=bead.created");
    let filed: Vec<&str> = of_kind["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["bead_id"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = beads.iter().map(|bead| bead.id.as_str()).collect();
    assert_eq!(filed, expected);
    let of_bead = get(&format!("after=0&bead_id={}", beads[0].id));
    assert!(
        of_bead["events"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["bead_id"] == beads[0].id.as_str())
    );
}

#[test]
fn questions_about_events_that_make_no_sense() {
    let loom = Loom::shared();
    for (query, field) in [
        ("type=bead.exploded", "type"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=1&before=9", "before"),
        ("colour=red", "colour"),
        ("after=x", "after"),
    ] {
        let reply = loom.admin.get(&format!("/api/v1/events?{query}"));
        reply.refused(422, "invalid_fields");
        assert!(
            reply.json["fields"][field].is_string(),
            "{query}: {}",
            reply.json
        );
    }
    let request = loom.admin.request("GET", "/api/v1/events/stream");
    let reply = request.header("last-event-id", "yesterday").send();
    reply.refused(400, "invalid_last_event_id");
}
