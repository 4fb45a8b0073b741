-- Texts that belong into the repository before work on a bead begins, such as the requirements of a new project.
-- Its key serves the opening of a working copy: what does the first run of this bead bring with it?
CREATE TABLE document (
    bead_id TEXT NOT NULL REFERENCES bead (id),
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bead_id, position),
    UNIQUE (bead_id, path)
) STRICT;
