//! A product line's page: spend of the projects that belonged to it on each day, and what may be changed.

use super::api::{ArchiveProductLine, CreateProductLine, RenameProductLine};
use super::team::projects as project_list;
use super::{NOTICES, Part, crumbs, name_field, new};
use crate::form::Posted;
use crate::page::{Drawn, Page, Visit};
use crate::spend;
use crate::ui::{Breadcrumb, Button, ButtonKind, Columns, PageHead, Section, UrlNotice, html};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::project::ProductLine;
use domain::spend::Dimension;
use leptos::prelude::*;

fn part<'a>(org: &'a str, line: &'a ProductLine) -> Part<'a> {
    Part { org, kind: "product-line", slug: line.slug.as_str(), archived: line.archived_at.is_some() }
}

/// One product line.
pub(crate) async fn product_line(visit: Visit) -> Drawn {
    let (org, slug) = (visit.org(), visit.part("line"));
    let (line, members) = backend::projects::product_line_detail(&visit.backend, &visit.scope, slug).await?;
    let spend = spend::panel(&visit, SpendScope::Organization, Some((Dimension::ProductLine, slug))).await;
    let may_manage = visit.scope.sees_all() && visit.frame.may(Permission::ManageProjects);
    let head = part(org, &line).head(may_manage);
    let members = match members.as_slice() {
        [] => {
            html! { <p class="soft">"No project belongs to it. A project's page, under Edit, puts it into a product line."</p> }
        }
        members => project_list(org, members),
    };
    Ok(Page::new(
        line.name.clone(),
        view! {
            <UrlNotice known=&NOTICES/>
            <Breadcrumb crumbs=crumbs(org, None, &line.name)/>
            <PageHead title=line.name.clone()>{head}</PageHead>
            {spend}
            <Section title="Projects today">{members}</Section>
        },
    ))
}

/// What may be changed of it.
pub(crate) async fn edit_product_line(visit: Visit) -> Drawn {
    visit.scope.require_whole(Permission::ManageProjects)?;
    let org = visit.org();
    let line = backend::projects::product_line_by_slug(&visit.backend, &visit.scope, visit.part("line")).await?;
    let part = part(org, &line);
    let posted = Posted::<RenameProductLine>::here();
    let fields = name_field(&posted, &line.name);
    let naming = part.form("Name", &posted, fields, html! { <Button kind=ButtonKind::Primary>"Save"</Button> });
    let putting_away = part.putting_away::<ArchiveProductLine>([
        "Possible once no project belongs to it. Its history stays in every total.",
        "Projects can belong to it again.",
    ]);
    let title = format!("Edit {}", line.name);
    let own = (line.name.as_str(), format!("/o/{org}/product-lines/{}", line.slug));
    Ok(Page::new(
        title.clone(),
        view! {
            <Breadcrumb crumbs=crumbs(org, Some(own), "Edit")/>
            <PageHead title=title/>
            <Columns>{naming}{putting_away}</Columns>
        },
    ))
}

/// A new one.
pub(crate) async fn new_product_line(visit: Visit) -> Drawn {
    visit.scope.require_whole(Permission::ManageProjects)?;
    let posted = Posted::<CreateProductLine>::here();
    let fields = name_field(&posted, "");
    Ok(new::draw(&visit, "New product line", "Create product line", &posted, fields))
}
