-- One copy ($1: its number, $2: when the days begin, $3: since when events are kept): events in the order of time, with ids, hashes and words of their own, and their claimed ids.
with copied as materialized (
    select t.*, c.label_id,
        t.request || $1::text as request_id, t.session || $1::text as session_id,
        (extract(epoch from moved.at) * 1000000)::bigint as micros,
        '{"customer":"customer-' || lpad(c.place::text, 3, '0') || '"' || t.words
            || coalesce(',"request_id":"' || t.request || $1::text || '"', '')
            || coalesce(',"session_id":"' || t.session || $1::text || '"', '')
            || t.status_text || (extract(epoch from moved.at) * 1000000)::bigint::text || t.usage as content
    from template as t
    cross join lateral (select moved_time(t.at, $1::integer, $2) as at) as moved
    join customers as c on c.place = moved_customer(t.customer, $1::integer)
    where moved.at >= $3
), keyed as materialized (
    -- A UUID of version 7 with the time in microseconds (backend::ledger::key); its random bits follow from event and copy.
    select copied.*, (lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex((micros % 1000) << 2), 3, '0')
            || 'a' || substr(md5(n || '-' || $1), 1, 15))::uuid as event_key
    from copied
), claimed as (
    insert into event_ids (org_id, id_hash, content_hash, event_key)
    select org_id, left(encode(sha256(event_key::text::bytea), 'hex'), 32)::uuid,
        ('01' || left(encode(sha256(content::bytea), 'hex'), 30))::uuid, event_key
    from keyed
)
insert into events (org_id, event_key, received_at, series_id, shape_id, plan_id, tokens, response_cache_hit, cost, upper_bound, labels,
    numbers, quantities, request_id, session_id)
select org_id, event_key, received_at, series_id, shape_id, plan_id, tokens, false, cost, upper_bound,
    -- The customer is the first label.
    int8send(label_id) || substr(labels, 9), numbers, quantities, request_id, session_id
from keyed order by event_key
