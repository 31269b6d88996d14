//! Members and invitations.

use super::api::{ChangeRole, Invite, Leave, RemoveMember, RevokeInvitation};
use super::settings_part;
use crate::form::{Posted, hidden};
use crate::format;
use crate::page::{Drawn, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, Field, FormErrors, NoticeText, Section, Select, Table, Tone, UrlNotice,
    columns, html,
};
use domain::identity::{Belongings, Invitation, Member, Permission, Role};
use domain::ids::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use std::collections::BTreeMap;

const NOTICES: [NoticeText; 4] = [
    NoticeText { code: "invited", tone: Tone::Good, text: "The invitation is on its way. Its link works for 7 days." },
    NoticeText {
        code: "invitation-revoked",
        tone: Tone::Good,
        text: "The invitation is revoked; its link no longer works.",
    },
    NoticeText { code: "role-changed", tone: Tone::Good, text: "The role is changed." },
    NoticeText { code: "removed", tone: Tone::Good, text: "The member is removed." },
];

/// Members, open invitations, and what each role may do.
pub(crate) async fn members(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let may_manage = visit.frame.may(Permission::ManageMembers);
    let invitations =
        async { if may_manage { backend::identity::list_invitations(backend, scope).await } else { Ok(Vec::new()) } };
    let (members, belongings, invitations) = futures::try_join!(
        backend::identity::list_members(backend, scope),
        backend::identity::belongings(backend, scope),
        invitations,
    )?;
    let body = view! {
        <UrlNotice known=&NOTICES/>
        <FormErrors errors={Posted::<RevokeInvitation>::here().errors()}/>
        <FormErrors errors={Posted::<ChangeRole>::here().errors()}/>
        <FormErrors errors={Posted::<RemoveMember>::here().errors()}/>
        <FormErrors errors={Posted::<Leave>::here().errors()}/>
        {list(&visit, &members, &belongings)}
        {may_manage.then(|| invite_section(&visit, &invitations))}
        {role_table()}
    };
    Ok(settings_part(&visit, "Members", body.into_any()))
}

fn list(visit: &Visit, members: &[Member], belongings: &BTreeMap<UserId, Belongings>) -> AnyView {
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
                    <td class="nowrap">{format::day_year(visit.scope.zone().day_of(member.joined_at))}</td>
                    <td class="end">{way_out(org, member, ends, role, mine)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = columns("E-mail | Role | Since | Actions ~");
    html! { <Section title="Members" note=count><Table caption="Members" columns=columns>{rows}</Table></Section> }
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

fn invite_section(visit: &Visit, open: &[Invitation]) -> AnyView {
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
    let columns = columns("E-mail | Role | Open until | Actions ~");
    html! {
        <Section title="Invite">
            <form class="form" method="post" action=Invite::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <Field label="E-mail" name="email" kind="email" autocomplete="off" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Select label="Role" name="role" choices=role_choices(mine) value=form.kept_or("role", "member")/>
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
