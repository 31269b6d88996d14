//! The outbox through real SMTP conversations that go well, badly, and nowhere.

use crate::support::{Server, email};
use backend::delivery::{self, Mailer, NewMail};
use backend::{Backend, Clock};
use chrono::{DateTime, Duration, Utc};
use domain::ids::MailId;
use secrecy::SecretString;
use sqlx::Row;
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::{Mood, SmtpSink};
use tokio_util::sync::CancellationToken;

const NOW: &str = "2026-11-20T09:00:00Z";

fn mail(recipient: &str, subject: &str) -> NewMail {
    NewMail {
        org_id: None,
        kind: "test",
        recipient: email(recipient),
        subject: subject.to_owned(),
        text: "Grüße in plain words.\n.\nA line with a single dot above.".to_owned(),
        html: "<p>Grüße in HTML.</p>".to_owned(),
        alert_id: None,
    }
}

async fn enqueue(backend: &Backend, recipient: &str) -> MailId {
    let mut transaction = backend.pool.begin().await.unwrap();
    let mail_id = delivery::enqueue(backend, &mut transaction, mail(recipient, "Your budget")).await.unwrap();
    transaction.commit().await.unwrap();
    mail_id
}

fn mailer(sink: &SmtpSink) -> Arc<Mailer> {
    mailer_to(&sink.url())
}

fn mailer_to(url: &str) -> Arc<Mailer> {
    Arc::new(Mailer::smtp_from(&SecretString::from(url), "Tallystick <tally@example.com>").unwrap())
}

/// A mailer that soon loses patience, so that a stalled server need not be waited for.
fn hasty(sink: &SmtpSink) -> Arc<Mailer> {
    let patience = std::time::Duration::from_millis(300);
    Arc::new(Mailer::with_timeout(&SecretString::from(sink.url()), "tally@example.com", patience).unwrap())
}

#[derive(Debug)]
struct Stored {
    state: String,
    attempts: i32,
    answer: Option<String>,
    message_id: String,
    next_attempt_at: DateTime<Utc>,
}

async fn stored(backend: &Backend, mail_id: MailId) -> Stored {
    let row =
        sqlx::query("select * from mails where mail_id = $1").bind(mail_id.0).fetch_one(&backend.pool).await.unwrap();
    Stored {
        state: row.get("state"),
        attempts: row.get("attempts"),
        answer: row.get("last_answer"),
        message_id: row.get("message_id"),
        next_attempt_at: row.get("next_attempt_at"),
    }
}

#[tokio::test]
async fn a_mail_arrives_in_both_parts_and_the_answer_is_kept() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 1);
    let kept = stored(&server.backend, mail_id).await;
    assert_eq!((kept.state.as_str(), kept.attempts), ("sent", 1));
    assert_eq!(kept.answer.as_deref(), Some("250 2.0.0 queued as 1"));
    let [arrived] = &sink.mails()[..] else { panic!("one mail, not {:#?}", sink.mails()) };
    assert_eq!((arrived.from.as_str(), &arrived.to[..]), ("tally@example.com", &["ada@example.com".to_owned()][..]));
    assert_eq!(arrived.subject(), "Your budget");
    assert_eq!(arrived.header("Message-ID"), Some(kept.message_id));
    assert_eq!(arrived.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(arrived.header("Date").as_deref(), Some("Fri, 20 Nov 2026 09:00:00 +0000"));
    assert!(arrived.text().contains("Grüße in plain words.\n.\nA line"), "{}", arrived.text());
    assert!(arrived.html().contains("Grüße in HTML."), "{}", arrived.html());
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 0);
}

/// Everything that is stored of it.
async fn row(backend: &Backend, mail_id: MailId) -> Option<String> {
    let row = sqlx::query_scalar("select mails::text from mails where mail_id = $1").bind(mail_id.0);
    row.fetch_optional(&backend.pool).await.unwrap()
}

#[tokio::test]
async fn no_secret_stays_once_a_mail_is_sent_or_given_up() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let backend = &server.backend;
    let secret = async |mood: Mood| {
        sink.set_mood(mood);
        let mail_id = enqueue(backend, "ada@example.com").await;
        assert!(row(backend, mail_id).await.unwrap().contains("plain words"), "it has to be sent yet");
        delivery::deliver_due(backend, &mailer(&sink)).await.unwrap();
        let left = row(backend, mail_id).await.unwrap();
        left.contains("plain words") || left.contains("in HTML")
    };
    assert!(!secret(Mood::Accept).await, "sent");
    assert!(!secret(Mood::RefuseForGood).await, "refused");
    assert!(secret(Mood::RefuseForNow).await, "it is tried again with its text");
    loop {
        let due: Option<DateTime<Utc>> =
            sqlx::query_scalar("select min(next_attempt_at) from mails where state = 'queued'")
                .fetch_one(&backend.pool)
                .await
                .unwrap();
        let Some(due) = due else { break };
        server.clock.set(due);
        delivery::deliver_due(backend, &mailer(&sink)).await.unwrap();
    }
    let bodies: i64 = sqlx::query_scalar("select count(*) from mails where body_text <> '' or body_html <> ''")
        .fetch_one(&backend.pool)
        .await
        .unwrap();
    assert_eq!(bodies, 0, "given up");
}

