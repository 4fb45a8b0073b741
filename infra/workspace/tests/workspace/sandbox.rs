use loom_workspace::{Operation, Outcome};

use crate::support::{World, put, write};

#[tokio::test]
async fn a_command_sees_nothing_but_its_worktree_and_the_toolchain() {
    let world = World::with(&[("a.txt", "in\n")]).await;
    world.perform("other", write("a.txt", "other\n")).await;
    put(&world.path().join("secret.txt"), "secret\n");
    for path in [
        world.path().join("secret.txt"),
        world.path().join("root/journal.sqlite"),
        world.repository().join("a.txt"),
        world.repository().join(".git/config"),
        world.tree("other").join("a.txt"),
        "/etc/shadow".into(),
        "/proc/1/cmdline".into(),
        "/proc/1/environ".into(),
    ] {
        let (code, output) = world
            .script(
                "r",
                &format!(
                    "cat {} || ls {}",
                    path.display(),
                    path.parent().unwrap().display()
                ),
            )
            .await;
        assert!(
            output.contains("Permission denied"),
            "{}: {code:?} {output}",
            path.display()
        );
        assert!(
            !output.contains("secret\n") && !output.contains("other\n"),
            "{output}"
        );
    }
    let (code, output) = world.script("r", "cat a.txt && ls /usr/bin/env && echo x > /dev/null && cat $TMPDIR/../tmp/x; touch $TMPDIR/x").await;
    assert_eq!(
        (code, output.starts_with("in\n/usr/bin/env\n")),
        (Some(0), true),
        "{output}"
    );
}

#[tokio::test]
async fn a_command_changes_nothing_outside() {
    let world = World::with(&[("a.txt", "in\n")]).await;
    put(&world.path().join("theirs.txt"), "theirs\n");
    let theirs = world.path().join("theirs.txt");
    for script in [
        format!("echo x > {}", theirs.display()),
        format!("rm {}", theirs.display()),
        format!("mv {} mine", theirs.display()),
        format!("ln {} mine", theirs.display()),
        format!("touch {}/new", world.path().display()),
        format!("rm -r {}/.git", world.repository().display()),
        "touch /usr/bin/x".to_owned(),
        "touch /tmp/loom-sandbox-test".to_owned(),
        format!("ln -s {} link && echo x > link", theirs.display()),
    ] {
        let (code, output) = world.script("r", &script).await;
        assert!(code.is_some_and(|code| code != 0), "{script}: {output}");
    }
    assert_eq!(std::fs::read_to_string(theirs).unwrap(), "theirs\n");
    assert!(!world.path().join("new").exists());
    assert!(world.repository().join(".git/config").exists());
}

const CONNECT: &str = r#"
use std::net::{TcpListener, TcpStream, UdpSocket};
fn main() {
    let address = std::env::args().nth(1).unwrap();
    println!("tcp {}", TcpStream::connect(&address).is_ok());
    let udp = UdpSocket::bind("0.0.0.0:0").and_then(|s| s.send_to(b"x", &address));
    println!("udp {}", udp.is_ok());
    let own = TcpListener::bind("127.0.0.1:0").and_then(|l| TcpStream::connect(l.local_addr()?));
    println!("own {}", own.is_ok());
}
"#;

#[tokio::test]
async fn a_command_reaches_no_network() {
    let world = World::with(&[("connect.rs", CONNECT)]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let udp = std::net::UdpSocket::bind(listener.local_addr().unwrap()).unwrap();
    udp.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (code, output) = world
        .script(
            "r",
            &format!("rustc connect.rs -o connect && ./connect {address}"),
        )
        .await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("tcp false"), "{output}");
    assert!(listener.accept().is_err());
    // Datagrams need a network namespace, which takes a privilege; then loopback is the program's own.
    if output.contains("own true") {
        assert!(udp.recv(&mut [0; 8]).is_err());
    }
}

