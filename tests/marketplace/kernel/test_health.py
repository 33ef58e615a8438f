"""/health and /ready tell the truth."""

from marketplace.kernel.access import ANONYMOUS


def test_health_answers(client_as):
    answer = client_as(ANONYMOUS).get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_operations_are_for_operators(client_as):
    answer = client_as(ANONYMOUS).get("/v1/operations")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["title"] == "Sign in required"
