//! The double without a socket, and as a program.

use std::io::{Read, Write};
use std::net::TcpStream;

use loom_tokenhub_double::TokenHub;

use crate::exchange::{ask, hello};

#[test]
fn it_answers_without_a_socket() {
    let hub = TokenHub::in_process(hello()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let request = http::Request::post("/v1/chat/completions")
        .header("Authorization", format!("Bearer {}", hub.api_key()))
        .body(bytes::Bytes::from(ask("x").to_string()))
        .unwrap();
    let response = runtime.block_on(hub.call(request)).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(hub.ledger().len(), 1);
}

#[test]
fn the_program_prints_where_it_is_and_how_to_get_in() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script.json");
    std::fs::write(
        &script,
        r#"{"conversations":[{"match":"","replies":[{"content":"hi"}]}]}"#,
    )
    .unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_loom-tokenhub-double"))
        .args(["--listen", "127.0.0.1:0", "--script"])
        .arg(&script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = BufReader::new(program.stdout.take().unwrap())
        .lines()
        .take(2)
        .map(Result::unwrap)
        .collect();
    let address = lines[0].strip_prefix("TOKENHUB_URL=http://").unwrap();
    let key = lines[1].strip_prefix("TOKENHUB_API_KEY=").unwrap();
    let body = ask("x").to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"content\":\"hi\""),
        "{answer}"
    );

    let missing = Command::new(env!("CARGO_BIN_EXE_loom-tokenhub-double"))
        .args(["--listen", "127.0.0.1:0", "--script", "/nowhere.json"])
        .output()
        .unwrap();
    assert!(!missing.status.success());
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .starts_with("/nowhere.json: ")
    );
}
