-- Who changed what: appended in the transaction of the change.

create table audit_log (
    org_id uuid not null constraint audit_log_org_id_fkey references organizations on delete cascade,
    audit_id uuid not null,
    created_at timestamptz not null,
    -- Who: a person or a key; neither for what the server did by itself.
    user_id uuid,
    key_id uuid,
    -- What, as a stable word such as key.revoked, and one sentence for people.
    action text not null,
    detail text not null,
    constraint audit_log_pkey primary key (org_id, audit_id)
);
