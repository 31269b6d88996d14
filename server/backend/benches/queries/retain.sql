-- As retention leaves it: events and their ids from the month on that is kept, all sums.
alter table event_ids drop constraint if exists event_ids_pkey;
truncate events_2026_08, events_2026_09, events_2026_10;
create temporary table kept as select * from event_ids where event_time(event_key) >= timestamptz '2026-11-01 00:00Z';
truncate event_ids;
insert into event_ids select * from kept;
drop table kept;
update organizations set events_from = date '2026-11-01';
