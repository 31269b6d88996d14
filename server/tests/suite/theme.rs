//! The theme: a form without JavaScript, a cookie, a page drawn in it at once.

use crate::support::TestApp;
use axum::http::StatusCode;

#[tokio::test]
async fn the_chosen_theme_is_drawn_by_the_server() {
    let app = TestApp::start().await;
    let reader = app.anonymous();
    let root = |page: &str| page.split_once("<html").unwrap().1.split_once('>').unwrap().0.to_owned();
    assert!(!root(&reader.get("/sign-in").await.body).contains("data-theme"), "at first the system decides");

    for theme in ["dark", "light"] {
        let answer = reader.post_form("/fn/theme", &[("theme", theme)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with(&format!("theme={theme};")) && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(root(&reader.get("/sign-in").await.body).contains(&format!("data-theme=\"{theme}\"")));
    }

    for theme in ["system", "\"><script>"] {
        reader.post_form("/fn/theme", &[("theme", theme)]).await;
        assert!(!root(&reader.get("/sign-in").await.body).contains("data-theme"), "{theme} follows the system");
    }
}
