-- How the usage of a key is billed is a rule of a further kind.
alter table rules
    drop constraint rules_kind_check,
    add constraint rules_kind_check check (
        kind in (
            'price_override', 'price_modifier', 'model_alias', 'contract_term', 'cost_basis', 'charge', 'allocation',
            'billing_basis'
        )
    );
