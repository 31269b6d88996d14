//! Who gets mail: members, and who confirmed it by a link; and how much of it.

use super::*;
use backend::budgets::TestTo;
use backend::{Clock, delivery, identity};
use chrono::Duration;
use domain::budget::{BudgetChange, DeliveryState};
use domain::identity::Role;
use testkit::{Mail, seed};

/// The secret of the link in a mail that asks.
fn token(mail: &Mail) -> String {
    mail.link("/recipients/").rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn mail_goes_to_members_and_to_whoever_confirmed_it_once() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let org = server.organization("Acme", "UTC").await;
    let everybody = vec![email("owner@acme.example"), email("eve@example.com")];
    let asked = BudgetInput { recipients: everybody.clone(), ..input("100", &[50, 80, 100]) };
    let made = budgets::create(&server.backend, &org.owner, asked).await.unwrap();
    assert_eq!((&made.recipients, &made.unconfirmed[..]), (&everybody, &[email("eve@example.com")][..]));
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    assert_eq!(budgets::send_test(&server.backend, &org.owner, made.budget_id, TestTo::Recipients).await.unwrap(), 1);
    let told = async || {
        let alerts = ledger(&server.backend, &org.owner).await;
        let last = alerts.last().unwrap();
        last.deliveries.iter().map(|delivery| delivery.recipient.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["owner@acme.example"]);
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let to_eve: Vec<_> = sink.mails().into_iter().filter(|mail| mail.to == ["eve@example.com"]).collect();
    let [question] = &to_eve[..] else { panic!("one question and nothing else, not {to_eve:#?}") };
    assert_eq!(question.subject(), "Do you want budget alerts of Acme?");
    assert!(question.text().contains("owner@acme.example entered eve@example.com"), "{}", question.text());

    let link = token(question);
    let offer = budgets::recipient_offer(&server.backend, &org.slug, &link).await.unwrap();
    assert!(!offer.confirmed && offer.email == email("eve@example.com") && offer.organization == "Acme");
    let other = server.organization("Globex", "UTC").await;
    assert_eq!(problem(budgets::confirm_recipient(&server.backend, &other.slug, &link).await), Problem::NotFound);
    assert_eq!(problem(budgets::confirm_recipient(&server.backend, &org.slug, "nothing").await), Problem::NotFound);
    budgets::confirm_recipient(&server.backend, &org.slug, &link).await.unwrap();
    budgets::confirm_recipient(&server.backend, &org.slug, &link).await.unwrap();
    assert!(budgets::get(&server.backend, &org.owner, made.budget_id).await.unwrap().unconfirmed.is_empty());
    org.spend("2026-11-11", "25").await;
    evaluate(&server).await;
    assert_eq!(told().await, ["eve@example.com", "owner@acme.example"]);
    let audit = backend::audit::list(&server.backend, &org.owner, 20).await.unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "recipient.confirmed").count(), 1);

    // Of another organization they want nothing yet.
    let elsewhere = BudgetInput { recipients: everybody, ..input("100", &[50]) };
    let elsewhere = budgets::create(&server.backend, &other.owner, elsewhere).await.unwrap();
    assert_eq!(elsewhere.unconfirmed.len(), 2);
}

#[tokio::test]
async fn who_is_no_member_any_more_gets_no_mail() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let viewer = org.member("viewer@acme.example", Role::Viewer).await;
    let recipients = vec![email("viewer@acme.example")];
    let made = BudgetInput { recipients, ..input("100", &[50]) };
    budgets::create(&server.backend, &org.owner, made).await.unwrap();
    identity::remove_member(&server.backend, &org.owner, viewer.user_id().unwrap()).await.unwrap();
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    assert_eq!(mails(&server.backend).await, 0);
}

#[tokio::test]
async fn an_address_is_asked_once_a_day_and_not_by_everybody() {
    let server = Server::at(NOW).await;
    let org = server.organization("Acme", "UTC").await;
    let to_eve = async || {
        let count = "select count(*) from mails where kind = 'confirm_recipient' and recipient = 'eve@example.com'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&server.backend.pool).await.unwrap()
    };
    let asking = || BudgetInput { recipients: vec![email("eve@example.com")], ..input("100", &[50]) };
    let first = budgets::create(&server.backend, &org.owner, asking()).await.unwrap();
    budgets::create(&server.backend, &org.owner, asking()).await.unwrap();
    assert_eq!(to_eve().await, 1, "one question, however many budgets name her");
    server.clock.advance(Duration::hours(24));
    budgets::change(&server.backend, &org.owner, first.budget_id, BudgetChange::default()).await.unwrap();
    assert_eq!(to_eve().await, 2, "saving again after a day asks again");
    // Whoever has many organizations does not reach her more often.
    let mut refused = 0;
    for n in 0..4 {
        let other = server.organization(&format!("Other{n}"), "UTC").await;
        match budgets::create(&server.backend, &other.owner, asking()).await {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error.into_problem(), Problem::RateLimited { .. }));
                assert!(budgets::list(&server.backend, &other.owner).await.unwrap().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused >= 1 && to_eve().await <= 6, "{refused} refused");
}

