-- Teams, projects, and who owned what when.

create table teams (
    org_id uuid not null constraint teams_org_id_fkey references organizations on delete cascade,
    team_id uuid not null,
    slug text not null,
    name text not null,
    cost_centre text,
    created_at timestamptz not null,
    archived_at timestamptz,
    constraint teams_pkey primary key (org_id, team_id),
    constraint teams_slug_key unique (org_id, slug)
);

create table projects (
    org_id uuid not null constraint projects_org_id_fkey references organizations on delete cascade,
    project_id uuid not null,
    -- Immutable: events carry it.
    slug text not null,
    name text not null,
    cost_centre text,
    created_at timestamptz not null,
    archived_at timestamptz,
    constraint projects_pkey primary key (org_id, project_id),
    constraint projects_slug_key unique (org_id, slug)
);

-- Half-open spans of the organization's days, at most one owner per day.
-- The first span has no beginning and the last no end, so every day has exactly one owner.
create table project_ownership (
    org_id uuid not null,
    project_id uuid not null,
    team_id uuid not null,
    valid_from date not null default '-infinity',
    valid_to date not null default 'infinity',
    constraint project_ownership_pkey primary key (org_id, project_id, valid_from),
    constraint project_ownership_project_fkey foreign key (org_id, project_id) references projects on delete cascade,
    constraint project_ownership_team_fkey foreign key (org_id, team_id) references teams,
    constraint project_ownership_span_check check (valid_from < valid_to)
);
create index project_ownership_team_idx on project_ownership (org_id, team_id);
