-- The outbox: mail is written with the business row it belongs to and sent afterwards.

create table mails (
    mail_id uuid constraint mails_pkey primary key,
    -- Null for mail about an account rather than an organization.
    org_id uuid constraint mails_org_id_fkey references organizations on delete cascade,
    alert_id uuid,
    kind text not null,
    recipient text not null,
    subject text not null,
    body_text text not null,
    body_html text not null,
    -- Stable over retries, so that a second delivery is recognised.
    message_id text not null constraint mails_message_id_key unique,
    state text not null default 'queued' constraint mails_state_check check (state in ('queued', 'sent', 'failed')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    last_attempt_at timestamptz,
    last_answer text,
    created_at timestamptz not null,
    sent_at timestamptz
);
create index mails_due_idx on mails (next_attempt_at) where state = 'queued';
create index mails_alert_idx on mails (org_id, alert_id) where alert_id is not null;
