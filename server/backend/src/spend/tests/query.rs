//! What the query itself answers.

use super::*;

#[tokio::test]
async fn the_newest_event_is_the_parts_own() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let events = [used("2026-11-23T09:20:00Z", 0, "1"), used("2026-11-23T09:26:30Z", 1, "2")];
    org.record(&events).await;
    let newest = async |scope: &OrgScope, part| newest_event_at(&org.backend, scope, part).await.unwrap();
    let whole = SpendScope::Organization;
    assert_eq!(newest(&org.scope, whole).await, Some(events[1].at));
    org.record(&[used("2026-11-20T09:20:00Z", 1, "1")]).await;
    assert_eq!(newest(&org.scope, whole).await, Some(events[1].at), "what comes late is not the newest");
    assert_eq!(newest(&org.seen_by(0), whole).await, Some(events[0].at));
    assert_eq!(newest(&org.seen_by(2), whole).await, None);
    assert_eq!(newest(&org.scope, SpendScope::Team(org.teams[0])).await, Some(events[0].at));
    assert_eq!(newest(&org.scope, SpendScope::Project(org.projects[1])).await, Some(events[1].at));
}

#[tokio::test]
async fn a_repeated_hour_is_two_buckets_and_half_hour_zones_begin_at_half_past() {
    let database = TestDatabase::new().await;
    let new_york = org(&database, "Acme", "America/New_York", "2026-11-17").await;
    let events = [
        used("2026-11-01T04:59:59Z", 0, "1"),
        used("2026-11-01T05:10:00Z", 0, "2"),
        used("2026-11-01T06:10:00Z", 0, "4"),
        used("2026-11-01T07:10:00Z", 0, "8"),
    ];
    new_york.record(&events).await;
    let answer = new_york.check(&events, &new_york.scope, "from=2026-11-01&to=2026-11-02&bucket=hour").await;
    let buckets: Vec<_> = answer.rows.iter().filter_map(|row| Some(row.bucket?.to_string())).collect();
    assert_eq!(
        buckets,
        [
            "2026-11-01T00:00:00-04:00",
            "2026-11-01T01:00:00-04:00",
            "2026-11-01T01:00:00-05:00",
            "2026-11-01T02:00:00-05:00"
        ]
    );
    let day = new_york.check(&events, &new_york.scope, "from=2026-11-01&to=2026-11-02&bucket=day").await;
    assert_eq!(day.total, answer.total);

    let kolkata = org(&database, "Globex", "Asia/Kolkata", "2026-11-17").await;
    let events = [
        used("2026-11-16T18:29:59Z", 0, "1"),
        used("2026-11-16T18:30:00Z", 1, "2"),
        used("2026-11-16T19:29:59Z", 2, "4"),
    ];
    kolkata.record(&events).await;
    let answer = kolkata.check(&events, &kolkata.scope, "from=2026-11-16&to=2026-11-18&bucket=hour").await;
    assert_eq!(answer.rows[1].bucket.map(|start| start.to_string()).as_deref(), Some("2026-11-17T00:00:00+05:30"));
    assert_eq!(answer.rows[1].sums.spend, Decimal::from(6));
    // The project moved on the organization's 17th, which began at 18:30 UTC.
    let teams = kolkata.check(&events, &kolkata.scope, "from=2026-11-16&to=2026-11-18&group_by=team").await;
    assert_eq!(teams.rows[0].keys, [Some("product".to_owned())]);
    assert_eq!(teams.rows[0].sums.spend, Decimal::from(6));
    let instants = "from=2026-11-16T18:30:00Z&to=2026-11-16T18:45:00Z&group_by=team";
    assert_eq!(kolkata.check(&events, &kolkata.scope, instants).await.total.spend, Decimal::from(2));
}

#[tokio::test]
async fn a_missing_label_is_what_no_value_accounts_for() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let mut events = vec![used("2026-11-10T10:00:00Z", 0, "1"), used("2026-11-10T11:00:00Z", 0, "2")];
    events[1].labels = ["", "", "7"];
    org.record(&events).await;
    let span = "from=2026-11-01&to=2026-12-01";
    let answer = org.check(&events, &org.scope, &format!("{span}&group_by=customer")).await;
    assert_eq!(answer.rows.iter().map(|row| row.keys[0].as_deref()).collect::<Vec<_>>(), [None, Some("acme")]);
    for (filter, spend) in
        [("customer=", 2), ("customer=!", 1), ("customer=!acme", 2), ("customer=acme", 1), ("cohort=", 3)]
    {
        let answer = org.check(&events, &org.scope, &format!("{span}&{filter}")).await;
        assert_eq!(answer.total.spend, Decimal::from(spend), "{filter}");
    }
}

