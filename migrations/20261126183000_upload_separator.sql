-- What stands between the cells of an uploaded CSV file; seen from its header, kept for the pieces that come later.
alter table uploads
    add column separator text not null default 'comma',
    add constraint uploads_separator_check check (separator in ('comma', 'semicolon', 'tab'));
