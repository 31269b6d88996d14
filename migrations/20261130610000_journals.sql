-- How an organization's journals are booked, as its type writes it.
create table journal_settings (
    org_id uuid not null constraint journal_settings_org_id_fkey references organizations on delete cascade,
    settings jsonb not null,
    constraint journal_settings_pkey primary key (org_id)
);

-- Journals that were exported: each once, for good. Every later file is made from what stands here.
create table journals (
    org_id uuid not null constraint journals_org_id_fkey references organizations on delete cascade,
    -- First day of the month.
    month date not null,
    kind text not null,
    -- Of a chargeback that of the closed statement; of an accrual its own, from 1.
    version integer not null,
    journal jsonb not null,
    -- Of the first file.
    preset text not null,
    sha256 text not null,
    exported_at timestamptz not null,
    user_id uuid,
    key_id uuid,
    constraint journals_pkey primary key (org_id, month, kind, version),
    constraint journals_kind_check check (kind in ('chargeback', 'accrual'))
);
