-- Dated rules of an organization, of every kind: own prices, factors, aliases of models, terms of contracts, which cost counts.
-- A rule is superseded, never edited and never deleted, so that what was known at any instant can be read again.

-- One entry per thing that a person did; rules name the change that brought them and the one that superseded them.
create table rule_changes (
    org_id uuid not null constraint rule_changes_org_id_fkey references organizations on delete cascade,
    change_id uuid not null,
    recorded_at timestamptz not null,
    -- Who: a person or a key.
    user_id uuid,
    key_id uuid,
    -- One sentence.
    detail text not null,
    -- The change that this one took back.
    undoes uuid,
    constraint rule_changes_pkey primary key (org_id, change_id),
    constraint rule_changes_undoes_key unique (org_id, undoes)
);

-- Receipts name rules beside rows of the common book: the numbers of those end where these begin (2^52; JSON is exact up to 2^53).
create sequence rule_ids as bigint start with 4503599627370496;

create table rules (
    org_id uuid not null constraint rules_org_id_fkey references organizations on delete cascade,
    rule_id bigint not null,
    kind text not null,
    -- By what it is looked up; a model as `provider/model`, mostly.
    subject text not null,
    -- Of the rules of a kind that have the same key only one holds at a time.
    conflict_key text,
    -- The number under which it was first entered: what is left of a rule that was cut keeps its place among the others.
    rank bigint not null,
    valid_from timestamptz,
    valid_to timestamptz,
    -- What it says, for the audit log.
    description text not null,
    -- What it says, as its kind writes it.
    fields jsonb not null,
    recorded_at timestamptz not null,
    change_id uuid not null,
    superseded_at timestamptz,
    superseded_by uuid,
    constraint rules_pkey primary key (org_id, rule_id),
    constraint rules_kind_check check (kind in ('price_override', 'price_modifier', 'model_alias', 'contract_term', 'cost_basis')),
    constraint rules_id_check check (rule_id >= 4503599627370496 and rank <= rule_id),
    constraint rules_span_check check (valid_from < valid_to),
    constraint rules_superseded_check check ((superseded_at is null) = (superseded_by is null))
);
create index rules_live_idx on rules (org_id, kind, conflict_key) where superseded_at is null;
create index rules_kind_idx on rules (org_id, kind, subject);
create index rules_change_idx on rules (org_id, change_id);
create index rules_superseded_idx on rules (org_id, superseded_by) where superseded_by is not null;

-- How often a change of rules was undone: events that were priced before the last of them are not recorded any more.
alter table organizations
    add column rules_undone integer not null default 0;

-- Models that an organization has prices of its own for.
create view own_models as
    select distinct org_id, fields ->> 'provider' as provider, fields ->> 'model' as model
    from rules where kind = 'price_override' and superseded_at is null;

-- Events in the order in which they came, for what asks since when: nearly free, because they are appended.
create index events_received_idx on events using brin (received_at);
