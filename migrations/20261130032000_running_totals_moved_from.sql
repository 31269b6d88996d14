-- The event that a series moved on from, null for its first: it is compared with where the series stands when somebody else moves it at the same time.
alter table running_totals add column moved_from uuid;
