-- A budget's amount is a dated revision. Thresholds fire once under each, so a raised budget warns again.
create table budget_amounts (
    org_id uuid not null,
    budget_id uuid not null,
    -- From 1 up.
    revision integer not null,
    amount numeric(38, 12) not null,
    since timestamptz not null,
    entered_by uuid constraint budget_amounts_entered_by_fkey references users on delete set null,
    constraint budget_amounts_pkey primary key (org_id, budget_id, revision),
    constraint budget_amounts_budget_fkey foreign key (org_id, budget_id) references budgets on delete cascade
);
insert into budget_amounts select org_id, budget_id, 1, amount, created_at, created_by from budgets;

-- The one in force; of a month; and under which a threshold fired.
alter table budgets add column revision integer not null default 1;
alter table budget_periods add column revision integer not null default 1;
alter table alerts add column revision integer not null default 1;
alter table alerts drop constraint alerts_once_key;
alter table alerts add constraint alerts_once_key unique (org_id, budget_id, month, threshold, revision);
