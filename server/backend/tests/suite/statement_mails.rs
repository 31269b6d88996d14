//! Statements by mail, through real SMTP conversations: once per month and recipient, each with the view of who gets it.

use crate::support::Server;
use backend::delivery::{self, Mailer};
use backend::{Error, projects, statements};
use chrono::Duration;
use domain::identity::Role;
use domain::problem::Problem;
use domain::statement::{StatementMails, parse_month};
use secrecy::SecretString;
use std::sync::Arc;
use testkit::SmtpSink;
use testkit::seed::Organization;

/// A server in November, with an organization whose team Growth spent in October and November.
async fn start() -> (Server, Organization) {
    let server = Server::at("2026-11-20T12:00:00Z").await;
    let acme = server.organization("Acme", "UTC").await;
    let growth = projects::NewTeam { name: "Growth".into(), slug: "growth".into(), cost_centre: String::new() };
    let growth = projects::create_team(&server.backend, &acme.owner, growth).await.unwrap();
    acme.project_of(growth.team_id, "ads").await;
    acme.spend_of("ads", "2026-10-10", "4").await;
    acme.spend_of("ads", "2026-11-10", "10").await;
    acme.spend("2026-11-11", "5").await;
    acme.member("ada@acme.example", Role::Viewer).await;
    acme.member("bob@acme.example", Role::Viewer).await;
    (server, acme)
}

async fn set(server: &Server, acme: &Organization, schedule: &str, recipients: &str) -> Result<(), Error> {
    let mails = StatementMails::read(schedule, recipients).unwrap();
    statements::set_mails(&server.backend, &acme.owner, &mails).await
}

/// Sends what is in the outbox; recipient, subject and text of the statements among it, in order.
async fn arrived(server: &Server, sink: &SmtpSink) -> Vec<(String, String, String)> {
    let mailer =
        Arc::new(Mailer::smtp_from(&SecretString::from(sink.url()), "Tallystick <tally@example.com>").unwrap());
    while delivery::deliver_due(&server.backend, &mailer).await.unwrap() > 0 {}
    let of_statement = |mail: &testkit::Mail| {
        let subject = mail.subject();
        subject.starts_with("Statement of").then(|| (mail.to[0].clone(), subject, mail.text()))
    };
    let mut mails: Vec<_> = sink.mails().iter().filter_map(of_statement).collect();
    mails.sort();
    mails
}

#[tokio::test]
async fn statements_are_mailed_once_when_the_month_is_over() {
    let ((server, acme), sink) = (start().await, SmtpSink::start().await);
    set(&server, &acme, "over", "ada@acme.example growth\nbob@acme.example").await.unwrap();
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 0, "October was over before");
    server.clock.advance(Duration::days(11));
    let other = server.another().await;
    let (one, two) = futures::join!(statements::send_due(&server.backend), statements::send_due(&other));
    assert_eq!(one.unwrap() + two.unwrap(), 2, "whatever servers look at once");
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 0);

    let mails = arrived(&server, &sink).await;
    let said: Vec<_> = mails.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
    assert_eq!(
        said,
        [
            ("ada@acme.example", "Statement of Growth, November 2026: $10.00"),
            ("bob@acme.example", "Statement of Acme, November 2026: $15.00"),
        ]
    );
    let text = &mails[0].2;
    for part in [
        "The month is not closed yet",
        "$10.00",
        "vs October 2026",
        "+$6.00",
        "ads/openai/",
        "https://tally.example.com/o/acme/statements/2026-11/team/growth",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("main/"), "another team's line: {text}");
    assert!(mails[1].2.contains("main/openai/"), "{}", mails[1].2);
}

#[tokio::test]
async fn closed_months_are_mailed_as_they_were_closed() {
    let ((server, acme), sink) = (start().await, SmtpSink::start().await);
    set(&server, &acme, "closed", "ada@acme.example growth").await.unwrap();
    server.clock.advance(Duration::days(12));
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 0, "over is not closed");
    let month = parse_month("2026-11").unwrap();
    statements::review(&server.backend, &acme.owner, month).await.unwrap();
    let total = statements::month(&server.backend, &acme.owner, month, false).await.unwrap().grand_total();
    statements::close(&server.backend, &acme.owner, month, total).await.unwrap();
    acme.spend_of("ads", "2026-11-30", "100").await;
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 1);
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 0);
    let mails = arrived(&server, &sink).await;
    let [(to, subject, text)] = &mails[..] else { panic!("one mail, not {mails:?}") };
    assert_eq!((to.as_str(), subject.as_str()), ("ada@acme.example", "Statement of Growth, November 2026: $10.00"));
    assert!(text.contains("this statement is final"), "{text}");
}

#[tokio::test]
async fn recipients_are_members_and_teams_and_those_who_leave_get_nothing() {
    let (server, acme) = start().await;
    let refused = set(&server, &acme, "over", "eve@evil.example\nada@acme.example nowhere").await;
    let problem = refused.unwrap_err().into_problem();
    let details: Vec<_> = problem.fields().iter().map(|field| field.detail.as_str()).collect();
    assert_eq!(details, ["There is no team nowhere.", "eve@evil.example is no member. Invite them as a viewer first."]);
    let viewer = acme.member("carl@acme.example", Role::Viewer).await;
    let mails = StatementMails::read("over", "").unwrap();
    let refused = statements::set_mails(&server.backend, &viewer, &mails).await.unwrap_err().into_problem();
    assert!(matches!(refused, Problem::Forbidden { .. }));

    set(&server, &acme, "over", "ada@acme.example\nbob@acme.example").await.unwrap();
    sqlx::query("delete from members using users where users.user_id = members.user_id and email = 'bob@acme.example'")
        .execute(&server.backend.pool)
        .await
        .unwrap();
    server.clock.advance(Duration::days(11));
    assert_eq!(statements::send_due(&server.backend).await.unwrap(), 1);
}
