//! Members and invitations.

use super::api::{ChangeRole, Invite, Leave, RemoveMember, RevokeInvitation, load_members};
use super::settings::SettingsTabs;
use super::shell::use_org;
use super::views::Members;
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, Field, FormErrors, Loading, NoticeText, PageHead, Section, Select,
    Table, Tone, UrlNotice, loaded,
};
use domain::identity::{Belongings, Invitation, Member, Permission, Role};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;

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

/// All forms of the page.
#[derive(Clone, Copy)]
struct Forms {
    invite: Form<Invite>,
    revoke: Form<RevokeInvitation>,
    change: Form<ChangeRole>,
    remove: Form<RemoveMember>,
    leave: Form<Leave>,
}

/// `/o/{org}/settings/members`
#[component]
pub fn MembersPage() -> impl IntoView {
    let org = use_org();
    let forms =
        Forms { invite: use_form(), revoke: use_form(), change: use_form(), remove: use_form(), leave: use_form() };
    let data = loaded(move || org.get(), load_members);
    view! {
        <Title text="Members"/>
        <PageHead title="Settings"/>
        <SettingsTabs/>
        <UrlNotice known=&NOTICES/>
        <FormErrors errors=forms.revoke.errors()/>
        <FormErrors errors=forms.change.errors()/>
        <FormErrors errors=forms.remove.errors()/>
        <FormErrors errors=forms.leave.errors()/>
        <Suspense fallback=|| view! { <Loading what="members"/> }>
            {move || Suspend::new(async move {
                match data.await {
                    Ok(members) => page(&org.get_untracked(), members, forms.invite),
                    Err(error) => view! { <Failure what="members" error=error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn page(org: &str, data: Members, form: Form<Invite>) -> AnyView {
    let Members { me, role, members, belongings, invitations } = data;
    let may_manage = role.may(Permission::ManageMembers);
    let count = format::counted(i64::try_from(members.len()).unwrap_or(i64::MAX), "member");
    let rows = members
        .into_iter()
        .map(|(member, since)| {
            let mine = member.user_id == me;
            let ends = belongings.get(&member.user_id).copied().unwrap_or_default();
            view! {
                <tr>
                    <th scope="row">{member.email.to_string()}{mine.then(|| view! { " "<Badge tone=Tone::Accent>"you"</Badge> })}</th>
                    <td>{role_cell(org, &member, role, mine)}</td>
                    <td class="nowrap">{format::day_year(since)}</td>
                    <td class="end">{way_out(org, &member, ends, role, mine)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns =
        vec![Column::text("E-mail"), Column::text("Role"), Column::text("Since"), Column::text("Actions").hidden()];
    view! {
        <Section title="Members" note=count><Table caption="Members" columns=columns>{rows}</Table></Section>
        {may_manage.then(|| invite_section(org, role, invitations, form))}
        <RoleTable/>
    }
    .into_any()
}

fn role_choices(mine: Role) -> Vec<Choice> {
    let grantable = Role::ALL.into_iter().filter(|role| mine.may_grant(*role));
    grantable.map(|role| Choice::new(role.as_str(), role.as_str()).hint(role.description())).collect()
}

/// A list to choose from where the reader may change the role, a word elsewhere.
fn role_cell(org: &str, member: &Member, mine: Role, is_me: bool) -> AnyView {
    if is_me || !mine.may_grant(member.role) {
        return view! { {member.role.as_str()} }.into_any();
    }
    let id = format!("role-{}", member.user_id);
    let label = format!("Change the role of {}", member.email);
    view! {
        <form class="form-row" method="post" action=ChangeRole::url()>
            <input type="hidden" name="org" value=org.to_owned()/>
            <input type="hidden" name="member" value=member.user_id.to_string()/>
            <Select label="Role" name="role" id=id inline=true choices=role_choices(mine) value=member.role.as_str()/>
            <Button small=true attr:aria-label=label>"Change"</Button>
        </form>
    }
    .into_any()
}

/// With it go API keys, invitations and mail: said before.
fn way_out(org: &str, member: &Member, ends: Belongings, mine: Role, is_me: bool) -> AnyView {
    let ends = ends.describe();
    let ends = (!ends.is_empty()).then(|| view! { <span class="note note-below">{format!("ends {ends}")}</span> });
    if is_me {
        return view! {
            <form method="post" action=Leave::url()>
                <input type="hidden" name="org" value=org.to_owned()/>
                <Button small=true>"Leave"</Button>
                {ends}
            </form>
        }
        .into_any();
    }
    let label = format!("Remove {}", member.email);
    mine.may_grant(member.role)
        .then(|| {
            view! {
                <form method="post" action=RemoveMember::url()>
                    <input type="hidden" name="org" value=org.to_owned()/>
                    <input type="hidden" name="member" value=member.user_id.to_string()/>
                    <Button small=true attr:aria-label=label>"Remove"</Button>
                    {ends}
                </form>
            }
        })
        .into_any()
}

fn invite_section(
    org: &str,
    mine: Role,
    open: Vec<(Invitation, chrono::DateTime<chrono::FixedOffset>)>,
    form: Form<Invite>,
) -> AnyView {
    let rows = open
        .iter()
        .map(|(invitation, until)| {
            let label = format!("Revoke the invitation of {}", invitation.email);
            view! {
                <tr>
                    <th scope="row">{invitation.email.to_string()}</th>
                    <td>{invitation.role.as_str()}</td>
                    <td class="nowrap">{format::time(*until)}</td>
                    <td class="end">
                        <form method="post" action=RevokeInvitation::url()>
                            <input type="hidden" name="org" value=org.to_owned()/>
                            <input type="hidden" name="invitation" value=invitation.invitation_id.to_string()/>
                            <Button small=true attr:aria-label=label>"Revoke"</Button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![
        Column::text("E-mail"),
        Column::text("Role"),
        Column::text("Open until"),
        Column::text("Actions").hidden(),
    ];
    let org = org.to_owned();
    view! {
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
    .into_any()
}

/// Who may do what: drawn from the table that every door checks.
#[component]
fn RoleTable() -> impl IntoView {
    let columns = std::iter::once(Column::text("May"))
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
    view! { <Section title="What each role may do"><Table caption="What each role may do" columns=columns dense=true>{rows}</Table></Section> }
}
