-- Events that took the place of smaller copies of the same answer: how many those were, and what the last of them had come to.
create table event_copies (
    org_id uuid not null,
    event_key uuid not null,
    copies integer not null,
    tokens bigint not null,
    -- As it was booked; null where it was unpriced.
    cost numeric(38, 12),
    constraint event_copies_pkey primary key (org_id, event_key)
);
