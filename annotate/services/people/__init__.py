"""Who is here and how they stand: accounts, members, teams, consent, profiles, pay."""
