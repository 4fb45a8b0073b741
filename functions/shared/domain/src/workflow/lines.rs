/// Where the parts of a definition are written, so that a problem can say so. Empty for one that comes from no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    pub(super) top: Marks,
    pub(super) nodes: Vec<Marks>,
    pub(super) edges: Vec<Marks>,
}

/// Where a mapping starts, and on which line each of its keys is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) line: usize,
    pub(super) keys: Vec<(String, usize)>,
}

static NOWHERE: Marks = Marks {
    line: 0,
    keys: Vec::new(),
};

impl Lines {
    pub(super) fn node(&self, index: usize) -> &Marks {
        self.nodes.get(index).unwrap_or(&NOWHERE)
    }

    pub(super) fn edge(&self, index: usize) -> &Marks {
        self.edges.get(index).unwrap_or(&NOWHERE)
    }
}

impl Marks {
    /// The line of a key, or of the mapping that lacks it.
    pub(super) fn of(&self, key: &str) -> usize {
        let found = self.keys.iter().find(|(name, _)| name == key);
        found.map_or(self.line, |(_, line)| *line)
    }

    /// Whether the key is written, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(name, _)| name == key)
    }
}
