"""The photo box, on a good day and on bad ones."""

import pytest
import requests

from photo_box import PhotoBox

PHOTO = b"\xff\xd8 a photo \xff\xd9" * 1000


@pytest.fixture
def box(account):
    return PhotoBox(account["auth_url"], account["user"], account["key"])


def now(emulator):
    return int(emulator.ask("GET", "clock")["unix"])


def test_a_photo_comes_back_as_it_was(box):
    box.store("summer 2026/beach.jpg", PHOTO)
    assert box.fetch("summer 2026/beach.jpg") == PHOTO
    assert box.names() == ["summer 2026/beach.jpg"]


def test_other_tests_leave_nothing_here(box):
    assert box.names() == []


def test_a_link_works_for_an_hour_and_not_a_second_longer(box, emulator):
    box.store("summer 2026/beach.jpg", PHOTO)
    link = box.link("summer 2026/beach.jpg", until=now(emulator) + 3600)
    assert requests.get(link).content == PHOTO
    for offset, status in [(-1, 200), (0, 200), (1, 401)]:
        deadline = emulator.step(offset, kind="temp_url")
        assert deadline["object"] == "summer 2026/beach.jpg"
        assert requests.get(link).status_code == status
    why = emulator.ask("POST", "explain", url=link)
    assert why["cause"] == "expired"
    assert why["message"].startswith("the URL expired 1 s ago")


def test_the_session_outlives_its_token(box, emulator):
    box.store("a.jpg", PHOTO)
    emulator.step(1, kind="token")
    assert box.fetch("a.jpg") == PHOTO


def test_a_busy_cloud_costs_time_and_no_photo(box, emulator, account):
    struck = emulator.fault(
        method="PUT",
        path=f"/v1/{account['account']}/**",
        effect={"status": {"code": 503, "retry_after": 0}},
        times=2,
    )
    box.store("a.jpg", PHOTO)
    assert struck() == 2
    assert box.fetch("a.jpg") == PHOTO


def test_an_answer_that_is_lost_is_asked_for_again(box, emulator, account):
    struck = emulator.fault(
        method="PUT", path=f"/v1/{account['account']}/**", effect={"reset": "after"}, times=1
    )
    box.store("a.jpg", PHOTO)
    assert struck() == 1
    assert box.names() == ["a.jpg"]


def test_a_token_that_is_refused_is_replaced(box, emulator, account):
    struck = emulator.fault(account=account["account"], effect="refuse_token", times=1)
    box.store("a.jpg", PHOTO)
    assert struck() == 1


def test_a_cloud_that_stays_busy_is_an_error(box, emulator, account):
    emulator.fault(account=account["account"], effect={"status": {"code": 503, "retry_after": 0}})
    with pytest.raises(requests.HTTPError):
        box.store("a.jpg", PHOTO)
