//! What pages ask.

use super::*;
use domain::spend::{ChartKind, Explore, ExploreQuery, Measure};

#[tokio::test]
async fn an_overview_of_a_team_or_project_is_its_own() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let mut events = vec![
        used("2026-10-05T10:00:00Z", 1, "8"),
        used("2026-11-05T10:00:00Z", 0, "1"),
        used("2026-11-16T10:00:00Z", 1, "2"),
        used("2026-11-23T09:20:00Z", 1, "4"),
    ];
    events[3].words[1] = "gpt-4o-mini";
    org.record(&events).await;
    let month = Period::month_to_date("2026-11-23".parse().unwrap());
    let ask = async |part| overview(&org.backend, &org.scope, part, month, Some(month.previous()), &[]).await.unwrap();
    let all = ask(SpendScope::Organization).await;
    assert!(all.is_month_to_date());
    // The chart shows the whole month, the sums do not.
    assert_eq!((all.steps.len(), all.total.spend), (30, Decimal::from(7)));
    // Monday, October 5, lies under the Monday four weeks later, not under November 5.
    assert_eq!(all.line, Some(domain::spend::ComparisonLine::Weeks(4)));
    let under: Vec<_> = all.steps.iter().filter(|step| step.before.is_some_and(|spend| !spend.is_zero())).collect();
    assert_eq!(
        under.iter().map(|step| (step.start.to_string(), step.before)).collect::<Vec<_>>(),
        [("2026-11-02".to_owned(), Some(Decimal::from(8)))]
    );
    assert_eq!(all.projects.iter().map(|part| part.slug.as_str()).collect::<Vec<_>>(), ["search", "assistant"]);
    assert_eq!(all.projects[0].before.as_ref().unwrap().spend, Decimal::from(8));
    assert_eq!(all.models[0].model, "gpt-4o-mini");
    assert_eq!(all.last_hour, Some(Decimal::from(4)));
    // `search` moved to the other team on the 17th.
    let teams: Vec<_> = all.teams.iter().map(|part| (part.name.as_str(), part.sums.spend)).collect();
    assert_eq!(teams, [("product", Decimal::from(4)), ("platform", Decimal::from(3))]);
    let changes = all.changes.unwrap();
    assert_eq!(changes.difference, Decimal::from(-1));
    assert_eq!((changes.movers[0].project.as_str(), changes.movers[0].difference()), ("search", Decimal::from(-6)));

    let platform = ask(SpendScope::Team(org.teams[0])).await;
    assert_eq!((platform.total.spend, platform.before.unwrap().spend), (Decimal::from(3), Decimal::from(8)));
    let product = ask(SpendScope::Team(org.teams[1])).await;
    assert_eq!((product.total.spend, product.last_hour), (Decimal::from(4), Some(Decimal::from(4))));
    let search = ask(SpendScope::Project(org.projects[1])).await;
    assert_eq!(search.total.spend, Decimal::from(6));
    let filter = SpendQuery::over(month).only(Dimension::Model, "gpt-4o-mini").filters;
    let filtered = overview(&org.backend, &org.scope, SpendScope::Organization, month, None, &filter).await.unwrap();
    assert_eq!((filtered.total.spend, filtered.changes), (Decimal::from(4), None));
}

#[tokio::test]
async fn meters_tell_why_spend_moved_where_the_filters_leave_them_known() {
    use domain::spend::Cause;
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let events = [used("2026-10-05T10:00:00Z", 0, "8"), used("2026-11-05T10:00:00Z", 0, "12")];
    org.record(&events).await;
    let month = Period::month_of("2026-11-05".parse().unwrap());
    let causes = async |scope: &OrgScope, filters: &[Filter]| -> Vec<Cause> {
        let changes = compare(&org.backend, scope, month, month.previous(), filters, 5).await.unwrap();
        changes.causes.into_iter().map(|(cause, _)| cause).collect()
    };
    assert_eq!(causes(&org.scope, &[]).await, [Cause::Price]);
    let only = |dimension, value: &str| SpendQuery::over(month).only(dimension, value).filters;
    assert_eq!(causes(&org.scope, &only(Dimension::Team, "platform")).await, [Cause::Price]);
    assert!(causes(&org.scope, &only(Dimension::Team, "product")).await.is_empty());
    assert_eq!(causes(&org.scope, &only(Dimension::Environment, events[0].words[4])).await, [Cause::Price]);
    assert_eq!(causes(&org.scope, &only(Dimension::Customer, events[0].labels[0])).await, [Cause::CostPerToken]);
    assert!(causes(&org.seen_by(1), &[]).await.is_empty());
}

