//! Headers, policies and answers that hold for every address.

use crate::support::{Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};

#[tokio::test]
async fn pages_carry_a_policy_with_their_nonce_and_no_style_attribute() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert!(page.body.contains(&format!("nonce=\"{nonce}\"")), "the page's scripts carry its nonce");
    assert!(!page.body.contains(" style=\""), "a style attribute would be rejected by the policy");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("cache-control"), Some("no-store"), "a password is typed into it");
    let other = app.anonymous().get("/sign-in").await;
    assert_ne!(other.header("content-security-policy"), Some(policy), "every page has a nonce of its own");
}

/// While a page waits for its data, nothing that is answered meanwhile may take its headers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_keep_their_policy_while_files_are_served() {
    let app = TestApp::start().await;
    let owner = app.organization("Acme", "UTC").await;
    let member = app.anonymous();
    let form = [("email", owner.email.as_str()), ("password", testkit::seed::PASSWORD)];
    member.post_form("/fn/identity/sign-in", &form).await;
    let pages = (0..4).map(|_| async {
        for _ in 0..25 {
            let page = member.get("/o/acme/settings").await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.header("content-security-policy").unwrap().contains("'nonce-"), "a page without its policy");
        }
    });
    let files = (0..4).map(|_| async {
        for _ in 0..100 {
            let file = app.anonymous().get("/favicon.svg").await;
            assert_eq!(file.status, StatusCode::OK);
            assert!(!file.header("content-security-policy").unwrap().contains("nonce"), "a file with a page's policy");
        }
    });
    futures::join!(futures::future::join_all(pages), futures::future::join_all(files));
}

#[tokio::test]
async fn local_mode_answers_only_to_the_hosts_it_was_started_for() {
    let app = TestApp::start().await;
    let exposed = TestApp::client_over(&app.backend.clone().exposed(true));
    let status = async |client: &Client, host: &str, path: &str| {
        client.send(Method::GET, path, &[("host", host)], Body::empty()).await.status
    };
    for own in
        ["tallystick.test", "TALLYSTICK.test:3000", "localhost:3000", "127.0.0.1:3000", "127.0.0.1", "[::1]:3000"]
    {
        for client in [&app.anonymous(), &exposed] {
            assert_eq!(status(client, own, "/sign-in").await, StatusCode::OK, "{own}");
        }
        assert_eq!(status(&app.anonymous(), own, "/dev/mail").await, StatusCode::OK, "{own}");
    }
    for other in
        ["evil.example", "tallystick.test.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b"]
    {
        for path in ["/dev/mail", "/sign-in", "/v1/events", "/favicon.svg"] {
            for client in [&app.anonymous(), &exposed] {
                assert_eq!(status(client, other, path).await, StatusCode::MISDIRECTED_REQUEST, "{other} {path}");
            }
        }
    }
    // Other machines come by an address, and only where they may.
    assert_eq!(status(&app.anonymous(), "192.168.0.7:3000", "/sign-in").await, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(status(&exposed, "192.168.0.7:3000", "/sign-in").await, StatusCode::OK);
    let public = TestApp::public().await;
    assert_eq!(status(&public.anonymous(), "whatever.example", "/sign-in").await, StatusCode::OK, "its proxy decides");
}

#[tokio::test]
async fn mails_of_local_mode_are_for_signed_in_people_where_other_machines_come() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let exposed = TestApp::client_over(&app.backend.clone().exposed(true));
    exposed.post_form("/fn/identity/forgotten-password", &[("email", acme.email.as_str())]).await;
    let mail_id = backend::delivery::shown(&app.backend).await.unwrap()[0].mail_id;
    let (list, one) = ("/dev/mail".to_owned(), format!("/dev/mail/{mail_id}"));
    for path in [&list, &one] {
        assert!(app.anonymous().get(path).await.body.contains("reset-password?token="), "here it is shown");
        let refused = exposed.get(path).await;
        assert!(!refused.body.contains("reset-password?token="), "{path}: {}", refused.body);
        assert!(matches!(refused.status, StatusCode::FOUND | StatusCode::UNAUTHORIZED), "{path}: {}", refused.status);
    }
    let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
    exposed.post_form("/fn/identity/sign-in", &fields).await;
    for path in [&list, &one] {
        assert!(exposed.get(path).await.body.contains("reset-password?token="), "{path}");
    }
}

#[tokio::test]
async fn browsers_are_told_to_come_by_https_for_a_year() {
    let told = async |app: &TestApp| {
        let page = app.anonymous().get("/sign-in").await;
        page.header("strict-transport-security").map(str::to_owned)
    };
    let year = "max-age=31536000; includeSubDomains";
    assert_eq!(told(&TestApp::public().await).await.as_deref(), Some(year));
    assert_eq!(told(&TestApp::start().await).await, None, "local mode speaks http");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_askers_language() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/no-such-page").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("<html"), "a person gets a page");
    let api = app.anonymous().get("/v1/no-such-resource").await;
    assert_eq!(api.status, StatusCode::NOT_FOUND);
    assert_eq!(api.header("content-type"), Some("application/problem+json"));
    assert_eq!(api.json()["status"], 404);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_with_cookies_and_without() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    for cookie in [Some(("cookie", "tallystick=abc")), None] {
        for path in ["/fn/identity/sign-in", "/fn/identity/forgotten-password", "/o/acme/events/uploads"] {
            let post = async |from: &[(&str, &str)]| {
                let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
                headers.extend(cookie);
                headers.extend_from_slice(from);
                let answer = app.anonymous().send(Method::POST, path, &headers, Body::from(body.clone())).await;
                (answer.status, answer.header("set-cookie").is_some())
            };
            for elsewhere in [
                &[("sec-fetch-site", "cross-site")][..],
                &[("sec-fetch-site", "same-site")],
                &[("sec-fetch-site", "cross-site"), ("origin", "http://tallystick.test")],
                &[("origin", "https://evil.example")],
                &[("origin", "null")],
                // Neither header: not one of our pages.
                &[],
            ] {
                let refused = (StatusCode::FORBIDDEN, false);
                assert_eq!(post(elsewhere).await, refused, "{cookie:?} {path} {elsewhere:?}");
            }
            for ours in [("sec-fetch-site", "same-origin"), ("origin", "http://tallystick.test")] {
                assert_ne!(post(&[ours]).await.0, StatusCode::FORBIDDEN, "{cookie:?} {path} {ours:?}");
            }
        }
    }
    let signed_in: i64 =
        sqlx::query_scalar("select count(*) from sign_ins").fetch_one(&app.backend.pool).await.unwrap();
    assert_eq!(signed_in, 4, "those of our own pages");
    // Programs bring a key and no cookie, and say nothing of the kind.
    let events = app.api(&acme.key).post_json("/v1/events", &serde_json::json!([])).await;
    assert_ne!(events.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_description_and_its_page_need_nothing_from_outside() {
    let app = TestApp::start().await;
    let description = app.anonymous().get("/openapi.json").await.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"), "{}", description["openapi"]);
    let page = app.anonymous().get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script"), "the reference reads without scripts");
    for path in description["paths"].as_object().unwrap().keys() {
        assert!(page.body.contains(path.as_str()), "{path} is missing on /docs");
    }
    for link in page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(link.starts_with('/') || link.starts_with('#'), "{link} leaves the server");
    }
}
