-- The recorded events with their pieces, and the sums that the product made of them.
create unlogged table template as
select row_number() over (order by e.event_key)::integer as n, d.at, d.customer, d.request, d.session, d.words, d.status as status_text, d.usage,
    e.org_id, e.received_at, e.series_id, e.shape_id, e.plan_id, e.tokens, e.cost, e.upper_bound, e.labels, e.numbers, e.quantities
from events as e join drawn as d on d.at = event_time(e.event_key);
drop table drawn;

create unlogged table template_quarter as select * from rollup_quarter;
create unlogged table template_day as select * from rollup_day;
create unlogged table template_label as select * from rollup_label_day;
create unlogged table template_meter as select * from rollup_meter_day;

-- Customers by their places, which are their ranks: copies change places within eight neighbours, so that few customers still make most calls.
create unlogged table customers as
select substr(value, 10)::integer as place, label_id from labels where label = 'customer';
create unique index on customers (place);
create unique index on customers (label_id);

-- Claimed ids are in no order: the index over them is made when all are there.
alter table event_ids drop constraint event_ids_pkey;
analyze template, template_quarter, template_day, template_label, template_meter, customers;

-- How a copy differs from the template: by two weeks more, as often as its number says, within the same days; by some seconds within the same quarter of an hour; by its customer.
create function moved_time(at timestamptz, copy integer, since timestamptz) returns timestamptz language sql immutable as $$
    select since + interval '1 microsecond' * (
        place / 900000000 * 900000000 + (place % 900000000 + copy * 7300017::bigint) % 900000000)
    from (select ((extract(epoch from at - since) * 1000000)::bigint + (copy % 7) * 1209600000000) % 8467200000000 as place) as moved
$$;

create function moved_day(day date, copy integer, since date) returns date language sql immutable as $$
    select since + (day - since + copy % 7 * 14) % 98
$$;

create function moved_customer(place integer, copy integer) returns integer language sql immutable as $$
    select place / 8 * 8 + (place + copy) % 8
$$;
