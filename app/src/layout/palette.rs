//! Where the command palette leads.

pub use frontend::Target;

use super::{Named, NavItem};

/// Everything the palette offers: the places of the organization, its projects and teams, the reader's other organizations.
#[must_use]
pub fn targets(slug: &str, organizations: &[Named], projects: &[Named], teams: &[Named]) -> Vec<Target> {
    let places = NavItem::GROUPS.into_iter().flatten().map(|place| Target {
        label: place.label().to_owned(),
        kind: "Page".to_owned(),
        href: place.path(slug),
    });
    let projects = projects.iter().map(|project| Target {
        label: project.name.clone(),
        kind: "Project".to_owned(),
        href: format!("{}/{}", NavItem::Projects.path(slug), project.slug),
    });
    let teams = teams.iter().map(|team| Target {
        label: team.name.clone(),
        kind: "Team".to_owned(),
        href: format!("/o/{slug}/teams/{}", team.slug),
    });
    let others = organizations.iter().filter(|other| other.slug != slug).map(|other| Target {
        label: other.name.clone(),
        kind: "Organization".to_owned(),
        href: NavItem::Overview.path(&other.slug),
    });
    places.chain(projects).chain(teams).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_to_pages_projects_teams_and_other_organizations() {
        let organizations = [Named::new("Acme", "acme"), Named::new("Borealis", "borealis")];
        let (projects, teams) = ([Named::new("Support bot", "support-bot")], [Named::new("Search", "search")]);
        let targets = targets("acme", &organizations, &projects, &teams);
        let at = |label: &str| targets.iter().find(|target| target.label == label).map(|target| target.href.as_str());
        assert_eq!(targets.first().map(|target| target.href.as_str()), Some("/o/acme"));
        assert_eq!(at("Support bot"), Some("/o/acme/projects/support-bot"));
        assert_eq!(at("Search"), Some("/o/acme/teams/search"));
        assert_eq!((at("Borealis"), at("Acme")), (Some("/o/borealis"), None));
    }
}
