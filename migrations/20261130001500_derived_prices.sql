-- Why a price stands in the book that its source does not list as it is; null for prices that are listed.
alter table prices
    add column derived text,
    add constraint prices_derived_check check (derived in ('listed_undated', 'share_of_standard', 'half_of_input'));
