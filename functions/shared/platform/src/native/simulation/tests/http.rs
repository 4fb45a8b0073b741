use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use crate::{
    Clock, HttpClient, HttpError, KeyValue, Platform, Tasks, body_from,
    native::{
        handler,
        simulation::{Faults, ProcessId, Simulation},
    },
    read_body,
};

const MINUTE: Duration = Duration::from_secs(60);

fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).unwrap()
}

/// A service that counts its requests and answers with twelve bytes, and a client of it.
struct Pair {
    simulation: Simulation,
    client: ProcessId,
    server: ProcessId,
    served: Arc<AtomicU32>,
}

impl Pair {
    fn new(seed: u64, faults: Faults) -> Self {
        let mut simulation = Simulation::new(seed).unwrap();
        let client = simulation.process("client");
        let server = simulation.lasting_process("server");
        let served = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&served);
        let count = handler(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { http::Response::new(body_from("twelve bytes")) }
        });
        simulation.route("service.test", server, count);
        simulation.set_faults(faults);
        Self {
            simulation,
            client,
            server,
            served,
        }
    }

    fn call(&mut self) -> Result<Result<Bytes, HttpError>, HttpError> {
        let platform = self.simulation.platform(self.client);
        let call = async move {
            let response = platform
                .http()
                .send(get("http://service.test:80/x"), MINUTE)
                .await?;
            Ok(read_body(response.into_body(), 100).await)
        };
        let outcome = self.simulation.block_on(1_000, call).unwrap();
        self.simulation.run_until_quiet(1_000).unwrap();
        outcome
    }

    fn served(&self) -> u32 {
        self.served.load(Ordering::SeqCst)
    }
}

#[test]
fn an_exchange_without_faults() {
    let mut pair = Pair::new(1, Faults::default());
    assert_eq!(pair.call(), Ok(Ok(Bytes::from("twelve bytes"))));
    assert_eq!(pair.served(), 1);
}

#[test]
fn a_refused_connection_reaches_nobody() {
    let mut pair = Pair::new(
        1,
        Faults {
            refused: 1.0,
            ..Faults::default()
        },
    );
    assert!(matches!(pair.call(), Err(HttpError::Connect(_))));
    assert_eq!(pair.served(), 0);
}

