-- Identical rejects are one entry with a count, so that a misconfigured sender fills no table.
alter table rejected_events
    -- First 16 bytes of SHA-256 of key, projects, provider, model, pointer, code and detail.
    add column reason_hash bytea,
    -- How often it was rejected; `received_at` and `id` are those of the last time.
    add column times bigint not null default 1,
    add column first_received_at timestamptz;

-- What is listed already keeps an entry of its own.
update rejected_events set reason_hash = uuid_send(rejected_id), first_received_at = received_at;

alter table rejected_events
    alter column reason_hash set not null,
    -- A server of the version before does not know the new columns.
    alter column reason_hash set default uuid_send(gen_random_uuid()),
    alter column first_received_at set not null,
    alter column first_received_at set default now(),
    add constraint rejected_events_reason_key unique (org_id, reason_hash),
    add constraint rejected_events_times_check check (times > 0);

create index rejected_events_received_at_idx on rejected_events (org_id, received_at, rejected_id);
