//! Members and invitations.

use super::api::{ChangeRole, Invite, Leave, RemoveMember, RevokeInvitation, SOME_TEAMS, SetTeams};
use super::settings_part;
use crate::form::{Posted, hidden};
use crate::format;
use crate::page::{Drawn, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, Checkbox, Choice, Column, Field, FormErrors, NoticeText, Radios, Section, Select, Table,
    Tone, UrlNotice, columns, html,
};
use domain::identity::{Belongings, Invitation, Member, Permission, Role, SeenTeams};
use domain::ids::{TeamId, UserId};
use domain::project::Team;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use std::collections::BTreeMap;

const NOTICES: [NoticeText; 5] = [
    NoticeText { code: "invited", tone: Tone::Good, text: "The invitation is on its way. Its link works for 7 days." },
    NoticeText {
        code: "invitation-revoked",
        tone: Tone::Good,
        text: "The invitation is revoked; its link no longer works.",
    },
    NoticeText { code: "teams-changed", tone: Tone::Good, text: "What the member sees is changed." },
    NoticeText { code: "role-changed", tone: Tone::Good, text: "The role is changed." },
    NoticeText { code: "removed", tone: Tone::Good, text: "The member is removed." },
];

/// Members, open invitations, and what each role may do.
pub(crate) async fn members(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let may_manage = visit.frame.may(Permission::ManageMembers);
    let invitations =
        async { if may_manage { backend::identity::list_invitations(backend, scope).await } else { Ok(Vec::new()) } };
    let (members, belongings, teams, invitations) = futures::try_join!(
        backend::identity::list_members(backend, scope),
        backend::identity::belongings(backend, scope),
        backend::projects::list_teams(backend, scope),
        invitations,
    )?;
    let chosen = visit.query.get("member").and_then(|id| id.parse().ok());
    let chosen = members.iter().find(|member| Some(member.user_id) == chosen && may_limit(visit.frame.role, member));
    let form = may_manage.then(|| match chosen {
        Some(member) => teams_section(&visit, member, &teams),
        None => invite_section(&visit, &invitations, &teams),
    });
    let body = view! {
        <UrlNotice known=&NOTICES/>
        <FormErrors errors={Posted::<RevokeInvitation>::here().errors()}/>
        <FormErrors errors={Posted::<ChangeRole>::here().errors()}/>
        <FormErrors errors={Posted::<RemoveMember>::here().errors()}/>
        <FormErrors errors={Posted::<Leave>::here().errors()}/>
        {list(&visit, &members, &belongings, &teams)}
        {form}
        {role_table()}
    };
    Ok(settings_part(&visit, "Members", body.into_any()))
}

