"""Who is told, and what: routes, groups, the ledger, messages. Decides and words; sends nothing."""