/// One has alerts to write before it asks, the other has none: they take the same locks in the same order.
#[tokio::test]
async fn budgets_that_ask_the_same_address_at_once_wait_for_each_other() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    org.spend("2026-11-10", "60").await;
    for n in 0..10 {
        let recipients = vec![email("ada@example.com"), email(&format!("eve{n}@example.com"))];
        let crossed = BudgetInput { recipients: recipients.clone(), ..input("100", &[50]) };
        let quiet = BudgetInput { recipients, ..input("1000", &[50]) };
        let other = server.another().await;
        let (one, two) = tokio::join!(
            budgets::create(&server.backend, &org.owner, crossed),
            budgets::create(&other, &org.owner, quiet)
        );
        one.unwrap();
        two.unwrap();
    }
    let asked: i64 = sqlx::query_scalar("select count(*) from mails where kind = 'confirm_recipient'")
        .fetch_one(&server.backend.pool)
        .await
        .unwrap();
    assert_eq!(asked, 10, "each address once");
}

#[tokio::test]
async fn an_organization_mails_so_much_a_day_and_no_more() {
    let server = Server::at(NOW).await;
    let org = organization(&server, "Acme", "UTC").await;
    let budget = budget(&server, &org, "100", &[50]).await;
    sqlx::query(
        "insert into mails (mail_id, org_id, kind, recipient, subject, body_text, body_html, message_id, state, attempts,
                            next_attempt_at, created_at)
         select gen_random_uuid(), $1, 'x', 'x@example.com', '', '', '', 'x' || n, 'sent', 1, $2, $2
         from generate_series(1, $3) as n",
    )
    .bind(org.id().0)
    .bind(server.clock.now())
    .bind(delivery::MAILS_PER_DAY - 1)
    .execute(&server.backend.pool)
    .await
    .unwrap();
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let [alert] = &ledger(&server.backend, &org.owner).await[..] else { panic!("one row") };
    let states: Vec<_> = alert.deliveries.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Queued, DeliveryState::Failed], "the last one of the day, and one too many");
    assert!(alert.deliveries[1].answer.as_ref().unwrap().starts_with("Not sent"), "{alert:?}");
    let test = budgets::send_test(&server.backend, &org.owner, budget.budget_id, TestTo::Me).await;
    assert!(matches!(problem(test), Problem::RateLimited { .. }));
    let invited = identity::invite(&server.backend, &org.owner, "carol@example.com", Role::Viewer).await;
    assert!(matches!(problem(invited), Problem::RateLimited { .. }));
    let other = server.organization("Globex", "UTC").await;
    identity::invite(&server.backend, &other.owner, "carol@example.com", Role::Viewer).await.unwrap();
    server.clock.advance(Duration::days(1));
    identity::invite(&server.backend, &org.owner, "carol@example.com", Role::Viewer).await.unwrap();
}

#[tokio::test]
async fn names_in_mails_carry_no_links() {
    let server = Server::at(NOW).await;
    let org = seed::owned(&server.backend, "owner@acme.example", "Acme https://evil.example/org", "UTC").await;
    org.confirmed(&["ada@example.com"]).await;
    let named = BudgetInput { name: "Pay at evil.example/now".to_owned(), ..input("100", &[50]) };
    let asked = vec![email("ada@example.com"), email("eve@example.com")];
    budgets::create(&server.backend, &org.owner, BudgetInput { recipients: asked, ..named }).await.unwrap();
    identity::invite(&server.backend, &org.owner, "carol@example.com", Role::Viewer).await.unwrap();
    org.spend("2026-11-10", "60").await;
    evaluate(&server).await;
    let mails: Vec<(String, String, String)> = sqlx::query_as("select subject, body_text, body_html from mails")
        .fetch_all(&server.backend.pool)
        .await
        .unwrap();
    assert_eq!(mails.len(), 3);
    for (subject, text, html) in mails {
        assert!(!format!("{subject}{text}{html}").contains("evil.example"), "{subject}\n{text}");
    }
}
