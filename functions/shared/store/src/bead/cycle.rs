use std::collections::HashMap;

/// A cycle among `edges` that can be reached from `starts`, as the path from a node back to itself, or `None`.
///
/// Every node and edge is looked at once, without recursion, so the depth of the graph does not matter.
pub(super) fn find_cycle<'s>(
    starts: impl Iterator<Item = &'s str>,
    edges: &'s HashMap<String, Vec<String>>,
) -> Option<Vec<String>> {
    // Whether a node's walk is over (true), or still on the path (false).
    let mut done: HashMap<&'s str, bool> = HashMap::new();
    for start in starts {
        if done.contains_key(start) {
            continue;
        }
        let mut path: Vec<(&'s str, usize)> = vec![(start, 0)];
        done.insert(start, false);
        while let Some((node, next)) = path.last_mut() {
            let target = edges.get(*node).and_then(|targets| targets.get(*next));
            let Some(target) = target else {
                done.insert(node, true);
                path.pop();
                continue;
            };
            *next += 1;
            match done.get(target.as_str()) {
                Some(true) => {}
                Some(false) => {
                    let from = path.iter().skip_while(|(node, _)| node != target);
                    let mut cycle: Vec<String> = from.map(|(node, _)| (*node).to_owned()).collect();
                    cycle.push(target.clone());
                    return Some(cycle);
                }
                None => {
                    done.insert(target, false);
                    path.push((target, 0));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// From every node, in order.
    fn find(edges: &HashMap<String, Vec<String>>) -> Option<Vec<String>> {
        let starts: BTreeSet<&str> = edges.keys().map(String::as_str).collect();
        find_cycle(starts.into_iter(), edges)
    }

    fn graph(edges: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
        let mut graph: HashMap<String, Vec<String>> = HashMap::new();
        for (from, to) in edges {
            graph
                .entry((*from).to_owned())
                .or_default()
                .push((*to).to_owned());
        }
        graph
    }

    #[test]
    fn cycles_are_found_with_their_path() {
        assert_eq!(find(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
        assert_eq!(find(&graph(&[("a", "a")])).unwrap(), ["a", "a"]);
        let found = find(&graph(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")])).unwrap();
        assert_eq!(found, ["a", "b", "c", "a"]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let names: Vec<String> = (0..200_000).map(|number| format!("{number:06}")).collect();
        let chain = names
            .windows(2)
            .map(|pair| (pair[0].clone(), vec![pair[1].clone()]))
            .collect();
        assert_eq!(find(&chain), None);
    }

    proptest! {
        /// Numbers that only point upwards have no cycle; what is found is one.
        #[test]
        fn what_is_found_is_a_cycle(edges in proptest::collection::vec((0u8..12, 0u8..12), 0..40)) {
            let mut all: HashMap<String, Vec<String>> = HashMap::new();
            let mut upward: HashMap<String, Vec<String>> = HashMap::new();
            for (from, to) in &edges {
                all.entry(format!("{from:02}")).or_default().push(format!("{to:02}"));
                if to > from {
                    upward.entry(format!("{from:02}")).or_default().push(format!("{to:02}"));
                }
            }
            prop_assert_eq!(find(&upward), None);
            if let Some(path) = find(&all) {
                prop_assert_eq!(path.first(), path.last());
                for pair in path.windows(2) {
                    prop_assert!(all[&pair[0]].contains(&pair[1]));
                }
            }
        }
    }
}
