-- Deleting an organization cascades into tables that refer to each other: inside that transaction these are checked at its end.
alter table project_ownership alter constraint project_ownership_team_fkey deferrable initially immediate;
alter table api_keys alter constraint api_keys_project_fkey deferrable initially immediate;
alter table api_keys alter constraint api_keys_default_project_fkey deferrable initially immediate;
alter table budgets alter constraint budgets_team_fkey deferrable initially immediate;
alter table budgets alter constraint budgets_project_fkey deferrable initially immediate;