#[tokio::test]
async fn a_command_can_not_signal_others() {
    let world = World::with(&[]).await;
    let mut other = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let (code, output) = world.script("r", &format!("kill -9 {}", other.id())).await;
    assert_ne!(code, Some(0), "{output}");
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn a_command_has_no_privileges_even_when_the_service_has() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    for script in ["chown 12345 a.txt", "mknod x c 1 3"] {
        let (code, output) = world.script("r", script).await;
        assert!(code.is_some_and(|code| code != 0), "{script}: {output}");
        assert!(
            output.contains("not permitted") || output.contains("ermission denied"),
            "{output}"
        );
    }
}

#[tokio::test]
async fn a_command_may_use_only_so_much() {
    let world = World::with(&[]).await;
    // The limits are set right after the start, so the script looks until it sees the last of them.
    let script =
        "until [ $(ulimit -n) -le 4096 ]; do :; done; ulimit -c; ulimit -f; ulimit -t; ulimit -d";
    let (code, output) = world.script("r", script).await;
    assert_eq!(code, Some(0), "{output}");
    // In blocks of 512 bytes, seconds and KiB.
    let most = [0u64, 4 << 21, 301, 16 << 20];
    let limits: Vec<u64> = output.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(limits.len(), most.len());
    assert!(
        limits.iter().zip(most).all(|(limit, most)| *limit <= most),
        "{output}"
    );
}

#[tokio::test]
async fn a_command_gets_a_clean_environment() {
    let world = World::with(&[]).await;
    let (_, output) = world.script("r", "env").await;
    for line in output.lines() {
        let name = line.split('=').next().unwrap();
        assert!(
            !name.contains("TOKEN") && !name.contains("SECRET") && !name.starts_with("CARGO_PKG"),
            "{line}"
        );
    }
    assert!(output.contains("CARGO_NET_OFFLINE=true"), "{output}");
    assert!(
        output.contains(&format!(
            "HOME={}",
            world
                .path()
                .canonicalize()
                .unwrap()
                .join("root/runs/r")
                .display()
        )),
        "{output}"
    );
}

/// The newest version of a crate without dependencies that cargo has already downloaded, by building this workspace.
fn downloaded(name: &str) -> String {
    let lock =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")))
        .unwrap();
    let version = entry
        .lines()
        .find_map(|line| line.strip_prefix("version = "))
        .unwrap();
    version.trim_matches('"').to_owned()
}

#[tokio::test]
async fn cargo_tests_a_crate_with_a_dependency_offline() {
    let manifest = format!(
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nitoa = \"={}\"\n",
        downloaded("itoa")
    );
    let source = "pub fn text(n: u32) -> String { itoa::Buffer::new().format(n).to_owned() }\n\n\
        #[test]\nfn formats() { assert_eq!(text(42), \"42\"); }\n\n#[test]\nfn other() {}\n";
    let world = World::with(&[
        ("Cargo.toml", &manifest),
        ("src/lib.rs", source),
        (".gitignore", "/target\n"),
    ])
    .await;
    let test = Operation::Test {
        filter: Some("formats".into()),
    };
    let Outcome::Command {
        argv,
        exit_code,
        output,
        ..
    } = world.perform("r", test).await
    else {
        panic!()
    };
    assert_eq!(argv, ["cargo", "test", "formats"]);
    assert_eq!(exit_code, Some(0), "{output}");
    assert!(
        output.contains("test formats ... ok") && output.contains("1 filtered out"),
        "{output}"
    );
    // Nothing but the lock file is new: what was built is in the run's private directory.
    assert!(!world.tree("r").join("target").exists());

    // The same tests guard the merge, and a broken one does not get through.
    world
        .perform(
            "r",
            write("src/lib.rs", &source.replace("42), \"42\"", "42), \"43\"")),
        )
        .await;
    world.perform("r", crate::support::commit("Break it")).await;
    let error = world.refused("r", Operation::Merge).await;
    assert_eq!(error.code, "merge_tests_failed");
    assert!(error.message.contains("formats"), "{}", error.message);
    world
        .perform(
            "r",
            write("src/lib.rs", &source.replace("other", "another")),
        )
        .await;
    world
        .perform("r", crate::support::commit("Repair it"))
        .await;
    world.perform("r", Operation::Merge).await;
}
