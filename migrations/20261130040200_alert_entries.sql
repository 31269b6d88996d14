-- What one budget crosses at one moment is one entry of the alert history, acknowledged as one, with a note; and what of its spend was estimated is named in full.

alter table alerts
    -- The highest threshold of the entry: its own id for that one.
    add column entry_id uuid,
    add column note text,
    add column unpriced_events bigint not null default 0,
    -- The most that the estimated part can have cost.
    add column upper_bound numeric(38, 12) not null default 0;

-- So far an estimate was the upper bound itself.
update alerts as a set upper_bound = estimated, entry_id = (
    select highest.alert_id from alerts as highest
    where highest.org_id = a.org_id and highest.budget_id = a.budget_id and highest.month = a.month
        and highest.created_at = a.created_at
    order by highest.threshold desc, highest.alert_id
    limit 1
);

alter table alerts
    alter column entry_id set not null,
    drop column mailed_with;

create index alerts_entry_idx on alerts (org_id, entry_id);
