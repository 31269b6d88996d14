-- Local mode without a mail server: a mail is done when it is shown at /dev/mail.
alter table mails drop constraint mails_state_check;
alter table mails add constraint mails_state_check check (state in ('queued', 'sent', 'failed', 'shown'));
