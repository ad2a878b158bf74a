"""``proxflow doctor``."""

from __future__ import annotations

from importlib import metadata

import pytest

from proxflow.tasks import doctor, doctor_disk


def states(ended) -> dict[str, str]:
    return {check["name"]: check["state"] for check in ended.json["checks"]}


def test_doctor_finds_a_sound_installation(cli, store) -> None:
    ended = cli("doctor", "--json")
    assert ended.code == 0, ended.out
    assert "fail" not in states(ended).values()
    assert not store.exists()
    assert "ready" in cli("doctor").out


def test_doctor_fails_a_library_outside_the_tested_range(cli, monkeypatch) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1" if name == "numpy" else real(name))
    ended = cli("doctor", "--json")
    assert ended.code == 1
    assert states(ended)["libraries"] == "fail"
    found = next(check for check in ended.json["checks"] if check["name"] == "libraries")
    assert found["found"].startswith("numpy 0.1 (tested: >=")
    assert found["advice"]


def test_doctor_fails_without_an_answer_from_prefect(cli, monkeypatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")  # port 9: discard, nobody listens
    ended = cli("doctor")
    assert ended.code == 1
    assert "no answer from PREFECT_API_URL" in ended.out.replace("\n", " ")
    assert "prefect server start" in ended.out


def test_doctor_fails_a_sample_that_changed(cli, monkeypatch) -> None:
    monkeypatch.setattr(doctor, "SHIPPED_DIGEST", "0" * 40)
    assert states(cli("doctor", "--json"))["sample scan"] == "fail"


def test_doctor_fails_wrong_arithmetic(cli, monkeypatch) -> None:
    from proxflow.operators import fourier

    right = fourier.fft2c
    monkeypatch.setattr(fourier, "fft2c", lambda x: 1.001 * right(x))
    assert states(cli("doctor", "--json"))["self-test"] == "fail"


def test_doctor_reports_a_check_that_breaks_as_a_failure(cli, monkeypatch) -> None:
    def breaks() -> doctor.Finding:
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "_torch", breaks)
    ended = cli("doctor", "--json")
    assert ended.code == 1
    assert states(ended)["torch"] == "fail"


def test_doctor_warns_of_a_full_disk(cli, monkeypatch) -> None:
    monkeypatch.setattr(doctor_disk, "LOW_SPACE_BYTES", 1 << 60)
    ended = cli("doctor", "--json")
    assert ended.code == 0
    assert states(ended)["store"] == "warn"


@pytest.mark.parametrize("root", ["store", "deep/er/store"])
def test_doctor_does_not_make_the_store(cli, tmp_path, root) -> None:
    cli("doctor", "--store", tmp_path / root)
    assert not any(tmp_path.iterdir())
