-- Saved views: questions of Explore under a name, for one person or for the organization.
create table views (
    org_id uuid not null constraint views_org_id_fkey references organizations on delete cascade,
    view_id uuid not null,
    name text not null,
    -- Names and values of the address, in order.
    question jsonb not null,
    shared boolean not null,
    -- Who saved it: a person or a key.
    user_id uuid,
    key_id uuid,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Deleted, and for a while still there to be restored.
    deleted_at timestamptz,
    constraint views_pkey primary key (org_id, view_id)
);

-- Which views stand on somebody's Overview, on everybody's, and on the pages of teams and projects.
create table placed_views (
    org_id uuid not null,
    board text not null,
    -- The person, the organization, the team or the project.
    board_id uuid not null,
    view_id uuid not null,
    place smallint not null,
    wide boolean not null,
    constraint placed_views_pkey primary key (org_id, board, board_id, view_id),
    constraint placed_views_view_fkey foreign key (org_id, view_id) references views on delete cascade,
    constraint placed_views_board_check check (board in ('mine', 'everyone', 'team', 'project'))
);
create index placed_views_view_idx on placed_views (org_id, view_id);
