//! A statement as a CSV file.

use super::{CostOwner, Entry, EntrySource, MarkupLine, MonthStatement, month_text};
use crate::allocation::SharedLine;
use crate::charge::ChargeLine;
use crate::{csv, money};

impl MonthStatement {
    /// One row per line, so that the amounts add up to usage, what was shared, charges, markup and adjustments together; where no price is known the amount is empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut table = csv::Table::new([
            "month",
            "team",
            "team_cost_centre",
            "project",
            "project_cost_centre",
            "provider",
            "model",
            "meter",
            "term",
            "unit",
            "quantity",
            "rate",
            "rate_per",
            "requests",
            "amount",
            "currency",
            "charge",
            "rule",
        ]);
        let month = month_text(self.month.from);
        let code = |owner: Option<&CostOwner>| owner.and_then(|owner| owner.cost_centre.clone()).unwrap_or_default();
        for team in &self.teams {
            let team_slug = team.team.as_ref().map_or("", |team| team.slug.as_str());
            let team_code = code(team.team.as_ref());
            for project in &team.projects {
                let project_code = code(Some(&project.project));
                for line in &project.lines {
                    let rate = line.rate();
                    table.row([
                        month.as_str(),
                        team_slug,
                        &team_code,
                        &project.project.slug,
                        &project_code,
                        &line.provider,
                        &line.model,
                        line.kind.as_str(),
                        line.term.as_deref().unwrap_or_default(),
                        line.kind.unit().unwrap_or_default(),
                        &line.quantity.map(|quantity| quantity.normalize().to_string()).unwrap_or_default(),
                        &rate.map(|(rate, _)| rate.normalize().to_string()).unwrap_or_default(),
                        &rate.map(|(_, per)| per.to_string()).unwrap_or_default(),
                        &line.requests.to_string(),
                        &line.amount.map(money::exact).unwrap_or_default(),
                        &self.currency,
                        "",
                        "",
                    ]);
                }
                let owner = [team_slug, &team_code, &project.project.slug, &project_code];
                self.charge_rows(&mut table, owner, &project.charges);
                self.shared_rows(&mut table, owner, &project.shared);
                self.markup_row(&mut table, owner, project.markup.as_ref());
            }
            let owner = [team_slug, &team_code, "", ""];
            self.charge_rows(&mut table, owner, &team.charges);
            self.shared_rows(&mut table, owner, &team.shared);
            self.markup_row(&mut table, owner, team.markup.as_ref());
        }
        self.charge_rows(&mut table, [""; 4], &self.unallocated);
        self.shared_rows(&mut table, [""; 4], &self.unallocated_shared);
        self.adjustment_rows(&mut table);
        table.into_text()
    }

    /// Rows of charges: the meter is the word `charge`, the model says what it is, the charge's number leads to it.
    fn charge_rows(&self, table: &mut csv::Table, owner: [&str; 4], charges: &[ChargeLine]) {
        let month = month_text(self.month.from);
        let [team, team_code, project, project_code] = owner;
        for line in charges {
            // A charge's own code stands in place of that of whom it belongs to.
            let (team_code, project_code) = match line.cost_centre.as_deref() {
                Some(code) if project.is_empty() => (code, ""),
                Some(code) => (team_code, code),
                None => (team_code, project_code),
            };
            table.row([
                month.as_str(),
                team,
                team_code,
                project,
                project_code,
                line.provider.as_deref().unwrap_or_default(),
                &line.description,
                "charge",
                line.kind.as_str(),
                "days",
                &line.days.days().to_string(),
                "",
                "",
                "",
                &money::exact(line.amount),
                &self.currency,
                &line.charge_id.to_string(),
                "",
            ]);
        }
    }

    /// Rows of what rules moved: the model says from or to whom, the term is the rule, whose number leads to it.
    fn shared_rows(&self, table: &mut csv::Table, owner: [&str; 4], lines: &[SharedLine]) {
        let month = month_text(self.month.from);
        let [team, team_code, project, project_code] = owner;
        for line in lines {
            let what = [line.direction(), line.kind().to_owned(), line.rule.clone()];
            let amount = money::exact(line.amount);
            let number = line.rule_id.to_string();
            let [model, meter, term] = what.each_ref().map(String::as_str);
            let of = [month.as_str(), team, team_code, project, project_code, "", model, meter, term];
            table.row(of.into_iter().chain(["", "", "", "", "", &amount, &self.currency, "", &number]));
        }
    }

    /// The row of a markup: the meter is the word `markup`.
    fn markup_row(&self, table: &mut csv::Table, owner: [&str; 4], line: Option<&MarkupLine>) {
        let Some(line) = line else { return };
        let (month, label, amount) = (month_text(self.month.from), line.label(), money::exact(line.amount));
        let [team, team_code, project, project_code] = owner;
        let row = [&month, team, team_code, project, project_code, "", &label, "markup"];
        table.row(row.into_iter().chain(["", "", "", "", "", "", &amount, &self.currency, "", ""]));
    }

    /// Rows of adjustments: the meter is the word `adjustment`, the month is the one that it belongs to.
    fn adjustment_rows(&self, table: &mut csv::Table) {
        for Entry { key, amount } in &self.adjustments {
            let (provider, model) = match &key.source {
                EntrySource::Usage { provider, model } => (provider.as_str(), model.as_str()),
                EntrySource::Charge { description, .. } => ("", description.as_str()),
                EntrySource::Shared { rule, .. } => ("", rule.as_str()),
                EntrySource::Markup => ("", "Markup"),
            };
            let (month, amount) = (month_text(key.month), money::exact(*amount));
            let (team, project) = (key.team.as_deref().unwrap_or_default(), key.project.as_deref().unwrap_or_default());
            let row = [&month, team, "", project, "", provider, model, "adjustment"];
            table.row(row.into_iter().chain(["", "", "", "", "", "", &amount, &self.currency, "", ""]));
        }
    }
}
