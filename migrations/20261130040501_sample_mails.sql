-- Mails of the sample organization's budgets are kept to be looked at and never sent.
alter table mails drop constraint mails_state_check;
alter table mails add constraint mails_state_check
    check (state in ('queued', 'sent', 'failed', 'shown', 'sample'));
