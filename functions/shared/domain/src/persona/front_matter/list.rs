use super::block::short;
use super::{Line, Node, Problem, scalar};

/// `- a` lines, all equally deep.
pub(super) fn block<'a>(
    key: &str,
    lines: impl Iterator<Item = Line<'a>>,
) -> Result<Vec<Node>, Problem> {
    let mut items = Vec::new();
    let mut level = None;
    for line in lines {
        let Some(item) = line.trimmed().strip_prefix('-') else {
            let reason = format!(
                "expected an item of {key} that starts with \"- \", found {:?}",
                short(line.trimmed())
            );
            return Err(Problem::new(line.number, reason));
        };
        if !item.is_empty() && !item.starts_with(' ') {
            return Err(Problem::new(line.number, "a space is missing after the -"));
        }
        if *level.get_or_insert(line.indent()) != line.indent() {
            let reason = format!("the items of {key} must be equally deep; lists do not nest");
            return Err(Problem::new(line.number, reason));
        }
        let item = item.trim();
        if scalar::is_blank(item) {
            return Err(Problem::new(
                line.number,
                format!("this item of {key} is empty"),
            ));
        }
        items.push(Node {
            line: line.number,
            value: scalar::single(line.number, item)?,
        });
    }
    Ok(items)
}

/// `[a, "b, c"]`, on one line or several.
pub(super) fn flow(number: usize, inline: &str, below: &[Line<'_>]) -> Result<Vec<Node>, Problem> {
    let first = Line {
        number,
        text: inline.strip_prefix('[').unwrap_or(inline),
    };
    let mut items = Vec::new();
    let mut after_comma = true;
    let mut closed = false;
    for line in std::iter::once(&first).chain(below) {
        let mut rest = line.trimmed();
        while !scalar::is_blank(rest) {
            if closed {
                return Err(Problem::new(
                    line.number,
                    "there is text after the list's ]",
                ));
            }
            if let Some(after) = rest.strip_prefix(']') {
                closed = true;
                // What follows may be a comment, and a comment needs its space.
                if after.starts_with('#') {
                    return Err(Problem::new(line.number, "a space is missing before the #"));
                }
                rest = after.trim_start();
                continue;
            }
            if let Some(after) = rest.strip_prefix(',') {
                if after_comma {
                    return Err(Problem::new(
                        line.number,
                        "an item is missing before the comma",
                    ));
                }
                after_comma = true;
                rest = after.trim_start();
                continue;
            }
            if !after_comma {
                return Err(Problem::new(
                    line.number,
                    "a comma is missing between two items",
                ));
            }
            let (item, after) = scalar::flow_item(line.number, rest)?;
            items.push(Node {
                line: line.number,
                value: item,
            });
            after_comma = false;
            rest = after.trim_start();
        }
    }
    if closed {
        Ok(items)
    } else {
        Err(Problem::new(number, "the list's ] is missing"))
    }
}
