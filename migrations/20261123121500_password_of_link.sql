-- A sign-up's password comes into force with the link of its own mail.
-- Otherwise whoever signed up first with a stranger's address would know the password after the stranger verified it.
alter table user_tokens add column password_hash text;
