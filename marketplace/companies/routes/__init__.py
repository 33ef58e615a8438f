"""The API over companies, their people, and who is signed in."""

from marketplace.companies.routes import companies, people, session

BLUEPRINTS = [session.routes, companies.routes, people.routes]
