-- When an organization's statements are mailed, and to whom: members' addresses, each with the team whose statement it is.
create table statement_mails (
    org_id uuid not null constraint statement_mails_org_id_fkey references organizations on delete cascade,
    schedule text not null,
    recipients jsonb not null,
    -- Months that were over, or closed, before this are not mailed.
    since timestamptz not null,
    constraint statement_mails_pkey primary key (org_id),
    constraint statement_mails_schedule_check check (schedule in ('off', 'over', 'closed'))
);

-- What was mailed: once per month and recipient.
create table statement_mails_sent (
    org_id uuid not null constraint statement_mails_sent_org_id_fkey references organizations on delete cascade,
    month date not null,
    email text not null,
    -- Empty for all that the member sees.
    team text not null,
    mail_id uuid not null,
    constraint statement_mails_sent_pkey primary key (org_id, month, email, team)
);
