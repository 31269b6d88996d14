//! Accounts, organizations and members through the pages, as a browser without JavaScript uses them.

use crate::support::{Answer, Client, TestApp};
use axum::http::StatusCode;
use backend::delivery;
use chrono::Duration;
use tokio_util::sync::CancellationToken;

const PASSWORD: &str = "four quite unrelated words";

impl Answer {
    /// Where the browser is sent.
    fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location").unwrap()
    }
}

/// The secret of the link that begins with `path`, from the newest mail to this address.
async fn link(app: &TestApp, to: &str, path: &str) -> String {
    let mails = delivery::shown(&app.backend).await.unwrap();
    let mail = mails.into_iter().find(|mail| mail.recipient == to).unwrap_or_else(|| panic!("no mail to {to}"));
    // What is sent after this is newer.
    app.clock.advance(Duration::seconds(1));
    let rest = mail.text.split(path).nth(1).unwrap_or_else(|| panic!("no {path} in {}", mail.text));
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn sign_in(browser: &Client, email: &str, password: &str) -> Answer {
    browser.post_form_from("/sign-in", "/fn/identity/sign-in", &[("email", email), ("password", password)]).await
}

/// A verified user who is signed in on a browser of their own.
async fn person(app: &TestApp, email: &str) -> Client {
    let browser = app.anonymous();
    browser.post_form_from("/sign-up", "/fn/identity/sign-up", &[("email", email), ("password", PASSWORD)]).await;
    let token = link(app, email, "/verify-email?token=").await;
    browser.post_form("/fn/identity/verify-email", &[("token", &token), ("password", PASSWORD)]).await;
    assert_eq!(sign_in(&browser, email, PASSWORD).await.location(), "/");
    browser
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(query).fetch_one(&app.backend.pool).await.unwrap()
}

#[tokio::test]
async fn the_way_from_sign_up_to_the_checklist() {
    let app = TestApp::start().await;
    let browser = app.anonymous();
    let home = browser.get("/").await;
    assert_eq!(home.status, StatusCode::OK);
    assert!(home.body.contains("href=\"/sign-up\"") && home.body.contains("href=\"/sign-in\""), "{}", home.body);
    let page = browser.get("/sign-up").await;
    assert!(
        page.body.contains("action=\"/fn/identity/sign-up\"") && page.body.contains("method=\"post\""),
        "{}",
        page.body
    );

    let fields = [("email", "Ada@Example.com"), ("password", PASSWORD)];
    let sent = browser.post_form_from("/sign-up", "/fn/identity/sign-up", &fields).await;
    assert_eq!(sent.location(), "/sign-up");
    let page = browser.get("/sign-up").await;
    assert!(page.body.contains("ada@example.com") && page.body.contains("/dev/mail"), "{}", page.body);
    assert!(!browser.get("/sign-up").await.body.contains("ada@example.com"), "said once");

    let early = sign_in(&browser, "ada@example.com", PASSWORD).await;
    assert_eq!(early.location(), "/sign-in");
    let page = browser.get("/sign-in").await;
    assert!(page.body.contains("Verify your e-mail address first") && page.body.contains("value=\"ada@example.com\""));
    assert!(!page.body.contains(PASSWORD), "a password never comes back");

    app.clock.advance(Duration::seconds(1));
    let token = link(&app, "ada@example.com", "/verify-email?token=").await;
    let page = browser.get(&format!("/verify-email?token={token}")).await;
    assert!(page.body.contains(&token));
    assert_eq!(sign_in(&browser, "ada@example.com", PASSWORD).await.location(), "/sign-in", "opening verifies nothing");
    let link = format!("/verify-email?token={token}");
    let verify = async |browser: &Client, password: &str| {
        let fields = [("token", token.as_str()), ("password", password)];
        browser.post_form_from(&link, "/fn/identity/verify-email", &fields).await
    };
    let asks = async |browser: &Client| browser.get(&link).await.body.contains("type=\"password\"");
    let other = app.anonymous();
    assert!(asks(&other).await && !asks(&browser).await, "the password is asked for elsewhere");
    for wrong in ["what somebody else entered", ""] {
        let refused = verify(&other, wrong).await;
        let page = other.get(refused.location()).await;
        assert!(page.body.contains("not the password that was entered"), "{}", page.body);
    }
    assert_eq!(other.get("/account").await.status, StatusCode::FOUND, "nobody is signed in by the link alone");
    assert_eq!(verify(&browser, "").await.location(), "/");
    assert_eq!(browser.cookie("tallystick-sign-up"), None);
    assert_eq!(browser.get("/").await.header("location"), Some("/organizations"));
    let page = browser.get("/organizations").await;
    assert!(page.body.contains("Create your organization") && page.body.contains("Asia/Kolkata"), "{}", page.body);
    let fields = [("name", "Acme"), ("time_zone", "Asia/Kolkata")];
    let made = browser.post_form_from("/organizations", "/fn/identity/create-organization", &fields).await;
    assert_eq!(made.location(), "/o/acme");

    let checklist = browser.get("/o/acme").await;
    assert_eq!(checklist.status, StatusCode::OK);
    let body = &checklist.body;
    assert!(body.contains("Three steps to your first number") && body.contains("Acme, Asia/Kolkata"), "{body}");
    let key = body.split("Bearer ").nth(1).unwrap().split('"').next().unwrap().split('&').next().unwrap();
    assert!(key.starts_with("tally_live_") && key.len() == 47, "{key}");
    assert!(browser.get("/o/acme?snippet=python").await.body.contains("urllib.request"));

    // The key works: the snippet's event arrives and the page becomes the Overview.
    let event = serde_json::json!({"provider": "openai", "model": "gpt-4o-mini", "usage": {"prompt_tokens": 1200, "completion_tokens": 350}});
    let answer = app.api(key).post_json("/v1/events", &event).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let overview = browser.get("/o/acme").await;
    assert!(!overview.body.contains("Three steps"), "{}", overview.body);
    assert_eq!(browser.get("/").await.header("location"), Some("/o/acme"));
}

#[tokio::test]
async fn what_is_not_there_keeps_the_frame_for_members_alone() {
    let app = TestApp::start().await;
    let (ada, eve) = (person(&app, "ada@example.com").await, person(&app, "eve@example.com").await);
    ada.post_form("/fn/identity/create-organization", &[("name", "Acme"), ("time_zone", "Asia/Calcutta")]).await;
    for path in ["/o/acme/nowhere", "/o/acme/prices/own/nowhere/at/all"] {
        let inside = ada.get(path).await;
        assert_eq!(inside.status, StatusCode::NOT_FOUND);
        assert!(
            inside.body.contains("href=\"/o/acme/budgets\"") && inside.body.contains("Not found"),
            "{}",
            inside.body
        );
        let outside = eve.get(path).await;
        assert_eq!(outside.status, StatusCode::NOT_FOUND);
        assert_eq!(without_nonce(&outside.body), without_nonce(&eve.get("/o/none/nowhere").await.body));
        assert!(app.anonymous().get(path).await.header("location").unwrap().starts_with("/sign-in?next="));
    }
    let slashed = ada.get("/o/acme/nowhere/").await;
    assert_eq!((slashed.status, slashed.header("location")), (StatusCode::PERMANENT_REDIRECT, Some("/o/acme/nowhere")));
    let settings = ada.get("/o/acme/settings").await;
    assert!(settings.body.contains("value=\"Asia/Kolkata (UTC+05:30)\""), "an old name is its present one");
    let changed = [
        ("org", "acme"),
        ("name", "Acme"),
        ("time_zone", "Asia/Kolkata (UTC+05:30)"),
        ("fiscal_year_start_month", "1"),
    ];
    let saved = ada.post_form("/fn/identity/update-organization", &changed).await;
    assert_eq!(saved.location(), "/o/acme/settings?notice=saved", "and no change");
}

#[tokio::test]
async fn guides_are_read_signed_out_with_the_address_of_this_server() {
    let app = TestApp::start().await;
    let reader = app.anonymous();
    let server = app.backend.public_url.as_ref();
    for guide in app::guides::GUIDES {
        let page = reader.get(&guide.path()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", guide.word);
        assert!(page.body.contains("<h1") && !page.body.contains(app::guides::EXAMPLE_SERVER), "{}", guide.word);
        assert!(!guide.is_snippet() || page.body.contains(server), "{}", guide.word);
    }
    assert_eq!(reader.get("/docs/guides/cobol").await.status, StatusCode::NOT_FOUND);
    let reference = reader.get("/docs").await.body;
    let at = |text: &str| reference.find(text).unwrap_or_else(|| panic!("no {text}"));
    let first = at("<h2 id=\"first-event\"");
    assert!(first < at("id=\"events\"") && at("id=\"events\"") < at("id=\"spend\""), "what one does first comes first");
    assert!(reference.contains(&format!("curl {server}/v1/events")) && reference.contains("/docs/guides/python"));
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_come_back() {
    let app = TestApp::start().await;
    person(&app, "ada@example.com").await;
    let browser = app.anonymous();
    let asked = browser.get("/o/acme/explore?group_by=model&period=7d").await;
    assert_eq!(asked.status, StatusCode::FOUND);
    let sign_in_page = asked.header("location").unwrap();
    assert_eq!(sign_in_page, "/sign-in?next=%2Fo%2Facme%2Fexplore%3Fgroup_by%3Dmodel%26period%3D7d");
    assert!(browser.get(sign_in_page).await.body.contains("value=\"/o/acme/explore?group_by=model&amp;period=7d\""));
    for (next, to) in [("/o/acme/explore", "/o/acme/explore"), ("//evil.example", "/"), ("https://evil.example", "/")] {
        let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.anonymous().post_form("/fn/identity/sign-in", &fields).await.location(), to);
    }
    assert!(!browser.get("/sign-in?next=//evil.example").await.body.contains("evil.example\""));
    for path in ["/account", "/organizations"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FOUND, "{path}");
    }
}

#[tokio::test]
async fn nobody_learns_whether_an_address_is_registered() {
    let app = TestApp::start().await;
    person(&app, "ada@example.com").await;
    // Bodies and redirects for a known and an unknown address, with the address itself taken out.
    for (page, door) in [
        ("/sign-up", "/fn/identity/sign-up"),
        ("/sign-in", "/fn/identity/sign-in"),
        ("/forgotten-password", "/fn/identity/forgotten-password"),
    ] {
        // The limits of the door before do not count here.
        app.clock.advance(Duration::hours(1));
        let mut answers = vec![];
        for email in ["ada@example.com", "eve@example.com"] {
            let browser = app.anonymous();
            let password = if door.ends_with("sign-in") { "not the right one" } else { "another long password" };
            let fields = [("email", email), ("password", password)];
            let posted = browser.post_form_from(page, door, &fields).await;
            let json = app.anonymous().post_json_like_wasm(door, &fields).await;
            let shown = browser.get(posted.location()).await;
            let body = without_nonce(&shown.body).replace(email, "ADDRESS");
            answers.push((
                posted.status,
                posted.location().to_owned(),
                json.status,
                json.body.replace(email, "ADDRESS"),
                body,
            ));
        }
        assert_eq!(answers[0], answers[1], "{door}");
    }
}

/// The page without what differs on every page.
fn without_nonce(body: &str) -> String {
    let Some(nonce) = body.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
        return body.to_owned();
    };
    body.replace(nonce, "NONCE")
}

