-- Mails leave after 90 days; an alert remembers how many told of it.
create index mails_age_idx on mails (created_at);
alter table alerts add column mails smallint not null default 0;
