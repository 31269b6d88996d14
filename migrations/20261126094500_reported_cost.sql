-- The newest events that came with a reported cost, to be compared with what was computed.
create index events_reported_idx on events (org_id, event_key) where reported_cost is not null;
