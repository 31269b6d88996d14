-- What the running totals of a series stand at: only what later ones grow by counts.
create table running_totals (
    org_id uuid not null,
    -- First 16 bytes of SHA-256 of project, provider, model, operation and the sender's name of the series.
    series_hash uuid not null,
    -- The event that brought them.
    event_key uuid not null,
    totals jsonb not null,
    updated_at timestamptz not null,
    constraint running_totals_pkey primary key (org_id, series_hash)
);
create index running_totals_updated_idx on running_totals (updated_at);
