-- When an organization will be deleted: seven days after somebody asked for it, until which an owner can undo it.
alter table organizations add column deletes_at timestamptz;
create index organizations_deletes_at_idx on organizations (deletes_at) where deletes_at is not null;
