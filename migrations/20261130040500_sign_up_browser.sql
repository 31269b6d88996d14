-- The browser that signed up, by the hash of its cookie: there the link alone signs in.
alter table user_tokens add column browser_hash bytea;
