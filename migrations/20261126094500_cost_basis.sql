-- Which cost counts where a provider reports one. A dated choice of the organization, never edited: the newest one that concerns a provider holds from its instant on.
create table cost_basis_choices (
    org_id uuid not null constraint cost_basis_choices_org_id_fkey references organizations on delete cascade,
    -- Counts up in the order in which the choices were made.
    position integer not null,
    -- Canonical provider; null: every provider.
    provider text,
    basis text not null constraint cost_basis_choices_basis_check check (basis in ('computed', 'reported')),
    -- Null: from the beginning of time.
    valid_from timestamptz,
    -- Why, for those who read the numbers later.
    reason text not null,
    recorded_at timestamptz not null,
    -- Who: a person or a key.
    user_id uuid,
    key_id uuid,
    constraint cost_basis_choices_pkey primary key (org_id, position)
);

-- The newest events that came with a reported cost, to be compared with what was computed.
create index events_reported_idx on events (org_id, event_key) where reported_cost is not null;
