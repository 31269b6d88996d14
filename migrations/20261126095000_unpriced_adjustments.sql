-- Events that lost their price wait like those that never had one, and are found as quickly.
create index adjustments_unpriced_idx on adjustments (org_id, event_key) where new_cost is null;
