//! Whoever sends is killed, at every point at which it could be: everything arrives, under one id each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use loom_domain::{
    connector::ConnectorInput,
    event::{EventKind, NewEvent},
};
use loom_platform::native::{
    handler,
    simulation::{Faults, SimPlatform, Simulation, Template},
};
use loom_platform::{Clock, Database, Platform, Statements, Transaction, body_from};
use loom_store::{Change, connector, migrate};
use serde_json::{Value, json};

const EVENTS: i64 = 3;
/// Enough polls for everything.
const LIMIT: u64 = 200_000;

type Arrivals = Arc<Mutex<BTreeMap<i64, Vec<String>>>>;

/// A Loom with a connector that has to tell of three events.
fn template() -> Template {
    let mut simulation = Simulation::new(0).unwrap();
    let platform = simulation.observer();
    let prepare = async move {
        migrate::migrate(platform.database()).await.unwrap();
        let input: ConnectorInput = serde_json::from_value(json!({
            "name": "Team", "kind": "webhook", "url": "https://hooks.example.com/h", "secret": "sign",
            "events": ["lesson.created"],
        }))
        .unwrap();
        let tx = platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, platform.random(), "ann").await.unwrap();
        connector::create(&change, input.create().unwrap())
            .await
            .unwrap();
        for _ in 0..EVENTS {
            change
                .event(NewEvent::new(EventKind::LessonCreated))
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    };
    simulation.block_on(LIMIT, prepare).unwrap();
    simulation.template().unwrap()
}

async fn sweeps(platform: SimPlatform) {
    while loom_connectors::sweep(&platform).await.is_err()
        || connector::is_due(platform.database()).await.unwrap_or(true)
        || open(&platform).await > 0
    {
        platform.clock().sleep(Duration::from_secs(10)).await;
    }
}

async fn open(platform: &SimPlatform) -> i64 {
    let sql = "SELECT COUNT(*) FROM connector_delivery WHERE status = 'pending'";
    let row = platform.database().query_one(sql, vec![]).await;
    row.ok().flatten().map_or(1, |row| row.integer(0).unwrap())
}

fn world(seed: u64, template: &Template, faults: Faults) -> (Simulation, Arrivals) {
    let mut simulation = Simulation::from_template(seed, template).unwrap();
    simulation.set_faults(faults);
    for (name, value) in [
        ("connector_secrets", format!("sign=fake-{seed}")),
        ("connector_host_1", "https://hooks.example.com".to_owned()),
        ("loom_url", "https://loom.example".to_owned()),
    ] {
        simulation.variables().set(name, value);
    }
    let arrivals = Arrivals::default();
    let noted = Arc::clone(&arrivals);
    let receiver = simulation.lasting_process("receiver");
    let answer = handler(move |request: http::Request<Bytes>| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let id = request.headers()["x-loom-delivery"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(body["id"], id);
        let sequence = body["event"]["sequence"].as_i64().unwrap();
        noted.lock().unwrap().entry(sequence).or_default().push(id);
        async { http::Response::new(body_from("")) }
    });
    simulation.route("hooks.example.com", receiver, answer);
    (simulation, arrivals)
}

/// Everything arrived, each event under one id, and the log says so. Returns how often something arrived again.
fn check(simulation: &Simulation, arrivals: &Arrivals, about: &str) -> usize {
    let observer = simulation.observer();
    let sql = "SELECT sequence, id, status FROM connector_delivery ORDER BY sequence";
    let rows = simulation
        .inspect(observer.database().query(sql, vec![]))
        .unwrap()
        .unwrap();
    let arrivals = arrivals.lock().unwrap();
    assert_eq!(rows.len(), arrivals.len(), "{about}");
    assert_eq!(i64::try_from(rows.len()).unwrap(), EVENTS, "{about}");
    let mut again = 0;
    for row in &rows {
        let (sequence, id) = (row.integer(0).unwrap(), row.text(1).unwrap());
        assert_eq!(row.text(2).unwrap(), "delivered", "{about}");
        let ids: BTreeSet<&String> = arrivals[&sequence].iter().collect();
        assert_eq!(ids, BTreeSet::from([&id]), "{about}");
        again += arrivals[&sequence].len() - 1;
    }
    again
}

#[test]
fn a_crash_at_every_point_loses_nothing_and_renames_nothing() {
    let template = template();
    let mut again = 0;
    for turn in 0.. {
        let (mut simulation, arrivals) = world(1, &template, Faults::default());
        let process = simulation.process("loom");
        simulation.supervise(process, sweeps);
        let is_over = simulation.run_until_quiet(turn).is_ok();
        if !is_over {
            simulation.crash(process);
            simulation.restart(process);
            simulation.run_until_quiet(LIMIT).unwrap();
        }
        again += check(&simulation, &arrivals, &format!("crash after {turn} turns"));
        if is_over {
            assert!(turn > 20, "only {turn} turns");
            break;
        }
    }
    assert!(again > 0, "no crash came between a message and its record");
}

#[test]
fn lost_replies_busy_databases_and_several_sweeps_at_once_neither() {
    let template = template();
    let mut again = 0;
    for seed in 0..150 {
        let (mut simulation, arrivals) = world(seed, &template, Faults::drawn(seed));
        for name in ["one", "two"] {
            let process = simulation.process(name);
            simulation.supervise(process, sweeps);
        }
        simulation.run_until_quiet(LIMIT).unwrap();
        again += check(&simulation, &arrivals, &format!("seed {seed}"));
    }
    assert!(again > 0);
}