#[test]
fn a_lost_reply_has_been_served() {
    let mut kinds = [0, 0];
    for seed in 0..20 {
        let mut pair = Pair::new(
            seed,
            Faults {
                lost_reply: 1.0,
                ..Faults::default()
            },
        );
        match pair.call() {
            Err(HttpError::Interrupted(_)) => kinds[0] += 1,
            Err(HttpError::Timeout(limit)) => {
                assert_eq!((limit, pair.simulation.elapsed()), (MINUTE, MINUTE));
                kinds[1] += 1;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(pair.served(), 1);
    }
    assert!(kinds[0] > 3 && kinds[1] > 3, "{kinds:?}");
}

#[test]
fn a_duplicate_is_served_twice_and_answered_once() {
    let faults = Faults {
        duplicate: 1.0,
        delay: 0.5,
        ..Faults::default()
    };
    for seed in 0..20 {
        let mut pair = Pair::new(seed, faults.clone());
        assert_eq!(
            pair.call(),
            Ok(Ok(Bytes::from("twelve bytes"))),
            "seed {seed}"
        );
        assert_eq!(pair.served(), 2);
    }
}

#[test]
fn a_truncated_body_breaks_off_half_way() {
    let mut pair = Pair::new(
        1,
        Faults {
            truncated: 1.0,
            ..Faults::default()
        },
    );
    assert!(matches!(pair.call(), Ok(Err(HttpError::Interrupted(_)))));
    assert_eq!(pair.served(), 1);
}

#[test]
fn delays_let_requests_overtake_each_other() {
    let orders: Vec<String> = (0..20)
        .map(|seed| {
            let mut simulation = Simulation::new(seed).unwrap();
            let server = simulation.lasting_process("server");
            simulation.serve("service.test", server, |platform, request| async move {
                let path = request.uri().path().to_owned();
                let sofar = platform
                    .key_value()
                    .get("order")
                    .await
                    .unwrap()
                    .unwrap_or_default();
                let all = [sofar, path.into_bytes()].concat();
                platform.key_value().set("order", &all).await.unwrap();
                http::Response::new(body_from(""))
            });
            let client = simulation.process("client");
            let faults = Faults {
                delay: 0.5,
                longest_delay: MINUTE,
                ..Faults::default()
            };
            simulation.set_faults(faults);
            for path in ["/1", "/2"] {
                let platform = simulation.platform(client);
                simulation.spawn(client, path, async move {
                    let url = format!("http://service.test{path}");
                    platform.http().send(get(&url), 100 * MINUTE).await.unwrap();
                });
            }
            simulation.run_until_quiet(10_000).unwrap();
            let observer = simulation.observer();
            let order = simulation
                .inspect(observer.key_value().get("order"))
                .unwrap();
            String::from_utf8(order.unwrap().unwrap()).unwrap()
        })
        .collect();
    assert!(orders.contains(&"/1/2".to_owned()), "{orders:?}");
    assert!(orders.contains(&"/2/1".to_owned()), "{orders:?}");
}

#[test]
fn a_crashed_server_is_gone_for_those_who_wait_and_refuses_others() {
    let mut simulation = Simulation::new(1).unwrap();
    let server = simulation.lasting_process("server");
    simulation.route("service.test", server, handler(|_| std::future::pending()));
    let client = simulation.process("client");
    let platform = simulation.platform(client);
    let waiting = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&waiting);
    simulation.spawn(client, "waiting", async move {
        let outcome = platform
            .http()
            .send(get("http://service.test/"), MINUTE)
            .await;
        assert!(
            matches!(outcome, Err(HttpError::Interrupted(_))),
            "{outcome:?}"
        );
        told.store(1, Ordering::SeqCst);
    });
    simulation.run_for(Duration::from_secs(1), 1_000).unwrap();
    simulation.crash(server);
    simulation.run_until_quiet(1_000).unwrap();
    assert_eq!(waiting.load(Ordering::SeqCst), 1);

    let call = |simulation: &mut Simulation| {
        let platform = simulation.platform(client);
        let call = async move {
            platform
                .http()
                .send(get("http://service.test/"), MINUTE)
                .await
        };
        simulation
            .block_on(1_000, call)
            .unwrap()
            .map(|response| response.status())
    };
    assert!(matches!(call(&mut simulation), Err(HttpError::Connect(_))));
    simulation.restart(server);
    assert_eq!(call(&mut simulation), Err(HttpError::Timeout(MINUTE)));
}

#[test]
fn a_request_arrives_though_its_sender_has_crashed() {
    let mut pair = Pair::new(1, Faults::default());
    let platform = pair.simulation.platform(pair.client);
    pair.simulation.spawn(pair.client, "call", async move {
        platform
            .http()
            .send(get("http://service.test/"), MINUTE)
            .await
            .unwrap();
    });
    let trace_has =
        |simulation: &Simulation, event| simulation.trace().entries().any(|e| e.event == event);
    while !trace_has(&pair.simulation, "http.send") {
        pair.simulation.run_until(1, || true).unwrap();
    }
    // The next polls put the request on the wire; the crash comes as soon as it is there.
    for _ in 0..20 {
        if pair.served() == 1 {
            break;
        }
        pair.simulation.run_until(1, || true).unwrap();
    }
    pair.simulation.crash(pair.client);
    pair.simulation.run_until_quiet(1_000).unwrap();
    assert_eq!(pair.served(), 1);
    assert!(pair.simulation.is_alive(pair.server));
}

#[test]
fn functions_call_each_other_and_go_on_after_answering() {
    let mut simulation = Simulation::new(4).unwrap();
    let loom = simulation.process("loom");
    simulation.serve(
        "agent-step.spin.internal",
        loom,
        |platform, request| async move {
            let body = read_body(request.into_body(), 100).await.unwrap();
            let spawned = platform.clone();
            platform.tasks().spawn(async move {
                spawned.clock().sleep(MINUTE).await;
                spawned.key_value().set("ran", &body).await.unwrap();
            });
            http::Response::builder()
                .status(202)
                .body(body_from(""))
                .unwrap()
        },
    );
    let platform = simulation.platform(loom);
    let call = async move {
        let url = "http://agent-step.spin.internal/internal/step";
        let request = http::Request::post(url).body(Bytes::from("run-1")).unwrap();
        platform
            .http()
            .send(request, MINUTE)
            .await
            .unwrap()
            .status()
    };
    assert_eq!(simulation.block_on(1_000, call).unwrap(), 202);
    simulation.run_until_quiet(1_000).unwrap();
    let observer = simulation.observer();
    let ran = simulation.inspect(observer.key_value().get("ran")).unwrap();
    assert_eq!(ran.unwrap(), Some(b"run-1".to_vec()));
}

#[test]
fn the_longest_prefix_wins_and_unknown_hosts_are_denied() {
    let mut simulation = Simulation::new(1).unwrap();
    let server = simulation.lasting_process("server");
    for (prefix, status) in [("a.test", 200), ("a.test:81", 201), ("a.test", 202)] {
        let answer = move |_| async move {
            http::Response::builder()
                .status(status)
                .body(body_from(""))
                .unwrap()
        };
        simulation.route(prefix, server, handler(answer));
    }
    let client = simulation.process("client");
    let platform = simulation.platform(client);
    let calls = async move {
        let mut seen = Vec::new();
        for url in ["http://a.test/", "http://a.test:81/", "http://b.test/"] {
            let outcome = platform.http().send(get(url), MINUTE).await;
            seen.push(outcome.map(|response| response.status().as_u16()));
        }
        seen
    };
    let denied = Err(HttpError::Denied("b.test".to_owned()));
    assert_eq!(
        simulation.block_on(1_000, calls).unwrap(),
        [Ok(202), Ok(201), denied]
    );
}
