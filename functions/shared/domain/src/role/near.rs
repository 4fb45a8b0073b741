use super::table::KNOWN;

/// Up to three canonical names whose own or alias spelling is a slip of `spelled`, nearest first.
pub(super) fn names(spelled: &str) -> Vec<&'static str> {
    let wanted: Vec<char> = spelled.chars().take(64).collect();
    if wanted.len() < 2 {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, &'static str)> = KNOWN
        .iter()
        .filter_map(|role| {
            std::iter::once(&role.name)
                .chain(role.aliases)
                .filter_map(|name| closeness(&wanted, name))
                .min()
                .map(|distance| (distance, role.name))
        })
        .collect();
    ranked.sort();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How far the spelling is from the name, or `None` when it is no slip of it: more than a quarter of it is wrong.
fn closeness(wanted: &[char], name: &str) -> Option<usize> {
    let name: Vec<char> = name.chars().collect();
    let allowed = wanted.len().min(name.len()) / 4;
    let distance = edit_distance(wanted, &name);
    (distance <= allowed).then_some(distance)
}

/// Levenshtein's distance, one row at a time.
fn edit_distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, a) in left.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(line + 1);
        for ((b, &diagonal), &above) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(a != b);
            let before = next.last().copied().unwrap_or_default();
            next.push(replaced.min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
