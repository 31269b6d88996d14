-- API keys: stored hashed, never deleted (history names them), revoked instead.

create table api_keys (
    org_id uuid not null constraint api_keys_org_id_fkey references organizations on delete cascade,
    key_id uuid not null,
    name text not null,
    prefix text not null,
    last_four text not null,
    scopes text[] not null,
    -- Set: bound to this project. Null: all projects.
    project_id uuid,
    -- Where events without a project go; the bound project itself for a bound key.
    default_project_id uuid not null,
    created_by uuid constraint api_keys_created_by_fkey references users on delete set null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint api_keys_pkey primary key (org_id, key_id),
    constraint api_keys_project_fkey foreign key (org_id, project_id) references projects,
    constraint api_keys_default_project_fkey foreign key (org_id, default_project_id) references projects,
    constraint api_keys_bound_check check (project_id is null or project_id = default_project_id),
    constraint api_keys_scopes_check check (scopes <@ array['ingest', 'read', 'decide', 'admin'] and cardinality(scopes) > 0)
);

-- A request brings only the secret, so this narrow table finds the organization first.
-- It is a reference table: the one key of an organization's data that cannot begin with org_id.
create table api_key_hashes (
    -- SHA-256 of the whole key; its 178 random bits need no salt.
    key_hash bytea constraint api_key_hashes_pkey primary key,
    org_id uuid not null,
    key_id uuid not null,
    -- Not to the key itself: every server of a cluster has all hashes, and no table of one organization is everywhere.
    constraint api_key_hashes_org_id_fkey foreign key (org_id) references organizations on delete cascade
);
