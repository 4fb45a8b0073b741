//! `{{ variable }}` in manifest values.

/// The names that `template` mentions, in order. An opening `{{` without its `}}` is an error.
pub(crate) fn names(template: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, tail) = after
            .split_once("}}")
            .ok_or_else(|| format!("`{{{{` is never closed in {template:?}"))?;
        names.push(name.trim());
        rest = tail;
    }
    Ok(names)
}

/// `template` with every `{{ name }}` replaced by `value(name)`, or the name for which there is none.
pub(crate) fn expand<'v>(
    template: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after
            .split_once("}}")
            .ok_or_else(|| format!("`{{{{` is never closed in {template:?}"))?;
        out.push_str(before);
        out.push_str(
            value(name.trim()).ok_or_else(|| format!("there is no variable {:?}", name.trim()))?,
        );
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mention_is_replaced() {
        let value = |name: &str| match name {
            "host" => Some("example.com"),
            "port" => Some("81"),
            _ => None,
        };
        assert_eq!(
            expand("http://{{ host }}:{{port}}/x", value).unwrap(),
            "http://example.com:81/x"
        );
        assert_eq!(expand("plain } text", value).unwrap(), "plain } text");
        assert!(
            expand("{{ nobody }}", value)
                .unwrap_err()
                .contains("nobody")
        );
        assert!(
            expand("{{ host", value)
                .unwrap_err()
                .contains("never closed")
        );
        assert_eq!(names("{{ a }}-{{b}}").unwrap(), ["a", "b"]);
    }
}
