-- What happened when: deploys, price changes, incidents, as charts over time show them.
create table annotations (
    org_id uuid not null constraint annotations_org_id_fkey references organizations on delete cascade,
    annotation_id uuid not null,
    -- The sender's own id, under which it is recorded once.
    sent_id text,
    kind text not null,
    text text not null,
    from_at timestamptz not null,
    -- Null: it was of a moment.
    to_at timestamptz,
    -- What it concerns alone; neither: the organization.
    project_id uuid,
    team_id uuid,
    link text,
    user_id uuid,
    key_id uuid,
    created_at timestamptz not null,
    deleted_at timestamptz,
    constraint annotations_pkey primary key (org_id, annotation_id),
    constraint annotations_kind_check check (kind in ('deploy', 'price_change', 'incident', 'other')),
    constraint annotations_span_check check (from_at < to_at),
    constraint annotations_project_fkey foreign key (org_id, project_id) references projects deferrable initially immediate,
    constraint annotations_team_fkey foreign key (org_id, team_id) references teams deferrable initially immediate
);
create unique index annotations_sent_id_key on annotations (org_id, sent_id) where sent_id is not null;
create index annotations_from_at_idx on annotations (org_id, from_at);
