-- Places the tables on the servers of a Citus cluster. Tables that are placed already stay as they are.
create temp table to_place on commit drop as
-- By name: Citus gives a table that it takes over another number.
select class.relname::text as name,
    -- What leads its primary key with the organization is an organization's own; the rest is everywhere.
    class.relname <> 'organizations' and exists (
        select 1 from pg_index join pg_attribute as column_ on column_.attrelid = class.oid and column_.attnum = indkey[0]
        where indrelid = class.oid and indisprimary and column_.attname = 'org_id'
    ) as is_distributed,
    exists (select 1 from pg_dist_partition where logicalrelid = class.oid) as is_placed
from pg_class as class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> '_sqlx_migrations';

-- A key between two distributed tables can be made only when both are placed.
create temp table between_them on commit drop as
select conrelid::regclass::text as name, conname, pg_get_constraintdef(key.oid) as definition
from pg_constraint as key
join to_place as from_ on from_.name = conrelid::regclass::text and from_.is_distributed
join to_place as to_ on to_.name = confrelid::regclass::text and to_.is_distributed
where contype = 'f' and conparentid = 0 and not (from_.is_placed and to_.is_placed);

do $$
declare
    one record;
begin
    for one in select * from between_them loop
        execute format('alter table %s drop constraint %I', one.name, one.conname);
    end loop;
    -- Those that others refer to come first.
    for one in select * from to_place where not is_placed and not is_distributed
        order by name not in ('users', 'organizations'), name
    loop
        perform create_reference_table(one.name::regclass);
    end loop;
    for one in select * from to_place where not is_placed and is_distributed order by name loop
        perform create_distributed_table(one.name::regclass, 'org_id');
    end loop;
    for one in select * from between_them loop
        execute format('alter table %s add constraint %I %s', one.name, one.conname, one.definition);
    end loop;
end $$;

-- A transaction may change an organization's row after it has read or written what is distributed: so shards are changed one after the other, in every session from now on.
do $$ begin
    execute format('alter database %I set citus.multi_shard_modify_mode = ''sequential''', current_database());
end $$;
