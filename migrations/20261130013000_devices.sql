-- Browsers on which somebody signed in before: strangers who guess passwords do not lock these out.
-- A row belongs to no organization: a reference table when distributed.
create table devices (
    -- SHA-256 of the random token in the browser's cookie.
    device_hash bytea not null,
    user_id uuid not null constraint devices_user_id_fkey references users on delete cascade,
    -- Attempts since the last right password.
    attempts smallint not null default 0,
    last_used_at timestamptz not null,
    constraint devices_pkey primary key (device_hash, user_id)
);
create index devices_user_id_idx on devices (user_id);
create index devices_last_used_at_idx on devices (last_used_at);