#[tokio::test]
async fn mails_are_forgotten_after_90_days() {
    let server = Server::at(NOW).await;
    let old = enqueue(&server.backend, "ada@example.com").await;
    server.clock.advance(Duration::days(delivery::KEPT_DAYS));
    assert_eq!(delivery::forget_old(&server.backend).await.unwrap(), 0, "on the day itself");
    let young = enqueue(&server.backend, "bob@example.com").await;
    server.clock.advance(Duration::seconds(1));
    assert_eq!(delivery::forget_old(&server.backend).await.unwrap(), 1);
    assert!(row(&server.backend, old).await.is_none() && row(&server.backend, young).await.is_some());
}

#[tokio::test]
async fn a_mail_of_a_rolled_back_transaction_does_not_exist() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let mut transaction = server.backend.pool.begin().await.unwrap();
    delivery::enqueue(&server.backend, &mut transaction, mail("ada@example.com", "no")).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 0);
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_refused_recipient_fails_at_once() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::RefuseForGood);
    let mail_id = enqueue(&server.backend, "nobody@example.com").await;
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let kept = stored(&server.backend, mail_id).await;
    assert_eq!((kept.state.as_str(), kept.attempts), ("failed", 1));
    assert_eq!(kept.answer.as_deref(), Some("550 5.1.1 no such mailbox"));
    server.clock.advance(Duration::days(2));
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_deferred_mail_is_tried_again_with_the_same_message_id() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::RefuseForNow);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    let first = stored(&server.backend, mail_id).await;
    assert_eq!((first.state.as_str(), first.attempts), ("queued", 1));
    assert_eq!(first.answer.as_deref(), Some("451 4.3.0 try again later"));
    assert_eq!(first.next_attempt_at, server.clock.now() + Duration::seconds(5));
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 0, "not before it is due");
    server.clock.advance(Duration::seconds(5));
    sink.set_mood(Mood::Accept);
    assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 1);
    let second = stored(&server.backend, mail_id).await;
    assert_eq!((second.state.as_str(), second.attempts), ("sent", 2));
    assert_eq!(sink.mails()[0].header("Message-ID"), Some(first.message_id));
}

#[tokio::test]
async fn a_mail_that_is_deferred_for_a_day_is_given_up() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::RefuseForNow);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    let start = server.clock.now();
    while stored(&server.backend, mail_id).await.state == "queued" {
        assert_eq!(delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap(), 1);
        server.clock.set(stored(&server.backend, mail_id).await.next_attempt_at);
    }
    let kept = stored(&server.backend, mail_id).await;
    assert_eq!((kept.state.as_str(), kept.attempts), ("failed", 11));
    assert!((server.clock.now() - start) <= Duration::days(1) && sink.attempts() == 11, "{kept:?}");
}

#[tokio::test]
async fn a_server_that_stalls_is_left_and_tried_again() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::Stall);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    delivery::deliver_due(&server.backend, &hasty(&sink)).await.unwrap();
    let kept = stored(&server.backend, mail_id).await;
    assert_eq!((kept.state.as_str(), kept.attempts), ("queued", 1));
    assert_eq!(kept.answer.as_deref(), Some("The mail server did not answer within 0.3 s."));
    server.clock.advance(Duration::seconds(5));
    sink.set_mood(Mood::Accept);
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    assert_eq!(stored(&server.backend, mail_id).await.state, "sent");
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn a_server_that_dies_in_mid_conversation_may_get_a_second_copy_that_is_recognised() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::HangUp);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    assert_eq!(stored(&server.backend, mail_id).await.state, "queued");
    server.clock.advance(Duration::seconds(5));
    sink.set_mood(Mood::Accept);
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    assert_eq!(stored(&server.backend, mail_id).await.state, "sent");
    let ids: Vec<_> = sink.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_mail_server_that_is_away_or_speaks_no_tls_is_tried_again() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let address = sink.url().replace("smtp://", "");
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    let wrong = [format!("smtps://{address}"), format!("smtp+starttls://{address}"), "smtp://127.0.0.1:9".to_owned()];
    for (attempts, url) in (1..).zip(&wrong) {
        delivery::deliver_due(&server.backend, &mailer_to(url)).await.unwrap();
        let kept = stored(&server.backend, mail_id).await;
        assert_eq!((kept.state.as_str(), kept.attempts), ("queued", attempts), "{url}: {kept:?}");
        assert!(kept.answer.is_some_and(|answer| !answer.is_empty()), "{url}");
        server.clock.set(kept.next_attempt_at);
    }
}

