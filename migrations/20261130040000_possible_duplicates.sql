-- The word of the field, the same as in code, the API and on pages.
alter table suspected_doubles rename to possible_duplicates;
alter table possible_duplicates rename constraint suspected_doubles_pkey to possible_duplicates_pkey;
alter index suspected_doubles_first_key_idx rename to possible_duplicates_first_key_idx;
alter table organizations rename column drop_doubles to drop_possible_duplicates;