fn list(visit: &Visit, members: &[Member], belongings: &BTreeMap<UserId, Belongings>, teams: &[Team]) -> AnyView {
    let (org, role) = (visit.org(), visit.frame.role);
    let count = format::counted(i64::try_from(members.len()).unwrap_or(i64::MAX), "member");
    let rows = members
        .iter()
        .map(|member| {
            let mine = member.user_id == visit.user.user_id;
            let ends = belongings.get(&member.user_id).copied().unwrap_or_default();
            view! {
                <tr>
                    <th scope="row">{member.email.to_string()}{mine.then(|| view! { " "<Badge tone=Tone::Accent>"you"</Badge> })}</th>
                    <td>{role_cell(org, member, role, mine)}</td>
                    <td class="wrap">{sees_cell(member, role, teams)}</td>
                    <td class="nowrap">{format::day_year(visit.scope.zone().day_of(member.joined_at))}</td>
                    <td class="end">{way_out(org, member, ends, role, mine)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = columns("E-mail | Role | Sees | Since | Actions ~");
    html! { <Section title="Members" note=count><Table caption="Members" columns=columns>{rows}</Table></Section> }
}

/// Whether somebody of a role may choose what a member sees.
const fn may_limit(mine: Role, member: &Member) -> bool {
    mine.may(Permission::ManageMembers) && member.role.can_be_limited()
}

/// What somebody sees, in words.
fn sees(seen: &SeenTeams, teams: &[Team]) -> String {
    let Some(seen) = seen else { return "everything".to_owned() };
    let names: Vec<_> =
        teams.iter().filter(|team| seen.contains(&team.team_id)).map(|team| team.name.as_str()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn sees_cell(member: &Member, mine: Role, teams: &[Team]) -> AnyView {
    let label = format!("Change what {} sees", member.email);
    let change = may_limit(mine, member).then(|| {
        view! { " "<a href=format!("?member={}#sees", member.user_id) aria-label=label>"Change"</a> }
    });
    html! { {sees(&member.teams, teams)}{change} }
}

/// Everything, or some teams: of a form that was posted what was chosen there, else what holds.
fn sees_fields(
    teams: &[Team],
    before: &SeenTeams,
    (sees, ticked): (Option<String>, Vec<TeamId>),
    wrong: Option<String>,
) -> AnyView {
    let before_word = if before.is_some() { SOME_TEAMS } else { "all" };
    let ticked = if sees.is_some() { ticked.into_iter().collect() } else { before.clone().unwrap_or_default() };
    let choices = vec![
        Choice::new("all", "Everything"),
        Choice::new(SOME_TEAMS, "Some teams")
            .hint("On every day the projects that were theirs then, and no totals beyond them."),
    ];
    let boxes = teams.iter().map(|team| {
        let checked = ticked.contains(&team.team_id);
        view! { <Checkbox name="teams[]" label=team.name.clone() value=team.team_id.to_string() checked=checked/> }
    });
    html! {
        <Radios label="Sees" name="sees" choices=choices value=sees.unwrap_or_else(|| before_word.to_owned())/>
        <fieldset class="field radios" id="teams">
            <legend class="field-label">"Teams"</legend>
            {boxes.collect_view()}
            {wrong.map(|wrong| view! { <p class="field-error">{wrong}</p> })}
        </fieldset>
    }
}

fn ticked(kept: impl Iterator<Item: AsRef<str>>) -> Vec<TeamId> {
    kept.filter_map(|id| id.as_ref().parse().ok()).collect()
}

fn teams_section(visit: &Visit, member: &Member, teams: &[Team]) -> AnyView {
    let form = Posted::<SetTeams>::here();
    let fields =
        sees_fields(teams, &member.teams, (form.kept("sees"), ticked(form.kept_all("teams[]"))), form.error("teams"));
    let sent = hidden([("org", visit.org()), ("member", &member.user_id.to_string())]);
    let (title, back) = (format!("What {} sees", member.email), visit.path.clone());
    html! {
        <Section title=title id="sees">
            <form class="form" method="post" action=SetTeams::url()>
                <FormErrors errors=form.errors()/>
                {sent}
                {fields}
                <p class="soft">"API keys that they made and that read more end."</p>
                <div class="actions">
                    <Button kind=ButtonKind::Primary>"Save"</Button>
                    <Button href=back>"Cancel"</Button>
                </div>
            </form>
        </Section>
    }
}

fn role_choices(mine: Role) -> Vec<Choice> {
    let grantable = Role::ALL.into_iter().filter(|role| mine.may_grant(*role));
    grantable.map(|role| Choice::new(role.as_str(), role.as_str()).hint(role.description())).collect()
}

/// A list to choose from where the reader may change the role, a word elsewhere.
fn role_cell(org: &str, member: &Member, mine: Role, is_me: bool) -> AnyView {
    if is_me || !mine.may_grant(member.role) {
        return html! { {member.role.as_str()} };
    }
    let id = format!("role-{}", member.user_id);
    let label = format!("Change the role of {}", member.email);
    html! {
        <form class="actions" method="post" action=ChangeRole::url()>
            {hidden([("org", org), ("member", &member.user_id.to_string())])}
            <Select label="Role" name="role" id=id inline=true choices=role_choices(mine) value=member.role.as_str()/>
            <Button small=true attr:aria-label=label>"Change"</Button>
        </form>
    }
}

/// With it go API keys, invitations and mail: said before.
fn way_out(org: &str, member: &Member, ends: Belongings, mine: Role, is_me: bool) -> AnyView {
    let ends = ends.describe();
    let ends = (!ends.is_empty()).then(|| view! { <span class="note note-below">{format!("ends {ends}")}</span> });
    if is_me {
        return html! {
            <form method="post" action=Leave::url()>
                <input type="hidden" name="org" value=org.to_owned()/>
                <Button small=true>"Leave"</Button>
                {ends}
            </form>
        };
    }
    let label = format!("Remove {}", member.email);
    mine.may_grant(member.role)
        .then(|| {
            view! {
                <form method="post" action=RemoveMember::url()>
                    {hidden([("org", org), ("member", &member.user_id.to_string())])}
                    <Button small=true attr:aria-label=label>"Remove"</Button>
                    {ends}
                </form>
            }
        })
        .into_any()
}

fn invite_section(visit: &Visit, open: &[Invitation], teams: &[Team]) -> AnyView {
    let form = Posted::<Invite>::here();
    let (org, mine) = (visit.org().to_owned(), visit.frame.role);
    let rows = open
        .iter()
        .map(|invitation| {
            let until = visit.scope.zone().local(invitation.expires_at);
            let label = format!("Revoke the invitation of {}", invitation.email);
            view! {
                <tr>
                    <th scope="row">{invitation.email.to_string()}</th>
                    <td>{invitation.role.as_str()}</td>
                    <td class="wrap">{sees(&invitation.teams, teams)}</td>
                    <td class="nowrap">{format::time(until)}</td>
                    <td class="end">
                        <form method="post" action=RevokeInvitation::url()>
                            {hidden([("org", &*org), ("invitation", &invitation.invitation_id.to_string())])}
                            <Button small=true attr:aria-label=label>"Revoke"</Button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect_view();
    let fields = sees_fields(teams, &None, (form.kept("sees"), ticked(form.kept_all("teams[]"))), form.error("teams"));
    let columns = columns("E-mail | Role | Sees | Open until | Actions ~");
    html! {
        <Section title="Invite">
            <form class="form" method="post" action=Invite::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <Field label="E-mail" name="email" kind="email" autocomplete="off" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Select label="Role" name="role" choices=role_choices(mine) value=form.kept_or("role", "member")/>
                {fields}
                <div class="actions"><Button kind=ButtonKind::Primary>"Send the invitation"</Button></div>
            </form>
        </Section>
        {(!open.is_empty()).then(|| view! {
            <Section title="Open invitations"><Table caption="Open invitations" columns=columns>{rows}</Table></Section>
        })}
    }
}

/// Who may do what: drawn from the table that every door checks.
fn role_table() -> AnyView {
    let columns = std::iter::once(Column::text("Permissions"))
        .chain(Role::ALL.map(|role| Column::text(role.as_str())))
        .collect::<Vec<_>>();
    let rows = Permission::ALL
        .map(|permission| {
            let cells = Role::ALL
                .map(|role| view! { <td>{if role.may(permission) { "yes" } else { "–" }}</td> })
                .collect_view();
            view! { <tr><th scope="row" class="wrap">{permission.description()}</th>{cells}</tr> }
        })
        .collect_view();
    html! { <Section title="What each role may do"><Table caption="What each role may do" columns=columns dense=true>{rows}</Table></Section> }
}
