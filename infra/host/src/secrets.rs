//! Secrets that nobody gave: generated on the first start, kept beside the data.

use crate::manifest::App;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The secrets that the host can generate, when the manifest declares them. Others have to be given.
pub(crate) const GENERATED: [&str; 4] = [
    "loom_admin_password",
    "loom_token_secret",
    "loom_service_token",
    "workspace_token",
];

/// Secrets by variable name.
pub(crate) struct Secrets {
    /// All of them.
    pub values: BTreeMap<String, String>,
    /// Those that this start generated.
    pub fresh: Vec<String>,
}

/// Reads `secrets.json` in `state_dir` and adds what `app` declares, has no value in `given`, and isn't there yet.
///
/// The file is for its owner alone (mode 0600) and replaced as a whole, so a crash leaves the old one or the new one.
pub(crate) fn load(
    state_dir: &Path,
    app: &App,
    given: impl Fn(&str) -> bool,
) -> std::io::Result<Secrets> {
    let path = state_dir.join("secrets.json");
    let mut values: BTreeMap<String, String> = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            std::io::Error::other(format!(
                "{} is not a JSON object of strings ({error}); restore it, or remove it to have new secrets generated",
                path.display(),
            ))
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    let mut fresh = Vec::new();
    for name in GENERATED {
        // A default that isn't empty is a value somebody chose.
        let wanted = app
            .variables
            .get(name)
            .is_some_and(|variable| variable.default.as_deref().unwrap_or("").is_empty());
        if wanted && !given(name) && !values.contains_key(name) {
            let secret = if name == "loom_admin_password" {
                random(15)?
            } else {
                random(32)?
            };
            values.insert(name.to_owned(), secret);
            fresh.push(name.to_owned());
        }
    }
    if !fresh.is_empty() {
        write(&path, &serde_json::to_vec_pretty(&values)?)?;
    }
    Ok(Secrets { values, fresh })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("json.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

/// `bytes` random bytes as base-32 text without look-alikes (no i, l, o, u).
fn random(bytes: usize) -> std::io::Result<String> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |byte: &u8| {
        ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .map(char::from)
    };
    let mut random = vec![0; bytes * 8 / 5];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    Ok(random.iter().filter_map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        crate::manifest::parse(
            r#"
            spin_manifest_version = 2
            application = { name = "t" }
            [variables]
            loom_admin_password = { default = "", secret = true }
            loom_token_secret = { default = "", secret = true }
            loom_service_token = { default = "chosen", secret = true }
            [[trigger.http]]
            route = "/..."
            component = "a"
            [component.a]
            source = "a.wasm"
            "#,
            Path::new("."),
        )
        .unwrap()
    }

    #[test]
    fn what_is_missing_is_generated_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(dir.path(), &app(), |name| name == "loom_token_secret").unwrap();
        assert_eq!(first.fresh, ["loom_admin_password"]);
        assert_eq!(first.values["loom_admin_password"].len(), 24);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("secrets.json"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let second = load(dir.path(), &app(), |_| false).unwrap();
        assert_eq!(second.fresh, ["loom_token_secret"]);
        assert_eq!(
            second.values["loom_admin_password"],
            first.values["loom_admin_password"]
        );
        assert!(
            load(dir.path(), &app(), |_| false)
                .unwrap()
                .fresh
                .is_empty()
        );
    }

    #[test]
    fn a_damaged_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secrets.json"), "{\"loom_admin").unwrap();
        let error = load(dir.path(), &app(), |_| false).err().unwrap();
        assert!(error.to_string().contains("restore it"), "{error}");
        assert_eq!(
            std::fs::read(dir.path().join("secrets.json")).unwrap(),
            b"{\"loom_admin"
        );
    }
}
