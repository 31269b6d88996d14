-- The rows of all events for the other side: words instead of numbers.
copy (
    select (extract(epoch from event_time(e.event_key)) * 1000000)::bigint, p.slug, s.provider, s.model, s.feature, s.environment, s.status,
        customer.value, experiment.value, region.value, e.cost, e.tokens
    from events as e
    join series as s using (org_id, series_id)
    join projects as p using (org_id, project_id)
    -- Labels stand in the order customer, tag.experiment, tag.region.
    join labels as customer on customer.label_id = ('x' || encode(substr(e.labels, 1, 8), 'hex'))::bit(64)::bigint
    join labels as experiment on experiment.label_id = ('x' || encode(substr(e.labels, 9, 8), 'hex'))::bit(64)::bigint
    join labels as region on region.label_id = ('x' || encode(substr(e.labels, 17, 8), 'hex'))::bit(64)::bigint
) to stdout (format csv)
