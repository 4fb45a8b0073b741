use loom_workspace::{Operation, Outcome};

use crate::support::{World, command, git};

fn within(seconds: u64, argv: &[&str]) -> Operation {
    Operation::RunCommand {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        timeout_seconds: Some(seconds),
        directory: None,
    }
}

#[tokio::test]
async fn a_command_answers_with_its_output_and_exit_code() {
    let world = World::with(&[("dir/a.txt", "1\n")]).await;
    let operation = Operation::RunCommand {
        argv: ["sh", "-c", "echo out; echo err >&2; ls; exit 3"]
            .map(str::to_owned)
            .to_vec(),
        timeout_seconds: None,
        directory: Some("dir".into()),
    };
    let Outcome::Command {
        exit_code,
        timed_out,
        output,
        cut_bytes,
        ..
    } = world.perform("r", operation).await
    else {
        panic!()
    };
    assert_eq!(
        (exit_code, timed_out, output.as_str(), cut_bytes),
        (Some(3), false, "out\nerr\na.txt\n", 0)
    );
}

#[tokio::test]
async fn only_listed_programs_start() {
    let mut world = World::with(&[("tool.sh", "#!/bin/sh\necho hi\n")]).await;
    for argv in [
        &["bash", "-c", "true"][..],
        &["git", "push"],
        &["/bin/ls"],
        &["./tool.sh"],
        &["curl"],
        &[""],
        &[],
    ] {
        let error = world.refused("r", command(argv)).await;
        assert_eq!(error.code, "command_not_allowed", "{argv:?}");
        assert!(error.message.contains("cargo, cat"), "{}", error.message);
    }
    // There is no shell between the arguments and the program.
    let Outcome::Command { output, .. } = world
        .perform("r", command(&["echo", "$HOME", ";", "*"]))
        .await
    else {
        panic!()
    };
    assert_eq!(output, "$HOME ; *\n");
    world.project.allowed_commands.push("./tool.sh".into());
    world
        .project
        .allowed_commands
        .push("no-such-program".into());
    git(&world.tree("r"), &["update-index", "--chmod=+x", "tool.sh"]);
    world.script("r", "chmod +x tool.sh").await;
    let Outcome::Command { output, .. } = world.perform("r", command(&["./tool.sh"])).await else {
        panic!()
    };
    assert_eq!(output, "hi\n");
    assert_eq!(
        world.refused("r", command(&["no-such-program"])).await.code,
        "program_not_found"
    );
}

#[tokio::test]
async fn a_timeout_kills_everything_the_command_started() {
    let world = World::with(&[]).await;
    let script = "echo before; sleep 1000 & echo $! > pid; wait";
    let Outcome::Command {
        exit_code,
        timed_out,
        output,
        ..
    } = world.perform("r", within(1, &["sh", "-c", script])).await
    else {
        panic!()
    };
    assert_eq!(
        (exit_code, timed_out, output.as_str()),
        (None, true, "before\n")
    );
    let pid = world.read("r", "pid").await;
    assert!(is_gone(pid.trim()), "process {pid} is still there");
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_ends_with_it() {
    let world = World::with(&[]).await;
    let (code, _) = world.script("r", "sleep 1000 & echo $! > pid").await;
    assert_eq!(code, Some(0));
    let pid = world.read("r", "pid").await;
    assert!(is_gone(pid.trim()), "process {pid} is still there");
}

/// Whether a process has ended; one that was killed may still wait to be reaped.
pub(crate) fn is_gone(pid: &str) -> bool {
    let is_zombie = |stat: &str| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim().starts_with('Z'))
    };
    for _ in 0..1_000_000 {
        match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) if !is_zombie(&stat) => std::thread::yield_now(),
            _ => return true,
        }
    }
    false
}

#[tokio::test]
async fn long_output_keeps_its_head_and_tail() {
    let world = World::with(&[]).await;
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
    let Outcome::Command {
        output, cut_bytes, ..
    } = world.perform("r", command(&["sh", "-c", script])).await
    else {
        panic!()
    };
    assert!(output.starts_with("line 0\n") && output.ends_with("line 19999\n"));
    assert!(cut_bytes > 100_000 && output.len() < 40_000);
}

#[tokio::test]
async fn the_projects_own_commands_are_used() {
    let mut world = World::with(&[("Makefile", "all:\n\techo made\n")]).await;
    world.project.build_command = Some("sh -c 'echo built'".into());
    world.project.lint_command = Some("cat Makefile | wc".into());
    let Outcome::Command { argv, output, .. } = world.perform("r", Operation::Build).await else {
        panic!()
    };
    assert_eq!((argv.len(), output.as_str()), (3, "built\n"));
    assert_eq!(
        world.refused("r", Operation::Lint).await.code,
        "invalid_command"
    );
}

#[tokio::test]
async fn a_project_without_commands_is_told_so() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    for operation in [
        Operation::Build,
        Operation::Test { filter: None },
        Operation::Lint,
    ] {
        assert_eq!(
            world.refused("r", operation).await.code,
            "no_project_command"
        );
    }
}

#[tokio::test]
async fn a_restart_ends_what_is_running() {
    let mut world = World::with(&[]).await;
    world.perform("r", Operation::Open).await;
    let call = world.call(
        "r",
        1,
        "k",
        command(&["sh", "-c", "echo $$ > pid; exec sleep 1000"]),
    );
    let client = world.client();
    let calling =
        tokio::spawn(async move { loom_workspace::Workspace::perform(&client, call).await });
    let pid_file = world.tree("r").join("pid");
    let pid = tokio::task::spawn_blocking(move || {
        loop {
            match std::fs::read_to_string(&pid_file) {
                Ok(pid) if pid.ends_with('\n') => return pid,
                _ => std::thread::yield_now(),
            }
        }
    })
    .await
    .unwrap();
    world.restart().await;
    let gone = tokio::task::spawn_blocking(move || is_gone(pid.trim()))
        .await
        .unwrap();
    assert!(gone);
    calling.abort();
}
