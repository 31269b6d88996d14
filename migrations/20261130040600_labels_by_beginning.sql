-- Fields propose values while somebody types, of customers among hundreds of thousands: found by how they begin, without case and punctuation.
-- The expression is the one of `suggestions/sql.rs`.
create index labels_folded_idx on labels (org_id, label, translate(lower(value), ' -_./:@+,()', '') text_pattern_ops);