#[tokio::test]
async fn explore_draws_every_step_and_its_groups_add_up() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "America/New_York", "2026-11-17").await;
    let mut events: Vec<_> = (0..8).map(|hour| used(&format!("2026-11-01T0{hour}:10:00Z"), hour % 3, "2")).collect();
    events.push(used("2026-10-31T05:10:00Z", 0, "16"));
    for (place, used) in events.iter_mut().enumerate() {
        used.words[3] = ["", "a", "b", "c", "d", "e", "f", "g", "a"][place];
        used.cost = Cost::Known(used.sums().spend + Decimal::from(place));
    }
    org.record(&events).await;
    let day: NaiveDate = "2026-11-01".parse().unwrap();
    let period = Period { from: day, to: day.succ_opt().unwrap() };
    let asked = ExploreQuery {
        previous: Some(Period { from: day.pred_opt().unwrap(), to: day }.into()),
        group_by: vec![Dimension::Feature],
        bucket: Some(Granularity::Hour),
        ..ExploreQuery::over(period)
    };
    let found = explore(&org.backend, &org.scope, asked.clone()).await.unwrap();
    // A day of 25 hours; four of the events lie on the day before.
    assert_eq!(found.steps.len(), 25);
    assert_eq!(found.groups.iter().map(|group| group.sums.spend).sum::<Decimal>(), found.total.spend);
    assert_eq!(found.steps.iter().filter_map(|step| step.total).sum::<Decimal>(), found.total.spend);
    assert_eq!(found.steps.iter().filter_map(|step| step.rest).sum::<Decimal>(), found.total.spend - drawn(&found));
    assert_eq!(found.total, org.counted(&events, &org.scope, &asked.as_spend_query()).1);
    assert_eq!(found.groups[0].key(), Some("g"));
    assert_eq!(
        found.groups.iter().map(|group| group.before.as_ref().unwrap().spend).max(),
        Some(Decimal::from(24 + 3))
    );
    for (place, group) in found.drawn().enumerate() {
        assert_eq!(found.steps.iter().filter_map(|step| step.drawn[place]).sum::<Decimal>(), group.sums.spend);
    }
    let last_day = found.steps.iter().filter_map(|step| step.before).collect::<Vec<_>>();
    assert_eq!((last_day.len(), last_day.iter().sum()), (24, found.before.unwrap().spend), "24 hours, place by place");

    // Of two days, the five largest and the one without a value, which is the smallest.
    let both = Period { from: day.pred_opt().unwrap(), to: period.to };
    let both = ExploreQuery { range: both.into(), previous: None, ..asked.clone() };
    let found = explore(&org.backend, &org.scope, both).await.unwrap();
    let names: Vec<_> = found.drawn().map(|group| group.key().unwrap_or("missing")).collect();
    assert_eq!((names.as_slice(), found.other_groups), (&["a", "g", "f", "e", "d", "missing"][..], 2));
    assert_eq!(found.missing().spend, Decimal::from(2));
    assert_eq!(found.steps.iter().filter_map(|step| step.rest).sum::<Decimal>(), found.total.spend - drawn(&found));

    let labels = ExploreQuery { group_by: vec![Dimension::Customer], measure: Measure::Tokens, ..asked.clone() };
    let found = explore(&org.backend, &org.scope, labels).await.unwrap();
    assert_eq!(found.steps.len(), 1);
    assert_eq!(found.steps[0].total, Some(Decimal::from(found.total.tokens)));

    // A ratio of a step is that of its sums, and of a step without usage nothing.
    let ratio = ExploreQuery { measure: Measure::CostPerRequest, ..asked.clone() };
    let found = explore(&org.backend, &org.scope, ratio).await.unwrap();
    let hours = found.steps.iter().filter(|step| step.total.is_some()).count();
    assert!(hours > 1 && hours < found.steps.len(), "{hours}");
    assert_eq!(found.value(&found.total), found.total.per_request());

    // Weekdays by hours hold everything, each hour in its place.
    let heat = ExploreQuery { chart: ChartKind::Heatmap, ..asked.clone() };
    let found = explore(&org.backend, &org.scope, heat).await.unwrap();
    let days: Vec<Vec<_>> = found.heat.as_ref().unwrap().weekdays().map(<[_]>::to_vec).collect();
    let spend = |day: &[domain::spend::HeatCell]| day.iter().map(|cell| cell.sums.spend).sum::<Decimal>();
    assert_eq!(spend(&days[6]), found.total.spend, "the first of November was a Sunday");
    assert_eq!(days[6][1].minutes, Decimal::from(120), "an hour that came twice");
    assert!(found.steps.is_empty());

    // Two dimensions: pairs add up to the same whole, and each keeps both values.
    let two = ExploreQuery { group_by: vec![Dimension::Feature, Dimension::Model], top: 20, ..asked };
    let found = explore(&org.backend, &org.scope, two).await.unwrap();
    assert_eq!(found.groups.iter().map(|group| group.sums.spend).sum::<Decimal>(), found.total.spend);
    assert_eq!((found.other_groups, drawn(&found)), (0, found.total.spend));
    assert!(found.groups.iter().all(|group| group.keys.len() == 2 && group.keys[1].as_deref() == Some("gpt-4o")));
    let known = values(&org.backend, &org.scope, period, Dimension::Project, 2).await.unwrap();
    assert_eq!(known.len(), 2);
}

