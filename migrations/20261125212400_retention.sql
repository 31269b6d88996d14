-- For how long an organization keeps its events; its sums stay for ever.

alter table organizations
    -- None: for ever.
    add column retention_days integer constraint organizations_retention_days_check check (retention_days >= 34),
    -- Month (UTC) from which on the events are still there; none: all of them. Earlier ones are not taken again, because their ids are forgotten.
    add column events_from date;