#[tokio::test]
async fn a_key_of_one_project_sees_only_that_project_totals_included() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let events = [
        used("2026-11-23T09:20:00Z", 0, "1"),
        used("2026-11-23T09:50:00Z", 1, "2"),
        used("2026-11-23T10:01:00Z", 2, "4"),
    ];
    org.record(&events).await;
    let month = Period::month_of("2026-11-23".parse().unwrap());
    for (project, spend) in [(0, 1), (1, 2), (2, 4)] {
        let (scope, spend) = (org.seen_by(project), Decimal::from(spend));
        for asked in ["bucket=hour", "bucket=day&group_by=team", "group_by=customer", "group_by=project"] {
            let answer = org.check(&events, &scope, &format!("from=2026-11-01&to=2026-12-01&{asked}")).await;
            assert_eq!(answer.total.spend, spend, "{asked}");
            assert_eq!(answer.rows.len(), 1, "{asked}");
        }
        let days = project_days(&org.backend, &scope, month).await.unwrap();
        assert_eq!(
            days.iter().map(|day| (day.project_id, day.spend)).collect::<Vec<_>>(),
            [(org.projects[project], spend)]
        );
        let hour = last_hour(&org.backend, &scope, SpendScope::Organization, &[]).await.unwrap();
        // 10:07 now, so the last hour of whole quarters is 09:00 to 10:00.
        assert_eq!(hour.spend, if project == 2 { Decimal::ZERO } else { spend });
    }
}

#[tokio::test]
async fn days_of_projects_follow_the_owner_of_the_day() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "Asia/Kolkata", "2026-11-17").await;
    let events = [
        used("2026-11-16T18:29:59Z", 1, "1"),
        used("2026-11-16T18:30:00Z", 1, "2"),
        used("2026-11-20T10:00:00Z", 0, "4"),
    ];
    org.record(&events).await;
    let month = Period::month_of("2026-11-01".parse().unwrap());
    let days = project_days(&org.backend, &org.scope, month).await.unwrap();
    let spent = |part| -> Vec<(u32, Decimal)> {
        days.iter().filter(|day| day.is_of(part)).map(|day| (day.day.day(), day.spend)).collect()
    };
    let list = |list: &[(u32, i64)]| -> Vec<(u32, Decimal)> {
        list.iter().map(|(day, spend)| (*day, (*spend).into())).collect()
    };
    assert_eq!(spent(SpendScope::Organization), list(&[(16, 1), (17, 2), (20, 4)]));
    assert_eq!(spent(SpendScope::Team(org.teams[0])), list(&[(16, 1), (20, 4)]));
    assert_eq!(spent(SpendScope::Team(org.teams[1])), list(&[(17, 2)]));
    assert_eq!(spent(SpendScope::Project(org.projects[1])), list(&[(16, 1), (17, 2)]));
    assert_eq!(
        days.iter().map(|day| day.team_id).collect::<Vec<_>>(),
        [Some(org.teams[0]), Some(org.teams[1]), Some(org.teams[0])]
    );
}

#[tokio::test]
async fn totals_hold_where_rows_are_cut() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let events = [
        used("2026-11-10T10:00:00Z", 0, "1"),
        used("2026-11-10T11:00:00Z", 1, "2"),
        used("2026-11-10T11:00:00Z", 2, "4"),
    ];
    org.record(&events).await;
    let asked = read("from=2026-11-01&to=2026-12-01&group_by=project");
    let (rows, total) =
        sql::grouped(&org.backend.pool, &org.scope, SpendScope::Organization, &asked, &asked.source().unwrap(), 2)
            .await
            .unwrap();
    assert_eq!(
        rows.iter().map(|row| row.keys[0].as_deref()).collect::<Vec<_>>(),
        [Some("support-bot"), Some("search")]
    );
    assert_eq!(total.spend, Decimal::from(7));
}
