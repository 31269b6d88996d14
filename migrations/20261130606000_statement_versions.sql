-- Versions of a month's statement: taken for review, and the last one for good. Nothing of them is edited or deleted.
create table statement_versions (
    org_id uuid not null constraint statement_versions_org_id_fkey references organizations on delete cascade,
    -- First day of the month.
    month date not null,
    number integer not null,
    -- Place among all versions of the organization, from 1: each has the hash of the one before.
    position integer not null,
    closed boolean not null,
    made_at timestamptz not null,
    -- Their address or the key's name as it was: it is part of what is hashed.
    made_by text not null,
    user_id uuid,
    key_id uuid,
    total numeric not null,
    body_hash text not null,
    previous text,
    hash text not null,
    -- Canonical JSON, byte by byte as it is hashed.
    body text not null,
    constraint statement_versions_pkey primary key (org_id, month, number),
    constraint statement_versions_position_key unique (org_id, position),
    constraint statement_versions_month_check check (month = date_trunc('month', month::timestamp)::date)
);
create unique index statement_versions_closed_key on statement_versions (org_id, month) where closed;

-- The amounts of closed versions: what of each month is settled, in its own statement or as an adjustment in a later one.
create table statement_entries (
    org_id uuid not null,
    -- The closed version.
    month date not null,
    number integer not null,
    entry integer not null,
    -- The month that the amount belongs to.
    of_month date not null,
    team text,
    project text,
    source jsonb not null,
    amount numeric not null,
    constraint statement_entries_pkey primary key (org_id, month, number, entry),
    constraint statement_entries_version_fkey foreign key (org_id, month, number) references statement_versions on delete cascade,
    constraint statement_entries_of_month_check check (of_month <= month)
);
create index statement_entries_of_month_idx on statement_entries (org_id, of_month);

-- What teams say about their statement of a version: accepted, or disputed with a reason.
create table statement_replies (
    org_id uuid not null,
    reply_id uuid not null,
    month date not null,
    number integer not null,
    team text not null,
    disputed boolean not null,
    line text,
    amount numeric,
    reason text,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint statement_replies_pkey primary key (org_id, reply_id),
    constraint statement_replies_version_fkey foreign key (org_id, month, number) references statement_versions on delete cascade,
    constraint statement_replies_reason_check check (disputed = (reason is not null))
);
create index statement_replies_month_idx on statement_replies (org_id, month);

-- What finance answers to a dispute, once.
create table statement_answers (
    org_id uuid not null,
    reply_id uuid not null,
    accepted boolean not null,
    text text not null,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint statement_answers_pkey primary key (org_id, reply_id),
    constraint statement_answers_reply_fkey foreign key (org_id, reply_id) references statement_replies on delete cascade
);

-- Who answers for what the checklist would refuse. The newest counts.
create table statement_waivers (
    org_id uuid not null constraint statement_waivers_org_id_fkey references organizations on delete cascade,
    month date not null,
    waiver_id uuid not null,
    item text not null,
    -- As much of it as there was.
    up_to bigint not null,
    reason text not null,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint statement_waivers_pkey primary key (org_id, month, waiver_id),
    constraint statement_waivers_item_check check (item in ('priced'))
);
