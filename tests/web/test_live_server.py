"""The server that the browser tests talk to."""

from urllib.request import urlopen

from ground.models import Industry


def test_the_server_answers_from_the_tests_own_database(asgi_url):
    with urlopen(f"{asgi_url}/static/css/tokens.css") as answer:
        assert answer.status == 200


def test_what_the_migrations_loaded_is_there_again_after_a_test_that_commits(asgi_url):
    assert Industry.objects.count() == 16
