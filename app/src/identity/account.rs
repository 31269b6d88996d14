//! A person's account: sign-ins and password.

use super::api::{ChangePassword, RevokeOtherSignIns, RevokeSignIn, SignOut};
use super::sign_up::PASSWORD_HINT;
use crate::caller::SignedIn;
use crate::form::Posted;
use crate::format;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{
    Badge, Button, ButtonKind, Field, FormErrors, NoticeText, PageHead, Section, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::{SignIn, User};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 3] = [
    NoticeText {
        code: "password-changed",
        tone: Tone::Good,
        text: "Your password is changed. Other sign-ins have ended.",
    },
    NoticeText { code: "sign-in-ended", tone: Tone::Good, text: "The sign-in has ended." },
    NoticeText { code: "sign-ins-ended", tone: Tone::Good, text: "All other sign-ins have ended." },
];

/// The signed-in person's.
pub(crate) async fn account(_: Address) -> Drawn {
    let SignedIn { user, sign_in_id, backend } = SignedIn::or_sign_in().await?;
    let sign_ins = backend::identity::list_sign_ins(&backend, user.user_id, sign_in_id).await?;
    Ok(Page::new("Account", draw(&user, sign_ins)))
}

fn draw(user: &User, sign_ins: Vec<SignIn>) -> AnyView {
    let form = Posted::<ChangePassword>::here();
    let several = sign_ins.len() > 1;
    let rows = sign_ins.into_iter().map(row).collect_view();
    let columns = columns("Browser | Address | Since (UTC) | Last used (UTC) | Actions ~");
    let email = user.email.to_string();
    html! {
        <Plain wide=true corner=Box::new(|| html! { <a href="/">"Back to the organization"</a> })>
            <PageHead title="Account" lead=email/>
            <UrlNotice known=&NOTICES/>
            <Section title="Sign-ins" note="end after 14 days without use">
                <Table caption="Your sign-ins" columns=columns>{rows}</Table>
                <div class="actions">
                    {several.then(|| view! {
                        <form method="post" action=RevokeOtherSignIns::url()><Button>"End all others"</Button></form>
                    })}
                    <form method="post" action=SignOut::url()><Button>"Sign out here"</Button></form>
                </div>
            </Section>
            <Section title="Password">
                <form class="form" method="post" action=ChangePassword::url()>
                    <FormErrors errors=form.errors()/>
                    <Field label="Current password" name="current_password" kind="password" autocomplete="current-password" maxlength=256
                        error=form.error("current_password")/>
                    <Field label="New password" name="new_password" kind="password" autocomplete="new-password" minlength=8 maxlength=256
                        hint=PASSWORD_HINT error=form.error("new_password")/>
                    <div class="actions"><Button kind=ButtonKind::Primary>"Change password"</Button></div>
                </form>
            </Section>
        </Plain>
    }
}

fn row(sign_in: SignIn) -> AnyView {
    let utc = |at: chrono::DateTime<chrono::Utc>| format::time(at.fixed_offset());
    let browser = browser_of(&sign_in.user_agent);
    let label = format!("End the sign-in of {browser} of {}", utc(sign_in.created_at));
    html! {
        <tr>
            <th scope="row" title=sign_in.user_agent.clone()>
                {browser}
                {sign_in.current.then(|| view! { " "<Badge tone=Tone::Accent>"this one"</Badge> })}
            </th>
            <td>{sign_in.address}</td>
            <td class="nowrap">{utc(sign_in.created_at)}</td>
            <td class="nowrap">{utc(sign_in.last_seen_at)}</td>
            <td class="end">
                {(!sign_in.current).then(|| view! {
                    <form method="post" action=RevokeSignIn::url()>
                        <input type="hidden" name="sign_in" value=sign_in.sign_in_id.to_string()/>
                        <Button small=true attr:aria-label=label>"End"</Button>
                    </form>
                })}
            </td>
        </tr>
    }
}

/// "Firefox on Linux" from what a browser says about itself; good enough to recognise one's own.
fn browser_of(user_agent: &str) -> String {
    // Order matters: Edge says Chrome too, and Chrome says Safari.
    let names =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |list: &[(&str, &'static str)]| list.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name);
    match (find(&names), find(&systems)) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, _) if user_agent.is_empty() => "Unknown browser".to_owned(),
        (None, _) => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_of;

    #[test]
    fn browsers_are_recognised() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        assert_eq!(browser_of(chrome), "Chrome on Linux");
        assert_eq!(browser_of(&format!("{chrome} Edg/131.0")), "Edge on Linux");
        assert_eq!(
            browser_of("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Firefox/132.0"),
            "Firefox on macOS"
        );
        assert_eq!(browser_of(""), "Unknown browser");
        assert_eq!(browser_of("curl/8.0"), "curl/8.0");
    }
}
