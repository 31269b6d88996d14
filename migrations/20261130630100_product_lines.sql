-- Product lines: an optional level above projects, beside teams, and what belonged to which when.
create table product_lines (
    org_id uuid not null constraint product_lines_org_id_fkey references organizations on delete cascade,
    product_line_id uuid not null,
    slug text not null,
    name text not null,
    created_at timestamptz not null,
    archived_at timestamptz,
    constraint product_lines_pkey primary key (org_id, product_line_id),
    constraint product_lines_slug_key unique (org_id, slug)
);

-- Half-open spans of the organization's days, at most one product line per day; on days of no span a project has none.
create table project_product_lines (
    org_id uuid not null,
    project_id uuid not null,
    product_line_id uuid not null,
    valid_from date not null default '-infinity',
    valid_to date not null default 'infinity',
    constraint project_product_lines_pkey primary key (org_id, project_id, valid_from),
    constraint project_product_lines_project_fkey foreign key (org_id, project_id) references projects on delete cascade,
    constraint project_product_lines_line_fkey foreign key (org_id, product_line_id) references product_lines,
    constraint project_product_lines_span_check check (valid_from < valid_to)
);
create index project_product_lines_line_idx on project_product_lines (org_id, product_line_id);
