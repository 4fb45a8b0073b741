use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use loom_platform::native::NativeHttpClient;
use loom_workspace::{LocalWorkspace, Operation, Outcome, Workspace};

use crate::support::{TOKEN, World, command, commit, edit};

/// The service as a process of its own, that can be killed.
struct Program {
    child: Child,
    client: LocalWorkspace<NativeHttpClient>,
}

impl Program {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loom-workspace"))
            .args(["--listen", "127.0.0.1:0", "--root"])
            .arg(root)
            .env("LOOM_WORKSPACE_TOKEN", TOKEN)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap();
        let client = LocalWorkspace::new(NativeHttpClient::default(), address, TOKEN);
        Self { child, client }
    }

    fn kill(mut self) {
        // SIGKILL: it gets no chance to tidy up.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

const KILLS_PER_CALL: usize = 4;

/// Kills the service in the middle of each call, several times, and repeats the call until it is answered.
#[tokio::test]
async fn i7_a_service_that_is_killed_again_and_again_does_everything_once() {
    let mut world = World::with(&[("log.txt", "END\n"), ("check.sh", "exit 0\n")]).await;
    world.project.test_command = Some("sh check.sh".into());
    let root = world.path().join("killed");
    let mut calls = Vec::new();
    for step in 0..6 {
        // Done twice, it would leave two lines; once done, its old text is there still.
        let line = edit("log.txt", "END", &format!("step {step}\nEND"));
        calls.push(world.call("r", 1, &format!("r:{step}:0"), line));
        calls.push(world.call(
            "r",
            1,
            &format!("r:{step}:1"),
            commit(&format!("Step {step}")),
        ));
    }
    calls.push(world.call("r", 1, "r:6:0", Operation::Push));
    calls.push(world.call("r", 1, "r:6:1", Operation::Merge));

    let mut program = Program::start(&root);
    let mut moments = (0u64..).map(|n| Duration::from_micros(n * 7919 % 40_000));
    let mut answers = BTreeMap::new();
    for call in &calls {
        for _ in 0..KILLS_PER_CALL {
            // A fault, not a wait for something: the moment may be anywhere in the call, or after it.
            let moment = moments.next().unwrap();
            let early = tokio::time::timeout(moment, program.client.perform(call.clone())).await;
            program.kill();
            program = Program::start(&root);
            match early {
                Ok(Ok(outcome)) => {
                    let before = answers.insert(call.key.clone(), outcome.clone());
                    assert!(
                        before.is_none_or(|before| before == outcome),
                        "{}",
                        call.key
                    );
                }
                Ok(Err(error)) => panic!("{}: {error:?}", call.key),
                Err(_) => {}
            }
        }
        let outcome = program.client.perform(call.clone()).await.unwrap();
        let before = answers.insert(call.key.clone(), outcome.clone());
        assert!(
            before.is_none_or(|before| before == outcome),
            "{}",
            call.key
        );
    }
    // Every answer stands.
    for call in &calls {
        assert_eq!(
            program.client.perform(call.clone()).await.as_ref(),
            Ok(&answers[&call.key])
        );
    }
    program.kill();
    let log = world.git(&["show", "main:log.txt"]);
    assert_eq!(log, "step 0\nstep 1\nstep 2\nstep 3\nstep 4\nstep 5\nEND");
    let steps = world.git(&[
        "log",
        "--reverse",
        "--format=%(trailers:key=Step,valueonly,separator=)",
        "main",
    ]);
    let mut wanted: Vec<String> = (0..6).map(|step| format!("r:{step}:1")).collect();
    wanted.push("r:6:1".into());
    assert_eq!(steps.split_whitespace().collect::<Vec<_>>(), wanted);
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn a_command_dies_with_a_service_that_is_killed() {
    let world = World::with(&[]).await;
    let root = world.path().join("killed");
    let program = Program::start(&root);
    let call = world.call(
        "r",
        1,
        "k",
        command(&["sh", "-c", "echo $$ > pid; exec sleep 1000"]),
    );
    let calling = tokio::spawn({
        let (client, call) = (program.client.clone(), call.clone());
        async move { client.perform(call).await }
    });
    let file = root.join("trees/r/pid");
    let pid = tokio::task::spawn_blocking(move || {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) if pid.ends_with('\n') => return pid.trim().to_owned(),
                _ => std::thread::yield_now(),
            }
        }
    })
    .await
    .unwrap();
    program.kill();
    assert!(calling.await.unwrap().is_err());
    assert!(crate::commands::is_gone(&pid));
    // Its outcome is unknown, so the repeated call runs it again.
    let program = Program::start(&root);
    let again = world.call("r", 2, "k2", command(&["cat", "pid"]));
    let Outcome::Command { output, .. } = program.client.perform(again).await.unwrap() else {
        panic!()
    };
    assert_eq!(output.trim(), pid);
    program.kill();
}
