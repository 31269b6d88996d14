-- The calls of an interaction, found as the attempts of a request are: half of a hash is enough. Partitions that are there get it apart from this, without a lock (backend::schema).
create index events_interaction_id_idx on only events (hashtext(org_id::text || interaction_id)) where interaction_id is not null;
