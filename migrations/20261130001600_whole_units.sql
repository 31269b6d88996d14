-- Whether a begun unit is charged as a whole one, as OpenAI does with seconds of a transcription.
alter table prices
    add column quantity_whole boolean not null default false;
