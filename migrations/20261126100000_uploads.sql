-- Files of events that members send from the browser. They are read as they come and never stored: kept is what a file is called, what its columns are called, and how far it was read.

create table uploads (
    org_id uuid not null constraint uploads_org_id_fkey references organizations on delete cascade,
    upload_id uuid not null,
    created_at timestamptz not null,
    user_id uuid,
    -- The API key in whose name its events are recorded.
    key_id uuid not null,
    file_name text not null,
    kind text not null constraint uploads_kind_check check (kind in ('csv', 'ndjson')),
    size_bytes bigint not null constraint uploads_size_check check (size_bytes > 0),
    -- SHA-256 of its first bytes: whether the same file is sent when it goes on.
    head_hash bytea not null,
    -- Names of its columns, and for each a value that cannot be prose; none for NDJSON.
    headers text[] not null,
    examples text[] not null,
    mapping jsonb not null,
    -- What its first rows would become.
    checked jsonb,
    done_bytes bigint not null default 0,
    row_count bigint not null default 0,
    accepted bigint not null default 0,
    duplicates bigint not null default 0,
    refused bigint not null default 0,
    -- The first refusals, with their rows.
    reasons text[] not null default '{}',
    ended_at timestamptz,
    -- Whether it was given up before its end.
    is_discarded boolean not null default false,
    constraint uploads_pkey primary key (org_id, upload_id),
    constraint uploads_done_check check (done_bytes between 0 and size_bytes)
);

-- How many rows of one text, without an id of their own, an unfinished upload has passed: the second gets another id than the first.
create table upload_rows (
    org_id uuid not null,
    upload_id uuid not null,
    row_hash bytea not null,
    row_count integer not null,
    constraint upload_rows_pkey primary key (org_id, upload_id, row_hash),
    constraint upload_rows_upload_fkey foreign key (org_id, upload_id) references uploads on delete cascade
);
