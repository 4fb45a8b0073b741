use bytes::Bytes;
use futures_util::SinkExt;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{BoxBody, FullBody, Request, Response, box_body};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::wasip3::spawn;
use std::time::Duration;

#[allow(
    clippy::disallowed_methods,
    reason = "it measures how long it keeps the processor busy"
)]
fn busy(duration: Duration) {
    let start = std::time::Instant::now();
    while start.elapsed() < duration {
        std::hint::black_box(start);
    }
}

#[http_service]
async fn handle(request: Request) -> Response<BoxBody> {
    let (parts, body) = request.into_parts();
    let action = parts
        .uri
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let body = match body.bytes().await {
        Ok(body) => body,
        Err(error) => return text(400, format!("{error:?}")),
    };
    let argument = String::from_utf8_lossy(&body).into_owned();
    match action.as_str() {
        "request" => {
            let headers: Vec<(String, String)> = parts
                .headers
                .iter()
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect();
            let headers: serde_json::Map<_, _> = headers
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            text(
                200,
                serde_json::json!({ "uri": parts.uri.to_string(), "headers": headers }).to_string(),
            )
        }
        "length" => text(200, body.len().to_string()),
        "busy" => {
            busy(milliseconds(&argument));
            text(200, "done".to_owned())
        }
        "sleep" => {
            spin_sdk::time::sleep(milliseconds(&argument)).await;
            text(200, "done".to_owned())
        }
        #[allow(clippy::panic, reason = "that is what it is told")]
        "panic" => panic!("{argument}"),
        "say" => {
            println!("{argument}");
            text(200, "said".to_owned())
        }
        "variable" => answer(spin_sdk::variables::get(&argument).await),
        "file" => answer(std::fs::read_to_string(&argument)),
        "write-file" => answer(std::fs::write(&argument, "x").map(|()| String::new())),
        "call" => answer(call(&argument).await),
        // Answers at once and calls afterwards.
        "call-later" => {
            spawn(async move {
                let _ = call(&argument).await;
            });
            text(202, "later".to_owned())
        }
        "sql" => answer(sql(&argument).await),
        "keys" => answer(keys(&argument).await),
        "events" => {
            let (mut events, body) = spin_sdk::http::body::stream::<String>();
            spawn(async move {
                while events.send("data: x\n\n".to_owned()).await.is_ok() {
                    spin_sdk::time::sleep(Duration::from_secs(3600)).await;
                }
            });
            let mut response = Response::new(box_body(body));
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("text/event-stream"),
            );
            response
        }
        _ => text(404, "no such action".to_owned()),
    }
}

fn milliseconds(argument: &str) -> Duration {
    Duration::from_millis(argument.parse().unwrap_or(u64::MAX))
}

async fn call(url: &str) -> Result<String, String> {
    let response = spin_sdk::http::get(url)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .bytes()
        .await
        .map_err(|error| format!("{error:?}"))?;
    Ok(format!("{status} {}", String::from_utf8_lossy(&body)))
}

/// `label statement; statement; …` on one connection. Answers with the first value of the last statement.
async fn sql(argument: &str) -> Result<String, String> {
    let (label, statements) = argument.split_once(' ').ok_or("label statements")?;
    let connection = Connection::open(label)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let mut last = String::new();
    for statement in statements.split("; ") {
        let rows = connection
            .execute(statement, [])
            .await
            .map_err(|error| format!("{error:?}"))?;
        let rows = rows.collect().await.map_err(|error| format!("{error:?}"))?;
        last = match rows.first().and_then(|row| row.values.first()) {
            Some(Value::Integer(value)) => value.to_string(),
            Some(Value::Text(value)) => value.clone(),
            Some(other) => format!("{other:?}"),
            None => String::new(),
        };
    }
    Ok(last)
}

/// Puts a hundred keys into the store `label` and reads each while it lists them.
async fn keys(label: &str) -> Result<String, String> {
    let describe = |error: spin_sdk::key_value::Error| format!("{error:?}");
    let store = Store::open(label).await.map_err(describe)?;
    for number in 0..100 {
        store
            .set(format!("k{number}"), number.to_string())
            .await
            .map_err(describe)?;
    }
    let mut keys = store.get_keys().await;
    let mut sum = 0;
    while let Some(key) = keys.next().await {
        let value = store.get(&key).await.map_err(describe)?.unwrap_or_default();
        sum += String::from_utf8_lossy(&value)
            .parse::<u32>()
            .unwrap_or_default();
    }
    keys.result().await.map_err(describe)?;
    Ok(sum.to_string())
}

fn answer<E: std::fmt::Debug>(result: Result<String, E>) -> Response<BoxBody> {
    match result {
        Ok(body) => text(200, body),
        Err(error) => text(502, format!("{error:?}")),
    }
}

fn text(status: u16, body: String) -> Response<BoxBody> {
    let mut response = Response::new(box_body(FullBody::new(Bytes::from(body))));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}
