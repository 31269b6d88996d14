-- What was drawn beside what became of it: the pieces from which a copy's content is put together (see template.rs).
create unlogged table drawn (
    at timestamptz not null,
    customer integer not null,
    request text,
    session text,
    words text not null,
    status text not null,
    usage text not null
);
