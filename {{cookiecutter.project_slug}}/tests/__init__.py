"""The tests: a specification of how sessions and sign-in behave."""
