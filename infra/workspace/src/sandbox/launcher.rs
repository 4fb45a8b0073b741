use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const SETPRIV: [&str; 2] = ["/usr/bin/setpriv", "/bin/setpriv"];
/// From strict to lenient. The first asks the kernel to kill the program when the thread that started it ends, as it
/// does when the service is killed, and takes away what root could do beyond reading and writing its own files.
const OPTIONS: [&[&str]; 2] = [
    &[
        "--pdeathsig",
        "KILL",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--",
    ],
    &["--pdeathsig", "KILL", "--"],
];

/// A command that starts the program by way of `setpriv` (util-linux), as far as there is one and it is permitted.
pub(super) fn command(program: &Path) -> Command {
    static LAUNCHER: OnceLock<Option<(&str, &[&str])>> = OnceLock::new();
    match LAUNCHER.get_or_init(choose) {
        Some((setpriv, options)) => {
            let mut command = Command::new(setpriv);
            command.args(*options).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn choose() -> Option<(&'static str, &'static [&'static str])> {
    let setpriv = SETPRIV.into_iter().find(|path| Path::new(path).exists())?;
    let works = |options: &&&'static [&'static str]| {
        let tried = Command::new(setpriv)
            .args(**options)
            .args([setpriv, "--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    OPTIONS
        .iter()
        .find(works)
        .map(|options| (setpriv, *options))
}