impl Client {
    /// A form as our own wasm sends it.
    async fn post_json_like_wasm(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(axum::http::Method::POST, path, &headers, body.into()).await
    }
}

#[tokio::test]
async fn signing_in_changes_the_session_and_signing_out_ends_it() {
    let app = TestApp::start().await;
    let browser = person(&app, "ada@example.com").await;
    let first = browser.cookie("tallystick").unwrap();
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    sign_in(&browser, "ada@example.com", PASSWORD).await;
    let second = browser.cookie("tallystick").unwrap();
    assert_ne!(first, second, "a fresh id with every sign-in");
    assert_eq!(count(&app, "sign_ins").await, 1, "the one before has ended");
    let old = app.anonymous();
    let headers = [("accept", "text/html"), ("cookie", &format!("tallystick={first}"))];
    let refused = old.send(axum::http::Method::GET, "/account", &headers, axum::body::Body::empty()).await;
    assert_eq!(refused.status, StatusCode::FOUND);

    let out = browser.post_form("/fn/identity/sign-out", &[]).await;
    assert_eq!(out.location(), "/sign-in?notice=signed-out");
    assert_eq!(browser.cookie("tallystick"), None);
    assert_eq!(count(&app, "sign_ins").await, 0);
    assert_eq!(browser.get("/account").await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn the_cookie_is_as_strict_as_the_address_allows() {
    let app = TestApp::start().await;
    person(&app, "ada@example.com").await;
    let answer = sign_in(&app.anonymous(), "ada@example.com", PASSWORD).await;
    let cookie = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    let cookie = cookie.into_iter().find(|cookie| cookie.starts_with("tallystick=")).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=7776000"] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let public = TestApp::public().await;
    let email = public.organization("Acme", "UTC").await.email;
    let answer = sign_in(&public.anonymous(), &email, testkit::seed::PASSWORD).await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(
        cookies.iter().any(|cookie| cookie.starts_with("__Host-tallystick=") && cookie.contains("Secure")),
        "{cookies:?}"
    );
}

#[tokio::test]
async fn visitors_leave_no_rows() {
    let app = TestApp::start().await;
    let browser = app.anonymous();
    for path in ["/", "/sign-in", "/sign-up", "/forgotten-password", "/account", "/o/acme", "/verify-email?token=x"] {
        browser.get(path).await;
    }
    sign_in(&browser, "nobody@example.com", "wrong password").await;
    browser.get("/sign-in").await;
    assert_eq!(count(&app, "sign_ins").await, 0);
    assert_eq!(browser.cookie("tallystick"), None);
}

#[tokio::test]
async fn sign_ins_are_listed_and_ended() {
    let app = TestApp::start().await;
    let here = person(&app, "ada@example.com").await;
    let there = app.anonymous();
    sign_in(&there, "ada@example.com", PASSWORD).await;
    let page = here.get("/account").await;
    let id = page.body.split("name=\"sign_in\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(page.body.matches("name=\"sign_in\"").count(), 1, "the present one has no button");
    let stranger = person(&app, "eve@example.com").await;
    stranger.post_form_from("/account", "/fn/identity/revoke-sign-in", &[("sign_in", &id)]).await;
    assert_eq!(there.get("/account").await.status, StatusCode::OK, "not hers to end");
    let ended = here.post_form("/fn/identity/revoke-sign-in", &[("sign_in", &id)]).await;
    assert_eq!(ended.location(), "/account?notice=sign-in-ended");
    assert_eq!(there.get("/account").await.status, StatusCode::FOUND);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_is_changed_and_forgotten() {
    let app = TestApp::start().await;
    let here = person(&app, "ada@example.com").await;
    let there = app.anonymous();
    sign_in(&there, "ada@example.com", PASSWORD).await;
    let fields = [("current_password", "wrong"), ("new_password", "a completely new one")];
    let wrong = here.post_form_from("/account", "/fn/identity/change-password", &fields).await;
    assert!(here.get(wrong.location()).await.body.contains("This is not your password."));
    let fields = [("current_password", PASSWORD), ("new_password", "a completely new one")];
    let changed = here.post_form_from("/account", "/fn/identity/change-password", &fields).await;
    assert_eq!(changed.location(), "/account?notice=password-changed");
    assert_eq!(there.get("/account").await.status, StatusCode::FOUND);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);

    app.clock.advance(Duration::minutes(20));
    let browser = app.anonymous();
    browser
        .post_form_from("/forgotten-password", "/fn/identity/forgotten-password", &[("email", "ada@example.com")])
        .await;
    let token = link(&app, "ada@example.com", "/reset-password?token=").await;
    let fields = [("token", token.as_str()), ("password", "12345678")];
    let from = format!("/reset-password?token={token}");
    let common = browser.post_form_from(&from, "/fn/identity/reset-password", &fields).await;
    let page = browser.get(common.location()).await;
    assert!(page.body.contains("most used passwords") && page.body.contains(&token), "{}", page.body);
    let fields = [("token", token.as_str()), ("password", "yet another good one")];
    let set = browser.post_form_from(&from, "/fn/identity/reset-password", &fields).await;
    assert_eq!(set.location(), "/sign-in?notice=password-set");
    assert_eq!(here.get("/account").await.status, StatusCode::FOUND, "signed out everywhere");
    assert_eq!(sign_in(&browser, "ada@example.com", "yet another good one").await.location(), "/");
}

#[tokio::test]
async fn too_many_attempts_are_told_when_to_come_back() {
    let app = TestApp::start().await;
    let answers = {
        let mut answers = vec![];
        for _ in 0..12 {
            let fields = [("email", "ada@example.com"), ("password", "wrong password")];
            answers.push(app.anonymous().post_json_like_wasm("/fn/identity/sign-in", &fields).await);
        }
        answers
    };
    assert_eq!(answers[9].status, StatusCode::BAD_REQUEST);
    assert_eq!(answers[11].status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answers[11].header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn a_browser_that_signed_in_before_is_not_locked_out() {
    let app = TestApp::start().await;
    let known = person(&app, "ada@example.com").await;
    known.post_form("/fn/identity/sign-out", &[]).await;
    assert!(known.cookie("tallystick-device").is_some(), "it stays when she signs out");
    for _ in 0..12 {
        sign_in(&app.anonymous(), "ada@example.com", "wrong password").await;
    }
    let stranger = app.anonymous();
    assert_eq!(sign_in(&stranger, "ada@example.com", PASSWORD).await.location(), "/sign-in");
    assert_eq!(sign_in(&known, "ada@example.com", PASSWORD).await.location(), "/");
}

#[tokio::test]
async fn invitations_bring_new_and_known_people_in() {
    let app = TestApp::start().await;
    let owner = person(&app, "ada@example.com").await;
    owner.post_form("/fn/identity/create-organization", &[("name", "Acme"), ("time_zone", "UTC")]).await;
    let invite = async |email: &str, role: &str| {
        let fields = [("org", "acme"), ("email", email), ("role", role)];
        let sent = owner.post_form_from("/o/acme/settings/members", "/fn/identity/invite", &fields).await;
        assert_eq!(sent.location(), "/o/acme/settings/members?notice=invited");
        link(&app, email, "/invitations/acme/").await
    };
    // Somebody new: a password is all it takes.
    let token = invite("bob@example.com", "finance").await;
    let bob = app.anonymous();
    let page = bob.get(&format!("/invitations/acme/{token}")).await;
    assert!(page.body.contains("Join Acme") && page.body.contains("Create account and accept"), "{}", page.body);
    let fields = [("org", "acme"), ("token", token.as_str()), ("password", PASSWORD)];
    assert_eq!(bob.post_form("/fn/identity/accept-as-new", &fields).await.location(), "/o/acme");
    assert_eq!(bob.get("/o/acme/settings/members").await.status, StatusCode::OK);
    assert!(bob.get(&format!("/invitations/acme/{token}")).await.body.contains("not open"));

    // Somebody known: sign in, then accept. The link is nobody else's.
    let carol = person(&app, "carol@example.com").await;
    let token = invite("carol@example.com", "viewer").await;
    let path = format!("/invitations/acme/{token}");
    let page = app.anonymous().get(&path).await;
    assert!(
        page.body.contains("Sign in to accept") && page.body.contains("next=%2Finvitations%2Facme%2F"),
        "{}",
        page.body
    );
    assert!(bob.get(&path).await.body.contains("You are signed in as"));
    let fields = [("org", "acme"), ("token", token.as_str())];
    let stolen = bob.post_form_from(&path, "/fn/identity/accept-invitation", &fields).await;
    assert_eq!(stolen.location(), path);
    assert_eq!(carol.post_form("/fn/identity/accept-invitation", &fields).await.location(), "/o/acme");

    // A viewer sees members but changes nothing; the audit log is not for viewers.
    let page = carol.get("/o/acme/settings/members").await;
    assert!(page.body.contains("bob@example.com") && !page.body.contains("/fn/identity/invite\""), "{}", page.body);
    assert!(carol.get("/o/acme/settings/audit").await.body.contains("Your role does not allow you"));
    let fields = [("org", "acme"), ("email", "eve@example.com"), ("role", "owner")];
    let refused = carol.post_json_like_wasm("/fn/identity/invite", &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(owner.get("/o/acme/settings/audit").await.body.contains("carol@example.com joined as viewer."));

    // Removed, they are strangers again.
    let page = owner.get("/o/acme/settings/members").await;
    let row = page.body.split("Remove bob@example.com").next().unwrap();
    let id = row.rsplit("name=\"member\" value=\"").next().unwrap().split('"').next().unwrap().to_owned();
    let removed = owner.post_form("/fn/identity/remove-member", &[("org", "acme"), ("member", &id)]).await;
    assert_eq!(removed.location(), "/o/acme/settings/members?notice=removed");
    let gone = bob.get("/o/acme").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(!gone.body.contains("Acme"), "{}", gone.body);
}

#[tokio::test]
async fn the_last_owner_cannot_leave_and_is_told_so() {
    let app = TestApp::start().await;
    let owner = person(&app, "ada@example.com").await;
    owner.post_form("/fn/identity/create-organization", &[("name", "Acme"), ("time_zone", "UTC")]).await;
    let left = owner.post_form_from("/o/acme/settings/members", "/fn/identity/leave", &[("org", "acme")]).await;
    assert_eq!(left.location(), "/o/acme/settings/members");
    assert!(owner.get(left.location()).await.body.contains("An organization needs an owner."));
}

#[tokio::test]
async fn settings_change_delete_and_restore_the_organization() {
    let app = TestApp::start().await;
    let owner = person(&app, "ada@example.com").await;
    owner.post_form("/fn/identity/create-organization", &[("name", "Acme"), ("time_zone", "UTC")]).await;
    let settings = "/o/acme/settings";
    let fields = [("org", "acme"), ("name", " "), ("time_zone", "Mars/Olympus"), ("fiscal_year_start_month", "4")];
    let wrong = owner.post_form_from(settings, "/fn/identity/update-organization", &fields).await;
    let page = owner.get(wrong.location()).await;
    assert!(page.body.contains("Enter a name.") && page.body.contains("Choose a time zone"), "{}", page.body);
    let fields = [("org", "acme"), ("name", "Acme 2"), ("time_zone", "Asia/Kolkata"), ("fiscal_year_start_month", "4")];
    let saved = owner.post_form_from(settings, "/fn/identity/update-organization", &fields).await;
    assert_eq!(saved.location(), "/o/acme/settings?notice=saved");
    let page = owner.get(saved.location()).await.body;
    assert!(
        page.contains("Acme 2") && page.contains("value=\"Asia/Kolkata (UTC+05:30)\" autocomplete"),
        "nothing is recorded yet: {page}"
    );

    let wrong = owner
        .post_form_from(settings, "/fn/identity/delete-organization", &[("org", "acme"), ("typed_name", "Acme")])
        .await;
    assert!(owner.get(wrong.location()).await.body.contains("Type the name exactly"));
    let delete = [("org", "acme"), ("typed_name", "Acme 2")];
    let marked = owner.post_form_from(settings, "/fn/identity/delete-organization", &delete).await;
    assert_eq!(marked.location(), "/o/acme/settings?notice=deletion");
    let warning = "This organization will be deleted on Nov 27, 15:11.";
    for page in [marked.location(), "/o/acme"] {
        let page = owner.get(page).await.body;
        assert!(page.contains(warning) && page.contains("/fn/identity/restore-organization"), "{page}");
    }
    assert!(owner.get("/organizations").await.body.contains("will be deleted"));
    let mails = delivery::shown(&app.backend).await.unwrap();
    let told = mails.iter().find(|mail| mail.subject == "Acme 2 will be deleted in 7 days").unwrap();
    assert!(told.recipient == "ada@example.com" && told.text.contains("/o/acme/settings"), "{}", told.text);

    let restored = owner.post_form_from("/o/acme", "/fn/identity/restore-organization", &[("org", "acme")]).await;
    assert_eq!(restored.location(), "/o/acme/settings?notice=restored");
    assert!(!owner.get("/o/acme").await.body.contains(warning));
    owner.post_form_from(settings, "/fn/identity/delete-organization", &delete).await;
    app.clock.advance(Duration::days(7));
    let late = owner.post_form_from("/o/acme", "/fn/identity/restore-organization", &[("org", "acme")]).await;
    assert!(owner.get(late.location()).await.body.contains("It is too late"));
    backend::identity::delete_due(&app.backend, &CancellationToken::new()).await.unwrap();
    assert_eq!(owner.get("/o/acme").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn settings_say_how_far_a_change_of_the_zone_is() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let events: Vec<_> = (1..=9)
        .map(|day| {
            serde_json::json!({"timestamp": format!("2026-11-{day:02}T12:00:00Z"), "provider": "openai", "model": "gpt-4o-mini",
                "usage": {"prompt_tokens": 12, "completion_tokens": 3}})
        })
        .collect();
    assert_eq!(app.api(&acme.key).post_json("/v1/events", &serde_json::json!(events)).await.status, StatusCode::OK);
    let owner = app.anonymous();
    sign_in(&owner, &acme.email, testkit::seed::PASSWORD).await;
    let (settings, update) = ("/o/acme/settings", "/fn/identity/update-organization");
    let change =
        |zone: &'static str| [("org", "acme"), ("name", "Acme"), ("time_zone", zone), ("fiscal_year_start_month", "1")];
    assert_eq!(
        owner.post_form_from(settings, update, &change("Asia/Kolkata")).await.location(),
        "/o/acme/settings?notice=saved"
    );
    let page = owner.get(settings).await.body;
    assert!(page.contains("Changing to Asia/Kolkata: 4 of 9 days counted."), "{page}");
    let second = owner.post_form_from(settings, update, &change("Europe/Berlin")).await;
    assert!(owner.get(second.location()).await.body.contains("Wait until that is done."));
    let scope = &acme.scope;
    while backend::identity::advance_zone_change(&app.backend, scope).await.unwrap() {}
    let page = owner.get(settings).await.body;
    assert!(
        !page.contains("Changing to") && page.contains("value=\"Asia/Kolkata (UTC+05:30)\" autocomplete"),
        "{page}"
    );
}

#[tokio::test]
async fn a_key_of_an_organization_that_will_be_deleted_records_nothing() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let owner = app.anonymous();
    sign_in(&owner, &acme.email, testkit::seed::PASSWORD).await;
    owner.post_form("/fn/identity/delete-organization", &[("org", "acme"), ("typed_name", "Acme")]).await;
    let key = app.api(&acme.key);
    let event = serde_json::json!({"provider": "openai", "model": "gpt-4o-mini", "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
    for path in ["/v1/events", "/v1/ingest/litellm", "/v1/ingest/cloudevents"] {
        let refused = key.post_json(path, &event).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.body);
        assert!(refused.body.contains("will be deleted on Nov 27, 2026"), "{path}: {}", refused.body);
    }
    let read = key.get("/v1/organization").await;
    assert_eq!(read.json()["deletes_at"], "2026-11-27T09:41:07Z", "reading goes on");
    owner.post_form("/fn/identity/restore-organization", &[("org", "acme")]).await;
    assert_eq!(key.post_json("/v1/events", &event).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_deleted_organization_takes_its_events_along() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let globex = app.organization("Globex", "UTC").await;
    for tenant in [&acme, &globex] {
        let good = serde_json::json!({"provider": "openai", "model": "gpt-4o-mini", "usage": {"prompt_tokens": 12, "completion_tokens": 3},
            "customer": "c1", "tags": {"a": "b"}});
        let bad = serde_json::json!({"provider": "openai", "model": "gpt-4o-mini", "usage": {}, "project": "nope"});
        let unpriced = serde_json::json!({"provider": "openai", "model": "no-such-model", "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
        let answer = app.api(&tenant.key).post_json("/v1/events", &serde_json::json!([good, bad, unpriced])).await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.body);
    }
    let before = rows(&app, &globex).await;
    for table in [
        "events",
        "event_ids",
        "rejected_events",
        "rollup_quarter",
        "rollup_day",
        "rollup_label_day",
        "rollup_meter_day",
        "rollup_coarse_day",
        "rollup_coarse_label_day",
        "rollup_coarse_meter_day",
        "rollup_version",
        "newest_events",
    ] {
        assert!(
            before.iter().any(|(name, count)| name == table && *count > 0),
            "{table} has nothing to delete: {before:?}"
        );
    }
    let user_id: uuid::Uuid = sqlx::query_scalar("select user_id from users where email = $1")
        .bind(&acme.email)
        .fetch_one(&app.backend.pool)
        .await
        .unwrap();
    let owner = backend::identity::scope_in(&app.backend, user_id.into(), acme.scope.org_id()).await.unwrap();
    backend::identity::delete_organization(&app.backend, &owner, "Acme").await.unwrap();
    app.clock.advance(Duration::days(7));
    assert_eq!(backend::identity::delete_due(&app.backend, &CancellationToken::new()).await.unwrap(), 1);
    let left: Vec<_> = rows(&app, &acme).await.into_iter().filter(|(_, count)| *count > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(rows(&app, &globex).await, before);
    let refused = app.api(&acme.key).post_json("/v1/events", &serde_json::json!([])).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// Rows of the organization in every table that has organizations, from the catalogue and not from memory.
async fn rows(app: &TestApp, tenant: &crate::support::Tenant) -> Vec<(String, i64)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         join pg_attribute on attrelid = pg_class.oid and attname = 'org_id' and not attisdropped
         where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
         order by 1",
    )
    .fetch_all(&app.backend.pool)
    .await
    .unwrap();
    let mut counts = vec![];
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from \"{table}\" where org_id = $1"));
        let count = sqlx::query_scalar(query).bind(tenant.scope.org_id().0).fetch_one(&app.backend.pool).await.unwrap();
        counts.push((table, count));
    }
    counts
}
