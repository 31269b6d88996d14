-- Users, their sign-ins, organizations and members.
-- users, sign_ins, user_tokens and organizations belong to no single organization: reference tables when distributed.

create table users (
    user_id uuid constraint users_pkey primary key,
    -- Trimmed and lower case: domain::identity::Email.
    email text not null constraint users_email_key unique,
    email_verified_at timestamptz,
    -- PHC string of argon2id.
    password_hash text not null,
    created_at timestamptz not null
);

-- One row per cookie. The cookie holds a random token; only its SHA-256 is stored.
-- A row without user_id is a visitor's (flash notices, sign-in rate limits).
create table sign_ins (
    token_hash bytea constraint sign_ins_pkey primary key,
    sign_in_id uuid not null constraint sign_ins_sign_in_id_key unique,
    user_id uuid constraint sign_ins_user_id_fkey references users on delete cascade,
    data jsonb not null,
    user_agent text not null default '',
    address text not null default '',
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null
);
create index sign_ins_user_id_idx on sign_ins (user_id);
create index sign_ins_expires_at_idx on sign_ins (expires_at);

-- Links sent by mail: each works once and not for long.
create table user_tokens (
    token_hash bytea constraint user_tokens_pkey primary key,
    user_id uuid not null constraint user_tokens_user_id_fkey references users on delete cascade,
    purpose text not null constraint user_tokens_purpose_check check (purpose in ('verify_email', 'reset_password')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index user_tokens_user_id_idx on user_tokens (user_id);

create table organizations (
    org_id uuid constraint organizations_pkey primary key,
    slug text not null constraint organizations_slug_key unique,
    name text not null,
    -- IANA name; days and months of every number are this zone's.
    time_zone text not null,
    currency text not null default 'USD' constraint organizations_currency_check check (currency = 'USD'),
    fiscal_year_start_month smallint not null default 1
        constraint organizations_fiscal_year_check check (fiscal_year_start_month between 1 and 12),
    is_sample boolean not null default false,
    created_at timestamptz not null
);

create table members (
    org_id uuid not null constraint members_org_id_fkey references organizations on delete cascade,
    user_id uuid not null constraint members_user_id_fkey references users on delete cascade,
    role text not null constraint members_role_check check (role in ('owner', 'admin', 'finance', 'member', 'viewer')),
    joined_at timestamptz not null,
    constraint members_pkey primary key (org_id, user_id)
);
create index members_user_id_idx on members (user_id);

create table invitations (
    org_id uuid not null constraint invitations_org_id_fkey references organizations on delete cascade,
    invitation_id uuid not null,
    email text not null,
    role text not null constraint invitations_role_check check (role in ('owner', 'admin', 'finance', 'member', 'viewer')),
    token_hash bytea not null,
    invited_by uuid constraint invitations_invited_by_fkey references users on delete set null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    constraint invitations_pkey primary key (org_id, invitation_id)
);
-- One open invitation per address.
create unique index invitations_open_key on invitations (org_id, email) where accepted_at is null and revoked_at is null;
