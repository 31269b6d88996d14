-- The sums of so many copies (:copies, :since when the days begin, :first day; put in as they are, for several statements take no parameters), made anew from those of the template.
-- A copy's quarters and days are those of the template, moved; a copy's labels are the template's but for the customer. Copies repeat after 7 x 8.
create temporary table moves as
select number, count(*) as copies from (select generate_series(0, :copies - 1) % 56 as number) as copy group by number;
create temporary table shifts as select number % 7 as number, sum(copies) as copies from moves group by 1;
truncate rollup_quarter, rollup_day, rollup_label_day, rollup_meter_day, rollup_coarse_day, rollup_coarse_label_day, rollup_coarse_meter_day, rollup_version, newest_events, dirty_marks;

insert into rollup_quarter (org_id, quarter, series_id, tokens, requests, unpriced_requests, retries, cache_hits, booked, adjusted,
    unpriced_upper_bound, avoided_cost)
select org_id, :since + (quarter - :since + interval '14 days' * shifts.number
        - interval '98 days' * floor(extract(epoch from quarter - :since + interval '14 days' * shifts.number) / 8467200)) as quarter,
    series_id, sum(tokens * copies), sum(requests * copies), sum(unpriced_requests * copies), sum(retries * copies), sum(cache_hits * copies),
    sum(booked * copies), sum(adjusted * copies), sum(unpriced_upper_bound * copies), sum(avoided_cost * copies)
from template_quarter cross join shifts group by 1, 2, 3 order by 1, 2, 3;

insert into rollup_day (org_id, day, series_id, tokens, requests, unpriced_requests, retries, cache_hits, booked, adjusted,
    unpriced_upper_bound, avoided_cost)
select org_id, moved_day(day, shifts.number, :first), series_id, sum(tokens * copies), sum(requests * copies), sum(unpriced_requests * copies),
    sum(retries * copies), sum(cache_hits * copies), sum(booked * copies), sum(adjusted * copies), sum(unpriced_upper_bound * copies),
    sum(avoided_cost * copies)
from template_day cross join shifts group by 1, 2, 3 order by 1, 2, 3;

insert into rollup_meter_day (org_id, day, series_id, meter, requests, quantity, booked, adjusted)
select org_id, moved_day(day, shifts.number, :first), series_id, meter, sum(requests * copies), sum(quantity * copies), sum(booked * copies),
    sum(adjusted * copies)
from template_meter cross join shifts group by 1, 2, 3, 4 order by 1, 2, 3, 4;

insert into rollup_label_day (org_id, day, label_id, series_id, tokens, requests, unpriced_requests, booked, adjusted,
    unpriced_upper_bound, avoided_cost)
select r.org_id, moved_day(r.day, moves.number, :first), coalesce(other.label_id, r.label_id), r.series_id, sum(r.tokens * copies),
    sum(r.requests * copies), sum(r.unpriced_requests * copies), sum(r.booked * copies), sum(r.adjusted * copies),
    sum(r.unpriced_upper_bound * copies), sum(r.avoided_cost * copies)
from template_label as r cross join moves
left join customers as own using (label_id)
left join customers as other on other.place = moved_customer(own.place, moves.number)
group by 1, 2, 3, 4 order by 1, 2, 3, 4;

insert into rollup_coarse_day (org_id, day, coarse_id, tokens, requests, unpriced_requests, retries, cache_hits, booked, adjusted,
    unpriced_upper_bound, avoided_cost)
select org_id, day, coarse_id, sum(tokens), sum(requests), sum(unpriced_requests), sum(retries), sum(cache_hits), sum(booked), sum(adjusted),
    sum(unpriced_upper_bound), sum(avoided_cost)
from rollup_day join series using (org_id, series_id) group by 1, 2, 3 order by 1, 2, 3;

insert into rollup_coarse_label_day (org_id, day, label_id, status, tokens, requests, unpriced_requests, booked, adjusted,
    unpriced_upper_bound, avoided_cost)
select org_id, day, label_id, status, sum(tokens), sum(requests), sum(unpriced_requests), sum(booked), sum(adjusted),
    sum(unpriced_upper_bound), sum(avoided_cost)
from rollup_label_day join series using (org_id, series_id) group by 1, 2, 3, 4 order by 1, 2, 3, 4;

insert into rollup_coarse_meter_day (org_id, day, coarse_id, meter, requests, quantity, booked, adjusted)
select org_id, day, coarse_id, meter, sum(requests), sum(quantity), sum(booked), sum(adjusted)
from rollup_meter_day join series using (org_id, series_id) group by 1, 2, 3, 4 order by 1, 2, 3, 4;

insert into rollup_version (org_id, day, version)
select org_id, day, hashtextextended(gen_random_uuid()::text, 0) from rollup_day group by 1, 2;

-- To the quarter of an hour: nothing that is measured looks closer.
insert into newest_events (org_id, project_id, happened_at)
select org_id, project_id, max(quarter) from rollup_quarter join series using (org_id, series_id) group by 1, 2;

drop table moves, shifts;
