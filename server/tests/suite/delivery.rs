//! `/dev/mail`: the mail of local mode, and what strangers see of budgets' pages.

use crate::support::TestApp;
use axum::http::StatusCode;
use backend::delivery::{self, Button, Letter, NewMail};
use domain::identity::Email;

#[tokio::test]
async fn local_mode_shows_its_mail_with_working_links() {
    let app = TestApp::start().await;
    let letter = Letter {
        title: "Verify your address".to_owned(),
        button: Some(Button {
            label: "Verify".to_owned(),
            url: "http://tallystick.test/verify-email?token=abc".to_owned(),
        }),
        ..Letter::default()
    };
    let rendered = letter.render().unwrap();
    let mail = NewMail {
        org_id: None,
        kind: "test",
        recipient: Email::parse("ada@example.com").unwrap(),
        subject: letter.title,
        text: rendered.text,
        html: rendered.html,
        alert_id: None,
    };
    let mut transaction = app.backend.pool.begin().await.unwrap();
    let mail_id = delivery::enqueue(&app.backend, &mut transaction, mail).await.unwrap();
    transaction.commit().await.unwrap();

    let page = app.anonymous().get("/dev/mail").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for words in ["Verify your address", "ada@example.com", "href=\"http://tallystick.test/verify-email?token=abc\""] {
        assert!(page.body.contains(words), "{words} missing in {}", page.body);
    }
    let html = app.anonymous().get(&format!("/dev/mail/{mail_id}")).await;
    assert_eq!(html.status, StatusCode::OK);
    assert!(html.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert_eq!(app.anonymous().get("/dev/mail/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_of_budgets_ask_strangers_to_sign_in() {
    let app = TestApp::start().await;
    app.organization("Acme", "UTC").await;
    for path in ["budgets", "budgets/new", "budgets/018f0000-0000-7000-8000-000000000000", "alerts"] {
        let page = app.anonymous().get(&format!("/o/acme/{path}")).await;
        assert_eq!(page.status, StatusCode::FOUND, "{path}: {}", page.body);
        let location = page.header("location").unwrap_or_default();
        assert!(
            location.starts_with("/sign-in?next=%2Fo%2Facme%2F") || location.starts_with("/sign-in?next=/o/acme/"),
            "{location}"
        );
    }
}