/// The sink takes passwords, and knows no TLS: so does somebody who sits in between and takes STARTTLS out.
#[tokio::test]
async fn a_password_never_travels_without_tls() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    let address = sink.url().replace("smtp://", "");
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    for url in [format!("smtp://user:password@{address}"), format!("smtp+starttls://user:password@{address}")] {
        delivery::deliver_due(&server.backend, &mailer_to(&url)).await.unwrap();
        let kept = stored(&server.backend, mail_id).await;
        assert_eq!((kept.state.as_str(), sink.passwords(), sink.mails().len()), ("queued", 0, 0), "{url}: {kept:?}");
        server.clock.set(kept.next_attempt_at);
    }
    delivery::deliver_due(&server.backend, &mailer(&sink)).await.unwrap();
    assert_eq!(stored(&server.backend, mail_id).await.state, "sent", "without one, to this machine");
}

#[tokio::test]
async fn a_killed_servers_mail_is_taken_over_after_its_lease() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    sink.set_mood(Mood::Stall);
    let mail_id = enqueue(&server.backend, "ada@example.com").await;
    let (backend, stalled) = (server.backend.clone(), mailer(&sink));
    let killed = tokio::spawn(async move { delivery::deliver_due(&backend, &stalled).await });
    sink.wait_for_attempts(1).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    sink.set_mood(Mood::Accept);
    let other = server.another().await;
    assert_eq!(delivery::deliver_due(&other, &mailer(&sink)).await.unwrap(), 0, "the lease still holds");
    server.clock.advance(Duration::seconds(60));
    assert_eq!(delivery::deliver_due(&other, &mailer(&sink)).await.unwrap(), 1);
    let kept = stored(&other, mail_id).await;
    assert_eq!((kept.state.as_str(), kept.attempts), ("sent", 2));
    assert_eq!(sink.mails()[0].header("Message-ID"), Some(kept.message_id));
}

#[tokio::test]
async fn two_servers_share_the_work_and_send_nothing_twice() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    for n in 0..60 {
        enqueue(&server.backend, &format!("a{n}@example.com")).await;
    }
    let (one, other, mailer) = (server.backend.clone(), server.another().await, mailer(&sink));
    let (first, second) = tokio::join!(delivery::deliver_due(&one, &mailer), delivery::deliver_due(&other, &mailer));
    assert_eq!(first.unwrap() + second.unwrap(), 60);
    let ids: BTreeSet<_> = sink.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((sink.mails().len(), ids.len()), (60, 60));
}

#[tokio::test]
async fn the_worker_sends_what_waits_and_what_comes_until_it_is_stopped() {
    let (server, sink) = (Server::at(NOW).await, SmtpSink::start().await);
    enqueue(&server.backend, "before@example.com").await;
    let stop = CancellationToken::new();
    let worker = {
        let (backend, mailer, stop) = (server.backend.clone(), mailer(&sink), stop.clone());
        tokio::spawn(async move { delivery::run_worker(&backend, &mailer, &stop).await })
    };
    sink.wait_for(|mail| mail.to == ["before@example.com"]).await;
    enqueue(&server.backend, "after@example.com").await;
    sink.wait_for(|mail| mail.to == ["after@example.com"]).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let unsent: i64 = sqlx::query_scalar("select count(*) from mails where state <> 'sent'")
        .fetch_one(&server.backend.pool)
        .await
        .unwrap();
    assert_eq!(unsent, 0, "a stopped worker has written down what it sent");
}

#[tokio::test]
async fn without_a_mail_server_local_mode_shows_mail_instead() {
    let server = Server::at(NOW).await;
    let mut local = server.backend.clone();
    local.local = true;
    let mail_id = enqueue(&local, "ada@example.com").await;
    assert_eq!(delivery::shown(&local).await.unwrap()[0].mail_id, mail_id, "at once, before any worker");
    delivery::deliver_due(&local, &Arc::new(Mailer::shown_here())).await.unwrap();
    assert_eq!(stored(&local, mail_id).await.state, "shown");
    assert_eq!(delivery::shown_one(&local, mail_id).await.unwrap().unwrap().subject, "Your budget");
    assert!(delivery::shown(&server.backend).await.unwrap().is_empty(), "never outside local mode");
    assert!(delivery::shown_one(&server.backend, mail_id).await.unwrap().is_none());
}
