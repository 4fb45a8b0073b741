use super::*;

const CONNECT: &str = r#"
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
fn main() {
    let address = std::env::args().nth(1).unwrap();
    println!("tcp {}", TcpStream::connect(&address).is_ok());
    println!("listen {}", TcpListener::bind("127.0.0.1:0").is_ok());
    println!("udp {}", UdpSocket::bind("127.0.0.1:0").is_ok());
    println!("unix {}", UnixStream::pair().is_ok());
}
"#;

fn run(sandbox: &Sandbox, place: &Path, argv: &[&str]) -> (Option<i32>, String) {
    let (worktree, private) = (place.join("tree"), place.join("private"));
    std::fs::create_dir_all(&worktree).unwrap();
    std::fs::create_dir_all(&private).unwrap();
    let job = Job {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        directory: worktree.clone(),
        timeout: Duration::from_secs(60),
        worktree,
        private,
    };
    match sandbox.run(job).unwrap() {
        Outcome::Command {
            exit_code, output, ..
        } => (exit_code, output),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_no_namespace_is_permitted_there_are_no_sockets() {
    let place = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::new(Toolchain::discover(&[]), SandboxPolicy::Required);
    sandbox.namespaces = false;
    std::fs::create_dir(place.path().join("tree")).unwrap();
    std::fs::write(place.path().join("tree/connect.rs"), CONNECT).unwrap();
    let built = run(
        &sandbox,
        place.path(),
        &["rustc", "connect.rs", "-o", "connect"],
    );
    assert_eq!(built.0, Some(0), "{}", built.1);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (_, output) = run(&sandbox, place.path(), &["./connect", &address]);
    assert_eq!(output, "tcp false\nlisten false\nudp false\nunix true\n");
    // The thread that starts the next program, and this one, are as free as before.
    std::net::TcpStream::connect(&address).unwrap();
}

#[test]
fn after_its_end_nothing_starts() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(Toolchain::discover(&[]), SandboxPolicy::Required);
    sandbox.end();
    let job = Job {
        argv: vec!["ls".into()],
        directory: place.path().to_owned(),
        timeout: Duration::from_secs(60),
        worktree: place.path().to_owned(),
        private: place.path().to_owned(),
    };
    assert_eq!(sandbox.run(job).unwrap_err().code, "service_stopping");
}
