-- Markups on statements are rules of a further kind.
alter table rules
    drop constraint rules_kind_check,
    add constraint rules_kind_check check (kind in (
        'price_override', 'price_modifier', 'model_alias', 'contract_term', 'cost_basis', 'charge', 'allocation',
        'billing_basis', 'markup'
    ));

-- The one that journals had is such a rule now: from the month after the last closed one, because those had none on their statements.
create temporary table journal_markups on commit drop as
select s.org_id, gen_random_uuid() as change_id, (s.settings ->> 'markup')::numeric as percent, (
    select (max(month) + interval '1 month')::timestamp at time zone 'UTC' from statement_versions v
    where v.org_id = s.org_id and v.closed) as valid_from
from journal_settings s
where (s.settings ->> 'markup')::numeric > 0;

insert into rule_changes (org_id, change_id, recorded_at, detail)
select org_id, change_id, now(), 'Took over the markup of ' || trim_scale(percent) || ' % from the journal''s settings.'
from journal_markups;

insert into rules (org_id, rule_id, kind, subject, conflict_key, rank, valid_from, description, fields, recorded_at, change_id)
select org_id, rule_id, 'markup', '', '', rule_id, valid_from,
    'markup of ' || trim_scale(percent) || ' % on statements of all teams (From the journal''s settings.)',
    jsonb_build_object('team', null, 'percent', trim_scale(percent)::text, 'valid_from', null, 'valid_to', null,
        'reason', 'From the journal''s settings.'),
    now(), change_id
from (select nextval('rule_ids') as rule_id, m.* from journal_markups m) as n;

update journal_settings set settings = settings - 'markup';
