-- The organization's own book: who entered what, and what is wrong is superseded, never edited or deleted.

-- One entry per thing that a person did to the book; rows name the change that brought them and the one that superseded them.
create table price_changes (
    org_id uuid not null constraint price_changes_org_id_fkey references organizations on delete cascade,
    change_id uuid not null,
    recorded_at timestamptz not null,
    -- Who: a person or a key.
    user_id uuid,
    key_id uuid,
    -- One sentence.
    detail text not null,
    -- The change that this one took back.
    undoes uuid,
    constraint price_changes_pkey primary key (org_id, change_id),
    constraint price_changes_undoes_key unique (org_id, undoes)
);

alter table price_overrides
    add column change_id uuid,
    add column superseded_by uuid;

alter table price_mappings
    add column change_id uuid,
    add column superseded_at timestamptz,
    add column superseded_by uuid;

alter table price_override_modifiers
    add column change_id uuid,
    add column superseded_by uuid;
