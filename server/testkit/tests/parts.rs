//! The parts themselves.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use testkit::{Mood, SmtpSink, TestDatabase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn every_test_has_a_migrated_database_of_its_own() {
    let (one, other) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    assert_ne!(one.url(), other.url());
    sqlx::query("CREATE TABLE mine (n int)").execute(one.pool()).await.expect("creates");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let in_one: i64 = sqlx::query_scalar(tables).fetch_one(one.pool()).await.expect("counts");
    let in_other: i64 = sqlx::query_scalar(tables).fetch_one(other.pool()).await.expect("counts");
    assert_eq!(in_one, in_other + 1);
    assert!(in_other > 5, "it is migrated");
}

#[tokio::test]
async fn a_prepared_state_is_made_once_and_copied() {
    let state = format!("{:?}", std::time::Instant::now());
    let fill = |pool: sqlx::PgPool| async move {
        sqlx::query("CREATE TABLE seed AS SELECT 7 AS n").execute(&pool).await.expect("fills");
    };
    let first = TestDatabase::prepared(&state, fill).await;
    let second = TestDatabase::prepared(&state, |_| async { unreachable!("it is there already") }).await;
    for database in [&first, &second] {
        let n: i32 = sqlx::query_scalar("SELECT n FROM seed").fetch_one(database.pool()).await.expect("is there");
        assert_eq!(n, 7);
    }
}

#[tokio::test]
async fn a_database_is_dropped_with_its_test() {
    let survivor = TestDatabase::empty().await;
    let gone = TestDatabase::empty().await;
    let name: String =
        sqlx::query_scalar("SELECT current_database()").fetch_one(gone.pool()).await.expect("has a name");
    drop(gone);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_one(survivor.pool())
        .await
        .expect("counts");
    assert_eq!(count, 0);
}

const MAIL: &str = "EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
const MESSAGE: &str = concat!(
    "Subject: =?utf-8?b?QnVkZ2V0IPCfkrg=?= =?utf-8?q?_M=C3=BCnchen?=\r\nMIME-Version: 1.0\r\n",
    "Content-Type: multipart/alternative;\r\n boundary=\"xyz\"\r\n\r\n",
    "--xyz\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n80=20% =E2=82=AC=\r\n 5\r\nhttp://h/verify?token=3Dabc\r\n..dot\r\n",
    "--xyz\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+aGk8L3A+\r\n--xyz--\r\n.\r\n"
);

/// Says everything at once and returns what the server answered until it hung up.
async fn say(sink: &SmtpSink, text: &str) -> String {
    let mut stream = TcpStream::connect(sink.url().trim_start_matches("smtp://")).await.expect("connects");
    stream.write_all(text.as_bytes()).await.expect("says");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("hears");
    answer
}

#[tokio::test]
async fn the_mail_server_keeps_what_it_accepts() {
    let sink = SmtpSink::start().await;
    let answer = say(&sink, &format!("{MAIL}{MESSAGE}QUIT\r\n")).await;
    assert!(answer.contains("250 2.0.0 queued as 1"), "{answer}");
    let mail = sink.wait_for(|mail| mail.to == ["b@example.org"]).await;
    assert_eq!(mail.from, "a@example.org");
    assert_eq!(mail.subject(), "Budget 💸 München");
    assert_eq!(mail.text(), "80 % € 5\nhttp://h/verify?token=abc\n.dot\n");
    assert_eq!(mail.html().trim(), "<p>hi</p>");
    assert_eq!(mail.link("verify"), "http://h/verify?token=abc");
}

#[tokio::test]
async fn the_mail_server_refuses_and_hangs_up_as_told() {
    let sink = SmtpSink::start().await;
    for (mood, code) in [(Mood::RefuseForNow, "451 4.3.0"), (Mood::RefuseForGood, "550 5.1.1")] {
        sink.set_mood(mood);
        let answer = say(&sink, "EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nQUIT\r\n").await;
        assert!(answer.contains(code), "{answer}");
    }
    assert_eq!(sink.mails(), []);
    assert_eq!(sink.attempts(), 2);
    sink.set_mood(Mood::HangUp);
    let answer = say(&sink, &format!("{MAIL}{MESSAGE}")).await;
    assert!(!answer.contains("queued"), "{answer}");
    assert_eq!(sink.mails().len(), 1, "kept, though the sender cannot know");
}

#[tokio::test]
async fn the_mail_server_stalls_as_told() {
    let sink = SmtpSink::start().await;
    sink.set_mood(Mood::Stall);
    let mut stream = TcpStream::connect(sink.url().trim_start_matches("smtp://")).await.expect("connects");
    stream.write_all(format!("{MAIL}{MESSAGE}").as_bytes()).await.expect("says");
    sink.wait_for_attempts(1).await;
    assert_eq!(sink.mails(), []);
}
