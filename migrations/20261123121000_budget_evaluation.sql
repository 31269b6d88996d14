-- What the ledger needs to say why a threshold fired, or why it did not; and test mails.

alter table budget_periods
    -- The last comparison of thresholds with spend: when, and what was found.
    add column evaluated_at timestamptz,
    add column evaluated_spend numeric(38, 12),
    add column evaluated_estimated numeric(38, 12);

alter table alerts
    -- Several thresholds crossed at one moment: the highest one's mail tells of all; the others name it here.
    add column mailed_with smallint;

-- The ledger by age, and what waits to be acknowledged.
create index alerts_open_idx on alerts (org_id) where acknowledged_at is null;

-- Test mails: one row per mail, one test_id per press of the button.
create table budget_tests (
    org_id uuid not null,
    test_id uuid not null,
    mail_id uuid not null,
    budget_id uuid not null,
    created_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint budget_tests_pkey primary key (org_id, test_id, mail_id),
    constraint budget_tests_budget_fkey foreign key (org_id, budget_id) references budgets on delete cascade
);
create index budget_tests_budget_idx on budget_tests (org_id, budget_id, created_at);
