"""Sign-in through a provider that speaks OpenID Connect: docs/sign-in.md.

`provider` reads who it is; `protocol` talks to it, by django-allauth, and is imported only where
one is set. Whose account an identity opens: annotate/services/people/identities.py.
"""
