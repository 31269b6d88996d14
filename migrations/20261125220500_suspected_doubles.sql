-- The same call can arrive by two routes, under two ids: from a gateway's callback and from the application's own instrumentation.
-- Only the provider's id of its answer is the same. Events from before this migration are not compared.

-- Which event first brought an answer's id.
create table provider_responses (
    org_id uuid not null,
    -- First 16 bytes of SHA-256 of the provider's id.
    response_hash uuid not null,
    event_key uuid not null,
    constraint provider_responses_pkey primary key (org_id, response_hash)
);

-- Events that are suspected to be a call that was recorded before.
create table suspected_doubles (
    org_id uuid not null,
    event_key uuid not null,
    -- The event that was recorded first.
    first_key uuid not null,
    constraint suspected_doubles_pkey primary key (org_id, event_key)
);
create index suspected_doubles_first_key_idx on suspected_doubles (org_id, first_key);

-- Whether a suspected double is left out instead of being recorded and marked.
alter table organizations add column drop_doubles boolean not null default false;
