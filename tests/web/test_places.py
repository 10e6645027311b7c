"""Who gets a place for a connection, and who gives way: as tables, without a socket."""

from __future__ import annotations

from watchdog.web.places import Places

EVE, BOB, KUBELET = "192.0.2.66", "198.51.100.9", "10.0.0.1"


def test_while_there_is_room_no_connection_is_closed() -> None:
    places: Places[str] = Places(most=3, share=2, kept=1)
    assert [places.arrive(name, EVE) for name in ("a", "b")] == [None, None]


def test_the_oldest_of_its_own_address_that_asked_nothing_gives_way() -> None:
    places: Places[str] = Places(most=10, share=2, kept=1)
    places.arrive("bob", BOB)
    places.arrive("asked", EVE)
    places.finished("asked", probe=False)
    places.arrive("first", EVE)
    places.arrive("second", EVE)
    assert places.arrive("third", EVE) == "first"
    assert places.arrive("fourth", EVE) == "second"


def test_where_all_places_are_taken_the_address_that_holds_most_gives_way() -> None:
    places: Places[str] = Places(most=4, share=3, kept=0)
    for name in ("e1", "e2", "e3"):
        places.arrive(name, EVE)
    places.arrive("bob", BOB)
    assert places.arrive("new", "203.0.113.5") == "e1"
    assert places.arrive("new2", "203.0.113.6") == "e2"


def test_who_has_asked_something_never_gives_way_and_probes_have_places_kept() -> None:
    places: Places[str] = Places(most=2, share=2, kept=5)
    places.arrive("probe", KUBELET)
    places.finished("probe", probe=True)
    places.leave("probe")
    for name in ("a", "b"):
        places.arrive(name, EVE)
        places.finished(name, probe=False)
    assert places.arrive("more", EVE) == "more", "no connection can be closed for it, and its address sent no probe"
    assert places.arrive("again", KUBELET) is None
    places.finished("again", probe=True)
    assert places.arrive("inside", "127.0.0.1") is None
    assert places.arrive("bob", BOB) == "inside", "what is kept and asks nothing gives way, too"


def test_a_connection_that_is_made_to_wait_gives_way_like_one_that_asked_nothing() -> None:
    places: Places[str] = Places(most=4, share=2, kept=0)
    for name in ("a", "b", "c"):
        places.arrive(name, EVE)
        places.finished(name, probe=False)
    assert [places.waits(name) for name in ("a", "b", "c")] == [None, None, "a"]
    places.finished("b", probe=False)
    assert places.arrive("d", EVE) is None
    assert places.arrive("e", EVE) == "c"


def test_one_address_does_not_take_all_kept_places() -> None:
    places: Places[int] = Places(most=1, share=50, kept=32)
    places.arrive(0, EVE)
    places.finished(0, probe=False)
    taken = []
    for number in range(1, 20):
        taken.append(places.arrive(number, "127.0.0.1"))
        places.finished(number, probe=True)
    assert taken.count(None) == 4


def test_the_neighbours_of_one_ipv6_network_share() -> None:
    places: Places[str] = Places(most=10, share=2, kept=0)
    places.arrive("a", "2001:db8::1")
    places.arrive("b", "2001:db8::2")
    assert places.arrive("c", "2001:db8::3") == "a"


def test_places_are_given_back() -> None:
    places: Places[int] = Places(most=3, share=3, kept=0)
    for number in range(100):
        assert places.arrive(number, EVE) is None
        assert not places.crowded
        places.leave(number)