/// What the groups that are drawn spent.
fn drawn(found: &Explore) -> Decimal {
    found.drawn().map(|group| group.sums.spend).sum()
}

#[tokio::test]
async fn a_statement_of_what_the_caller_does_not_see_is_not_found() {
    use domain::statement::StatementKind::{Project, Team};
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let events = [used("2026-11-05T10:00:00Z", 0, "1"), used("2026-11-05T10:00:00Z", 2, "4")];
    org.record(&events).await;
    let month = Period::month_of("2026-11-05".parse().unwrap());
    let one = async |kind, slug| crate::statements::one(&org.backend, &org.seen_by(0), month, kind, slug).await;
    assert_eq!(one(Project, "assistant").await.unwrap().1.total.spend, Decimal::ONE);
    assert_eq!(one(Team, "platform").await.unwrap().1.total.spend, Decimal::ONE);
    for (kind, slug) in [(Project, "support-bot"), (Team, "product"), (Project, "none"), (Team, "none")] {
        assert!(matches!(one(kind, slug).await, Err(Error::Problem(Problem::NotFound))), "{slug}");
    }
    let months = crate::statements::months(&org.backend, &org.seen_by(0)).await.unwrap();
    assert_eq!(months.len(), 1);
    assert_eq!(months[0].sums.spend, Decimal::ONE);
}

#[tokio::test]
async fn a_glance_draws_what_explore_draws() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let mut events: Vec<_> = (1..=23_u32)
        .map(|day| used(&format!("2026-11-{day:02}T10:00:00Z"), usize::from(day % 3 == 0), &day.to_string()))
        .collect();
    let models = ["a", "b", "c", "d", "e", "f", "g"];
    events.iter_mut().zip(models.iter().cycle()).for_each(|(event, model)| event.words[1] = model);
    events.push(used("2026-10-30T10:00:00Z", 0, "5"));
    org.record(&events).await;
    let days: Period = Period::new("2026-11-03".parse().unwrap(), "2026-11-24".parse().unwrap()).unwrap();
    let of_units = |measure: &&Measure| measure.needs().units;
    for measure in Measure::ALL.iter().filter(|measure| !of_units(measure)) {
        for group_by in [vec![Dimension::Model], vec![Dimension::Project, Dimension::Model], vec![Dimension::Customer]]
        {
            let query = ExploreQuery {
                measure: *measure,
                group_by,
                previous: Some(days.previous().into()),
                chart: ChartKind::Treemap,
                ..ExploreQuery::over(days)
            };
            let glance = glance(&org.backend, &org.scope, query.clone()).await;
            let drawn = ExploreQuery { chart: ChartKind::Bars, ..query };
            let Ok(explore) = explore(&org.backend, &org.scope, drawn).await else {
                assert!(glance.is_err(), "{measure:?}");
                continue;
            };
            let glance = glance.unwrap();
            let steps = |of: &Explore| {
                let step = |step: &domain::spend::ExploreStep| (step.bucket, step.drawn.clone(), step.rest, step.total);
                of.steps.iter().map(step).collect::<Vec<_>>()
            };
            assert_eq!(steps(&glance), steps(&explore), "{measure:?}");
            let groups = |of: &Explore| of.drawn().map(|group| (group.keys.clone(), group.order)).collect::<Vec<_>>();
            assert_eq!(groups(&glance), groups(&explore), "{measure:?}");
            assert_eq!((glance.value(&glance.total), &glance.before), (explore.value(&explore.total), &explore.before));
            assert_eq!(glance.other_groups, explore.other_groups);
        }
    }
}
