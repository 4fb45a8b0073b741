//! Reads the workflows that Loom ships, so that a defect in one of them fails the build and no component parses YAML at
//! run time. What it writes is included by `src/workflow/seed.rs`.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use loom_domain::workflow::{Definition, yaml};
use sha2::{Digest, Sha256};

fn main() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows/default");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    let mut shipped = Vec::new();
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        shipped.push(read(&path)?);
    }
    shipped.sort_by(|left, right| left.id.cmp(&right.id));
    if let Some(twice) = shipped.windows(2).find_map(|pair| match pair {
        [left, right] if left.id == right.id => Some(&left.id),
        _ => None,
    }) {
        return Err(format!("two shipped workflows have the id {twice}"));
    }
    let code = generate(&shipped)?;
    #[allow(
        clippy::disallowed_methods,
        reason = "this is how Cargo tells a build script where to write"
    )]
    let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("shipped.rs"), code).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Definition, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    yaml::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("{}:\n{}", path.display(), lines.join("\n"))
    })
}

fn generate(shipped: &[Definition]) -> Result<String, String> {
    let mut hash = Sha256::new();
    let mut rows = String::new();
    for definition in shipped {
        let text = serde_json::to_string(definition).map_err(|error| error.to_string())?;
        hash.update(&text);
        let words = [
            ("type", &definition.matches.types),
            ("tag", &definition.matches.tags),
        ];
        let matches: Vec<(&str, &str)> = words
            .into_iter()
            .flat_map(|(kind, words)| words.iter().map(move |word| (kind, word.as_str())))
            .collect();
        writeln!(
            rows,
            "    Shipped {{ id: {:?}, workflow_type: {:?}, matches: &{matches:?}, definition: {text:?} }},",
            definition.id, definition.workflow_type
        )
        .map_err(|error| error.to_string())?;
    }
    let digest = hash
        .finalize()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Ok(format!(
        "const DIGEST: &str = {digest:?};\nconst SHIPPED: &[Shipped] = &[\n{rows}];\n"
    ))
}
