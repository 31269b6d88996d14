//! A rule as typed or sent.

use super::rule::{AllocationRule, Condition, Method, Share, Target, Test};
use crate::problem::FieldProblem;
use crate::project::{Slug, parse_name};
use crate::repricing::parse_reason;
use crate::rule::NewRule;
use crate::span::Edge;
use crate::spend::{Dimension, MAX_VALUE_LEN};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Most conditions of a rule.
pub const MAX_CONDITIONS: usize = 10;
/// Most values of a condition.
const MAX_VALUES: usize = 50;
/// Most projects or teams among whom a rule splits.
pub const MAX_TARGETS: usize = 50;

/// One condition; all of a rule must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ConditionForm {
    /// A dimension of `GET /v1/spend`, an API key by its id; empty leaves the condition out.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "tag.repo"))]
    pub dimension: String,
    /// `is`, `is_not`, `contains`, `starts_with` or `missing`. Case counts for whole values, not for parts of them.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "starts_with"))]
    pub test: String,
    /// With what; several are separated by commas, and any of them will do. Nothing for `missing`.
    #[cfg_attr(feature = "openapi", schema(example = "web-"))]
    pub values: String,
}

/// Whom usage counts for, or one of those among whom it is split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TargetForm {
    /// `project:` or `team:` and its short name; empty leaves it out.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "team:growth"))]
    pub to: String,
    /// Its share in percent, where the shares are fixed; they add up to 100.
    #[cfg_attr(feature = "openapi", schema(example = "60"))]
    pub percent: String,
}

/// A rule as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AllocationForm {
    /// What people call it. A rule of the same name takes the place of the one that is there from its first day on.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Web repositories", max_length = 80))]
    pub name: String,
    /// Which usage it takes: all conditions hold. At most one of customer, user and tags, and the same in all rules of a day.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub conditions: Vec<ConditionForm>,
    /// `relabel`, `even`, `fixed`, `spend`, `requests`, `tokens`, `business_metric` or `shared`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "relabel"))]
    pub method: String,
    /// Whom it counts for, or among whom it is split; nobody for `shared`.
    pub targets: Vec<TargetForm>,
    /// Name of the metric that a split by `business_metric` goes by: its values of the calendar month with the label `project`, or `team`.
    #[cfg_attr(feature = "openapi", schema(example = "tickets-resolved", max_length = 64))]
    pub metric: String,
    /// First day, in the organization's zone; empty means for all time before too.
    #[cfg_attr(feature = "openapi", schema(example = "2026-10-01"))]
    pub valid_from: String,
    /// The day after the last; empty means without an end date.
    #[cfg_attr(feature = "openapi", schema(example = "2027-01-01"))]
    pub valid_to: String,
    /// Why, for those who read the numbers later.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Growth took them over.", max_length = 500))]
    pub reason: String,
}

/// The name of a field in a row of a list of a form.
#[must_use]
pub fn row_field(list: &str, row: usize, field: &str) -> String {
    format!("{list}[{row}][{field}]")
}

