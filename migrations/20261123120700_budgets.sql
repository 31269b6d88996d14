-- Budgets, their months, and the alert ledger.

create table budgets (
    org_id uuid not null constraint budgets_org_id_fkey references organizations on delete cascade,
    budget_id uuid not null,
    name text not null,
    scope_kind text not null constraint budgets_scope_kind_check check (scope_kind in ('organization', 'team', 'project')),
    team_id uuid,
    project_id uuid,
    amount numeric(38, 12) not null constraint budgets_amount_check check (amount > 0),
    -- Percentages of the amount, rising.
    thresholds smallint[] not null,
    recipients text[] not null,
    created_by uuid constraint budgets_created_by_fkey references users on delete set null,
    created_at timestamptz not null,
    archived_at timestamptz,
    constraint budgets_pkey primary key (org_id, budget_id),
    constraint budgets_team_fkey foreign key (org_id, team_id) references teams,
    constraint budgets_project_fkey foreign key (org_id, project_id) references projects,
    constraint budgets_scope_check check (
        (scope_kind = 'team') = (team_id is not null) and (scope_kind = 'project') = (project_id is not null)
    )
);

-- Materialised months in the organization's zone, [starts_at, ends_at), with the amount in force.
create table budget_periods (
    org_id uuid not null,
    budget_id uuid not null,
    month date not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    amount numeric(38, 12) not null,
    constraint budget_periods_pkey primary key (org_id, budget_id, month),
    constraint budget_periods_budget_fkey foreign key (org_id, budget_id) references budgets on delete cascade
);

-- The ledger: one row per budget, month and threshold, whatever happens.
create table alerts (
    org_id uuid not null,
    alert_id uuid not null,
    budget_id uuid not null,
    budget_name text not null,
    month date not null,
    threshold smallint not null,
    created_at timestamptz not null,
    -- What was evaluated: spend with estimates, the estimated part, the amount in force.
    spend numeric(38, 12) not null,
    estimated numeric(38, 12) not null,
    amount numeric(38, 12) not null,
    -- Found after its month had ended: recorded, not mailed.
    late boolean not null,
    acknowledged_at timestamptz,
    acknowledged_by uuid constraint alerts_acknowledged_by_fkey references users on delete set null,
    constraint alerts_pkey primary key (org_id, alert_id),
    constraint alerts_once_key unique (org_id, budget_id, month, threshold),
    constraint alerts_budget_fkey foreign key (org_id, budget_id) references budgets on delete cascade
);
