-- Who gets mail of budgets without being a member: addresses that confirmed it once by a link.
create table recipients (
    org_id uuid not null constraint recipients_org_id_fkey references organizations on delete cascade,
    email text not null,
    -- Of the newest link.
    token_hash bytea not null,
    asked_by uuid constraint recipients_asked_by_fkey references users on delete set null,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    confirmed_at timestamptz,
    constraint recipients_pkey primary key (org_id, email)
);

-- How many mails went out about an organization today.
create index mails_org_idx on mails (org_id, created_at) where org_id is not null;
