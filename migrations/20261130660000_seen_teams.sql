-- Teams whose projects a member sees; null is the whole organization. An owner or an admin, who could change it, always sees that.

alter table members
    add column team_ids uuid[],
    add constraint members_team_ids_check check (team_ids is null or role not in ('owner', 'admin'));

alter table invitations
    add column team_ids uuid[],
    add constraint invitations_team_ids_check check (team_ids is null or role not in ('owner', 'admin'));
