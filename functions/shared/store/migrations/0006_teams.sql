-- How many agents may work for a project alone.
ALTER TABLE project ADD COLUMN max_agents INTEGER NOT NULL DEFAULT 32 CHECK (max_agents > 0);

-- Which beads an agent failed with, by its own doing, since it last succeeded (a JSON list).
ALTER TABLE agent ADD COLUMN failed_beads TEXT NOT NULL DEFAULT '[]';

-- It was stuck and is tried again.
ALTER TABLE agent ADD COLUMN on_trial INTEGER NOT NULL DEFAULT 0;

-- Serves the limits of a project and of its positions, and its org chart.
CREATE INDEX agent_of_project ON agent (project_id, role) WHERE project_id IS NOT NULL;

CREATE TABLE org_chart (
    project_id TEXT PRIMARY KEY REFERENCES project (id),
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Its key serves the reading of a chart, in the order of its positions.
CREATE TABLE org_position (
    project_id TEXT NOT NULL REFERENCES org_chart (project_id),
    place INTEGER NOT NULL,
    role TEXT NOT NULL,
    required INTEGER NOT NULL,
    max_instances INTEGER CHECK (max_instances > 0),
    reports_to TEXT,
    PRIMARY KEY (project_id, place),
    UNIQUE (project_id, role)
) STRICT, WITHOUT ROWID;
