-- Money that moves after ingestion: runs that price or reprice recorded events, and the adjustments they append. Events are never edited.

create table repricing_runs (
    org_id uuid not null constraint repricing_runs_org_id_fkey references organizations on delete cascade,
    run_id uuid not null,
    -- `pricing` looks at events that wait for a price, `repricing` at all.
    kind text not null constraint repricing_runs_kind_check check (kind in ('pricing', 'repricing')),
    state text not null constraint repricing_runs_state_check check (
        state in ('draft', 'previewed', 'running', 'done', 'reversing', 'reversed', 'discarded', 'failed')
    ),
    -- Which events: instants and the filters of the event list.
    period_from timestamptz,
    period_to timestamptz,
    filters jsonb not null,
    -- The own book as it was known then: what was previewed is what is executed, whatever is entered meanwhile.
    known_at timestamptz not null,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    -- Why; given with the confirmation.
    reason text,
    confirmed_at timestamptz,
    -- The end of the last phase.
    ended_at timestamptz,
    reverse_reason text,
    -- What failed, in one sentence.
    failure text,
    -- How far the present phase is: the last event that was looked at.
    cursor_key uuid,
    -- Sums of the preview, of the execution and of the reversal.
    preview jsonb,
    outcome jsonb,
    reversal jsonb,
    constraint repricing_runs_pkey primary key (org_id, run_id),
    constraint repricing_runs_span_check check (period_from < period_to),
    constraint repricing_runs_reason_check check (state not in ('running', 'done', 'reversing', 'reversed') or reason is not null)
);
-- One run of an organization moves money at a time, so that each sees what the others left.
create unique index repricing_runs_active_idx on repricing_runs (org_id) where state in ('running', 'reversing');
create index repricing_runs_work_idx on repricing_runs (state) where state in ('draft', 'running', 'reversing');

-- What became of an event's cost since it was booked: appended, never edited. The highest revision is what counts.
create table adjustments (
    org_id uuid not null,
    event_key uuid not null,
    -- 1 for the first adjustment of the event.
    revision integer not null,
    run_id uuid not null,
    -- Whether it takes the run's own adjustment back.
    is_reversal boolean not null,
    adjusted_at timestamptz not null,
    -- Null means unpriced.
    old_cost numeric(38, 12),
    new_cost numeric(38, 12),
    old_upper_bound numeric(38, 12),
    new_upper_bound numeric(38, 12),
    -- The receipt from now on, as in events.
    plan_id bigint not null,
    quantities bytea,
    constraint adjustments_pkey primary key (org_id, event_key, revision),
    constraint adjustments_run_key unique (org_id, run_id, is_reversal, event_key)
);
