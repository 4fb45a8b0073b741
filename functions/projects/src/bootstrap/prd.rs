//! The requirements document: what is accepted, and how it lies in the repository.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use loom_api::Error;
use loom_store::document::Document;
use loom_workspace::secret;

/// The largest document, in bytes.
pub(super) const LARGEST: usize = 10 * 1024 * 1024;
/// The largest file, in bytes: the most that a workspace writes, and an agent reads, at once.
const LARGEST_FILE: usize = 1024 * 1024;
/// How much of the document the bead itself shows, in bytes.
const SHOWN: usize = 64 * 1024;
/// The first file; the others are numbered.
const PATH: &str = "plans/ORIGINAL_PRD.md";

/// A document as it was given in `prd_file`.
#[derive(Debug)]
pub(super) enum File {
    /// In JSON.
    Base64(String),
    /// In a form.
    Bytes(Vec<u8>),
}

/// Why a document is not accepted.
#[derive(Debug)]
pub(super) enum Problem {
    /// The answer to one that is too large.
    TooLarge(Box<Error>),
    /// The field, and what is wrong with it.
    Wrong(&'static str, String),
}

/// The document, which is given in one of two fields.
pub(super) fn one_of(text: Option<String>, file: Option<File>) -> Result<String, Problem> {
    let wrong = |field, problem: &str| Err(Problem::Wrong(field, problem.to_owned()));
    match (text, file) {
        (None, None) => wrong("prd_text", "is required, unless prd_file has the document"),
        (Some(_), Some(_)) => wrong("prd_text", "must be absent when prd_file has the document"),
        (Some(text), None) => accepted("prd_text", text),
        (None, Some(file)) => accepted("prd_file", decoded(file)?),
    }
}

fn decoded(file: File) -> Result<String, Problem> {
    let field = "prd_file";
    let bytes = match file {
        File::Bytes(bytes) => bytes,
        File::Base64(text) => STANDARD.decode(text.trim()).map_err(|error| {
            Problem::Wrong(
                field,
                format!("must be base64 with padding (RFC 4648): {error}"),
            )
        })?,
    };
    if bytes.len() > LARGEST {
        return Err(too_large(field));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let problem = format!("must be UTF-8 text; byte {at} is not part of a character");
        Problem::Wrong(field, problem)
    })
}

fn accepted(field: &'static str, text: String) -> Result<String, Problem> {
    if text.len() > LARGEST {
        return Err(too_large(field));
    }
    if text.trim().is_empty() {
        return Err(Problem::Wrong(field, "must not be empty".to_owned()));
    }
    if text.contains('\0') {
        return Err(Problem::Wrong(
            field,
            "must be text, without NUL characters".to_owned(),
        ));
    }
    // It is going to be committed, which the workspace would refuse much later.
    for (index, line) in text.lines().enumerate() {
        if let Some(what) = secret::in_line(line) {
            let problem = format!(
                "must not hold a secret, because it is committed to the repository; line {} looks like {what}",
                index + 1
            );
            return Err(Problem::Wrong(field, problem));
        }
    }
    Ok(text)
}

fn too_large(field: &str) -> Problem {
    let message = format!("The requirements document is larger than {LARGEST} bytes.");
    let error = Error::new(StatusCode::PAYLOAD_TOO_LARGE, "prd_too_large", message)
        .field(field, format!("must have at most {LARGEST} bytes"))
        .detail("limit", LARGEST);
    Problem::TooLarge(Box::new(error))
}

/// The files that hold the document, one after the other: split at the ends of lines.
pub(super) fn documents(prd: String) -> Vec<Document> {
    if prd.len() <= LARGEST_FILE {
        let path = PATH.to_owned();
        return vec![Document { path, content: prd }];
    }
    let mut documents = Vec::new();
    let mut rest = prd.as_str();
    while !rest.is_empty() {
        let (content, after) = rest.split_at(end_of_part(rest));
        documents.push(Document {
            path: path(documents.len()),
            content: content.to_owned(),
        });
        rest = after;
    }
    documents
}

fn path(index: usize) -> String {
    match index {
        0 => PATH.to_owned(),
        _ => format!("{}.{}.md", PATH.trim_end_matches(".md"), index + 1),
    }
}

/// Where the first part of a text ends: after the last line that fits, or within a line that is longer than a file.
fn end_of_part(text: &str) -> usize {
    if text.len() <= LARGEST_FILE {
        return text.len();
    }
    let fits = text.floor_char_boundary(LARGEST_FILE);
    let line = text.get(..fits).and_then(|part| part.rfind('\n'));
    line.map_or(fits, |at| at + 1)
}

/// What the bead says: what it is, where the document lies, and how it begins.
pub(super) fn description(prd: &str) -> String {
    let shown = prd.get(..prd.floor_char_boundary(SHOWN)).unwrap_or(prd);
    let rest = if shown.len() < prd.len() {
        "\n\n[The rest is in the repository.]"
    } else {
        ""
    };
    let files = match end_of_part(prd) < prd.len() {
        true => format!("{PATH} and, because it is long, in the files with numbers beside it"),
        false => PATH.to_owned(),
    };
    format!(
        "This bead takes the project from its owner's requirements to a product that the owner has seen: the \
         requirements are expanded and approved, broken down into epics and stories, and when those of the first usable \
         product are closed, it is shown.\n\nThe requirements as they were given are in the repository in {files}. They \
         are written there by the first run of this bead, on its branch.\n\n---\n\n{shown}{rest}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_document_is_split_at_the_ends_of_lines() {
        let line = format!("{}é\n", "x".repeat(1_000));
        let prd = line.repeat(3_000);
        let parts = documents(prd.clone());
        let paths: Vec<&str> = parts.iter().map(|part| part.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "plans/ORIGINAL_PRD.md",
                "plans/ORIGINAL_PRD.2.md",
                "plans/ORIGINAL_PRD.3.md"
            ]
        );
        for part in &parts {
            assert!(part.content.len() <= LARGEST_FILE);
            assert!(part.content.ends_with('\n'));
        }
        let whole: String = parts.into_iter().map(|part| part.content).collect();
        assert!(whole == prd, "the parts are the whole");
        assert!(description(&prd).contains("numbers beside it"));
        assert!(description(&prd).len() < SHOWN + 1_000);
    }

    #[test]
    fn a_line_longer_than_a_file_is_cut_between_characters() {
        let prd = "é".repeat(LARGEST_FILE);
        let parts = documents(prd.clone());
        assert_eq!(parts.len(), 2);
        let whole: String = parts.into_iter().map(|part| part.content).collect();
        assert!(whole == prd, "the parts are the whole");
        let odd = format!("x{}", "é".repeat(LARGEST_FILE));
        assert_eq!(documents(odd).len(), 3);
    }

    #[test]
    fn a_document_is_one_file_up_to_its_limit() {
        let whole = "x".repeat(LARGEST_FILE);
        assert_eq!(documents(whole.clone()).len(), 1);
        assert_eq!(documents(whole + "y").len(), 2);
    }

    #[test]
    fn a_short_document_is_shown_whole() {
        let text = description("# Tally\n");
        assert!(text.ends_with("# Tally\n"), "{text}");
        assert!(!text.contains("numbers beside it"));
    }
}
