-- Charges beside events are rules of a further kind. Those of allocation come with a later migration.
alter table rules drop constraint rules_kind_check;
alter table rules add constraint rules_kind_check check
    (kind in ('price_override', 'price_modifier', 'model_alias', 'contract_term', 'cost_basis', 'charge', 'allocation'));

-- A file whose rows are forms, such as charges: it does nothing by itself, and is entered as a whole once somebody has looked at it.
create table file_imports (
    org_id uuid not null constraint file_imports_org_id_fkey references organizations on delete cascade,
    import_id uuid not null,
    -- What its rows are.
    kind text not null,
    created_at timestamptz not null,
    user_id uuid not null,
    file_name text not null,
    text text not null,
    entered_at timestamptz,
    constraint file_imports_pkey primary key (org_id, import_id),
    constraint file_imports_kind_check check (kind in ('charges', 'business_metrics'))
);