impl AllocationForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field, those of rows as `conditions[0][values]`.
    pub fn parse(&self) -> Result<NewRule<AllocationRule>, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let name = parse_name("name", &self.name).map_err(|problem| wrong.push(problem)).unwrap_or_default();
        let conditions = self.conditions(&mut wrong);
        let method = Method::ALL.into_iter().find(|method| method.as_str() == self.method.trim());
        if method.is_none() {
            wrong.push(FieldProblem::new("method", "unknown", "Choose what happens to the usage."));
        }
        let method = method.unwrap_or(Method::Shared);
        let among = self.among(method, &mut wrong);
        let metric = self.metric(method).map_err(|problem| wrong.push(problem)).unwrap_or_default();
        let reason = parse_reason(&self.reason).map_err(|problem| wrong.push(problem)).unwrap_or_default();
        let mut edge = |field: &str, text: &str| match text.trim() {
            "" => None,
            text => {
                let day = text.parse::<NaiveDate>();
                let wrong_day = |_| wrong.push(FieldProblem::new(field, "invalid", "Use a date such as 2026-11-01."));
                day.map_err(wrong_day).ok().map(Edge::Day)
            }
        };
        let (from, to) = (edge("valid_from", &self.valid_from), edge("valid_to", &self.valid_to));
        let rule = AllocationRule {
            rule_id: 0,
            name,
            position: 0,
            conditions,
            method,
            among,
            metric,
            reason,
            valid_from: None,
            valid_to: None,
        };
        if wrong.is_empty() { Ok(NewRule { rule, from, to }) } else { Err(wrong) }
    }

    fn conditions(&self, wrong: &mut Vec<FieldProblem>) -> Vec<Condition> {
        let filled = self.conditions.iter().enumerate().filter(|(_, row)| !row.dimension.trim().is_empty());
        let mut conditions = Vec::new();
        for (at, row) in filled {
            match row.parse(at) {
                Ok(condition) => conditions.push(condition),
                Err(problem) => wrong.push(problem),
            }
        }
        let refuse = |code: &str, detail: String| Some(FieldProblem::new("conditions", code, detail));
        let labels = conditions.iter().map(|condition| &condition.dimension).filter(|dimension| dimension.is_label());
        let labels: std::collections::BTreeSet<_> = labels.collect();
        wrong.extend(if conditions.is_empty() && wrong.is_empty() {
            refuse("required", "Say which usage the rule takes.".to_owned())
        } else if conditions.len() > MAX_CONDITIONS {
            refuse("too_many", format!("Use at most {MAX_CONDITIONS} conditions."))
        } else if labels.len() > 1 {
            refuse("another_label", "Use one of customer, user and tags: sums know one at a time.".to_owned())
        } else {
            None
        });
        conditions
    }

    /// The metric of a split that goes by one. Other methods leave it unread, so that a form can keep what was chosen.
    fn metric(&self, method: Method) -> Result<Option<String>, FieldProblem> {
        if method != Method::BusinessMetric {
            return Ok(None);
        }
        let choose = |_| FieldProblem::new("metric", "required", "Choose the business metric that the split goes by.");
        Slug::parse(self.metric.trim()).map(|name| Some(name.into())).map_err(choose)
    }

    fn among(&self, method: Method, wrong: &mut Vec<FieldProblem>) -> Vec<Share> {
        let filled = self.targets.iter().enumerate().filter(|(_, row)| !row.to.trim().is_empty());
        let mut among: Vec<Share> = Vec::new();
        for (at, row) in filled {
            match row.parse(at, method) {
                Ok(share) if among.iter().any(|other| other.target == share.target) => {
                    wrong.push(FieldProblem::new(row_field("targets", at, "to"), "twice", "It is there already."));
                }
                Ok(share) => among.push(share),
                Err(problem) => wrong.push(problem),
            }
        }
        let refuse = |code: &str, detail: String| Some(FieldProblem::new("targets", code, detail));
        let sum: Decimal = among.iter().filter_map(|share| share.percent).sum();
        wrong.extend(match (method, among.len()) {
            (Method::Shared, 0) => None,
            (Method::Shared, _) => refuse("invalid", "Shared usage counts for nobody: leave this empty.".to_owned()),
            (_, 0) if wrong.is_empty() => refuse("required", "Say whom the usage counts for.".to_owned()),
            (Method::Relabel, 2..) => refuse("too_many", "Choose one project or team, or split.".to_owned()),
            (_, count) if count > MAX_TARGETS => refuse("too_many", format!("Use at most {MAX_TARGETS}.")),
            (Method::Fixed, 1..) if wrong.is_empty() && sum != Decimal::ONE_HUNDRED => {
                refuse("sum", format!("The shares add up to {} %, not to 100 %.", sum.normalize()))
            }
            _ => None,
        });
        among
    }
}

impl ConditionForm {
    fn parse(&self, row: usize) -> Result<Condition, FieldProblem> {
        let problem = |field: &str, code: &str, detail: String| {
            FieldProblem::new(row_field("conditions", row, field), code, detail)
        };
        let dimension: Dimension = self
            .dimension
            .trim()
            .parse()
            .map_err(|wrong: FieldProblem| problem("dimension", &wrong.code, wrong.detail))?;
        if !dimension.is_of_events() {
            return Err(problem("dimension", "unknown", "Rules find this out: choose another dimension.".to_owned()));
        }
        let test = Test::ALL.into_iter().find(|test| test.as_str() == self.test.trim());
        let test = test.ok_or_else(|| problem("test", "unknown", "Choose how it is compared.".to_owned()))?;
        let values: Vec<String> =
            self.values.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
        if (test == Test::Missing) != values.is_empty() {
            let detail = if test == Test::Missing { "What is missing has no value." } else { "Enter a value." };
            return Err(problem("values", "required", detail.to_owned()));
        }
        if values.len() > MAX_VALUES || values.iter().any(|value| value.chars().count() > MAX_VALUE_LEN) {
            let detail = format!("Use at most {MAX_VALUES} values of {MAX_VALUE_LEN} characters.");
            return Err(problem("values", "too_long", detail));
        }
        Ok(Condition { dimension, test, values })
    }
}

impl TargetForm {
    fn parse(&self, row: usize, method: Method) -> Result<Share, FieldProblem> {
        let target: Target = self
            .to
            .parse()
            .map_err(|wrong: FieldProblem| FieldProblem { pointer: row_field("targets", row, "to"), ..wrong })?;
        if method != Method::Fixed {
            return Ok(Share { target, percent: None });
        }
        let percent = self.percent.trim().trim_end_matches('%').trim().parse::<Decimal>().ok();
        let percent = percent.filter(|percent| *percent > Decimal::ZERO && *percent <= Decimal::ONE_HUNDRED);
        match percent.filter(|percent| percent.normalize().scale() <= 4) {
            Some(percent) => Ok(Share { target, percent: Some(percent) }),
            None => {
                let detail = "Use a percentage above 0, with at most 4 decimal places.";
                Err(FieldProblem::new(row_field("targets", row, "percent"), "invalid", detail))
            }
        }
    }
}
