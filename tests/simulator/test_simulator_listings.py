"""What the listing endpoints answer, page by page, and that it has the documented fields."""

from __future__ import annotations

import pytest

from watchdog.simulator import Dialect, Fleet


def test_an_account_of_250_connectors_needs_every_page(account):
    acct = account(sources=250)
    default = acct.get("/sources")
    assert (len(default["result"]), default["page_size"], default["total"], default["has_next"]) == (10, 10, 250, True)
    pages = [acct.get("/sources", page=number, page_size=100) for number in (1, 2, 3, 4)]
    assert [len(page["result"]) for page in pages] == [100, 100, 50, 0]
    assert [page["has_next"] for page in pages] == [True, True, False, False]
    ids = [item["id"] for page in pages for item in page["result"]]
    assert len(set(ids)) == 250


@pytest.mark.parametrize(
    ("paging", "total", "has_next"),
    [("both", 12, True), ("total", 12, None), ("has_next", None, True), ("none", None, None)],
)
def test_total_and_has_next_may_be_null(account, paging, total, has_next):
    page = account(dialect=Dialect(paging=paging)).get("/sources")
    assert (page["total"], page["has_next"]) == (total, has_next)


@pytest.mark.parametrize("query", [{"page_size": 101}, {"page_size": 0}, {"page_size": "ten"}, {"page": 0}])
def test_a_page_that_cannot_be_is_refused_as_fastapi_does(account, query):
    answer = account().http.get("/sources", params=query)
    assert answer.status_code == 422
    (mistake,) = answer.json()["detail"]
    assert mistake["loc"] == ["query", *query]
    assert {"msg", "type"} <= mistake.keys()


DOCUMENTED = {
    "/sources": "name connector id connector_display_name created_timestamp sub_id tenant_id service_id config "
    "topic_ids topic_map topics tasks connector_status task_statuses desired_state tags",
    "/destinations": "name connector id connector_display_name created_timestamp sub_id tenant_id config topic_ids "
    "topic_map topics tasks connector_status task_statuses",
    "/pipelines": "name sub_id tenant_id id snapshot_new_tables topic_ids topics source destination transforms tags "
    "periodic_audit",
    "/transforms": "id name",
    "/transforms/details": "metrics config id name transform_type sql_query topic topic_id topics topic_ids",
    "/topics/details": "id name entity prefix serialization",
    "/tags": "id name",
}  # fmt: skip


@pytest.mark.parametrize("path", DOCUMENTED)
def test_items_have_the_documented_fields(account, path):
    page = account().get(path)
    assert page.keys() == {"result", "page", "page_size", "total", "has_next"}
    assert page["result"]
    for item in page["result"]:
        assert set(DOCUMENTED[path].split()) <= item.keys()


def test_ids_look_like_those_of_the_api(account):
    acct = account()
    for path in ("/sources", "/destinations", "/pipelines", "/transforms", "/tags"):
        for item in acct.get(path)["result"]:
            assert len(item["id"]) == 24
            assert int(item["id"], 16) > 0
    for item in acct.get("/sources")["result"]:
        assert item["topic_ids"] == [f"source_{item['id']}.{topic}" for topic in item["topics"]]


def test_a_pipeline_holds_its_source_destination_and_transforms_whole(account):
    acct = account()
    found = acct.listed("/pipelines", "prod-payments-to-analytics")
    assert found["source"] == acct.listed("/sources", "prod-payments")
    assert found["destination"] == acct.listed("/destinations", "analytics")
    assert [job["name"] for job in found["transforms"]] == ["prod-payments-clean"]


def test_tags_are_ids_that_tags_resolves(account):
    acct = account()
    names = {tag["id"]: tag["name"] for tag in acct.get("/tags", page_size=100)["result"]}
    wanted = acct.listed("/sources", "prod-orders")["tags"]
    assert [names[id] for id in wanted] == ["production", "tier-1"]
    asked = acct.get("/tags", tag_ids=",".join(wanted))["result"]
    assert [tag["name"] for tag in asked] == ["production", "tier-1"]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/sources", {"partial_name": "orders"}, ["prod-orders", "staging-orders"]),
        ("/sources", {"connector": "mongodb,oracle"}, ["prod-customers", "prod-billing"]),
        ("/sources", {"status": "Paused"}, ["prod-billing"]),
        ("/sources", {"partial_name": "orders", "sort": "name", "sort_dir": "desc"}, ["staging-orders", "prod-orders"]),
        ("/destinations", {"partial_name": "re"}, ["warehouse", "reporting"]),
        ("/transforms/details", {"partial_name": "join"}, []),
        ("/topics/details", {"partial_name": "deadletterqueue", "include_dlq": "false"}, []),
        ("/topics/details", {"entity_type": "destinations"}, ["streamkap.deadletterqueue"] * 3),
    ],
)
def test_filters(account, path, query, expected):
    acct = account()
    acct.sim.state("prod-billing", "Paused")
    assert [item["name"] for item in acct.get(path, **query)["result"]] == expected


def test_one_entity_comes_in_the_same_envelope_and_an_unknown_id_in_an_empty_one(account):
    acct = account()
    id = acct.id("prod-orders")
    assert [item["id"] for item in acct.get(f"/sources/{id}")["result"]] == [id]
    assert acct.get(f"/sources/{'0' * 24}")["result"] == []


def test_a_job_that_is_not_there_is_400_as_the_api_words_it(account):
    acct = account()
    job = acct.sim.fleet.transforms[0]
    assert acct.get(f"/transforms/{job.id}/job_status")["status"] == "RUNNING"
    answer = acct.http.get(f"/transforms/{'0' * 24}/job_status")
    assert (answer.status_code, answer.json()["detail"]) == (400, "Transform not found")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/sources", 405)])
def test_what_is_not_there_is_told(account, method, path, status):
    answer = account().http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("status", ["status"] * 3), ("state", ["state"] * 3), ("mixed", ["status", "state", "status"])],
)
def test_task_statuses_under_either_key(account, key, expected):
    item = account(dialect=Dialect(task_key=key)).listed("/sources", "prod-customers")
    assert item["tasks"] == [0, 1, 2]
    assert item["task_statuses"] == {str(n): {word: "RUNNING"} for n, word in enumerate(expected)}


def test_fields_of_tomorrow(account):
    assert "a_field_of_tomorrow" in account(dialect=Dialect(unknown_fields=True)).listed("/sources", "prod-orders")


def test_a_fleet_is_the_same_for_the_same_seed_and_another_for_another():
    assert Fleet.generate(3, 40) == Fleet.generate(3, 40)
    one, other = Fleet.generate(3, 40), Fleet.generate(4, 40)
    assert not {source.id for source in one.sources} & {source.id for source in other.sources}
    assert [source.name for source in one.sources] == [source.name for source in other.sources]


@pytest.mark.parametrize("count", [0, 1, 2, 12, 250, 3000])
def test_names_and_ids_are_unique_in_fleets_of_any_size(count):
    fleet = Fleet.generate(1, count)
    assert len(fleet.sources) == count
    for kind in (fleet.sources, fleet.destinations, fleet.transforms, fleet.pipelines):
        assert len({entity.name for entity in kind}) == len(kind)
    assert len(fleet.by_id) == len(fleet.all)
    assert {pipeline.source for pipeline in fleet.pipelines} == {source.id for source in fleet.sources}
    assert {pipeline.destination for pipeline in fleet.pipelines} == {found.id for found in fleet.destinations}
