import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from refport.secret_key import derived, key_file, secret_keys_of
from refport.settings import InvalidSettings, Settings


def at(folder: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{folder}/books.db", database_file=folder / "books.db")


def test_the_first_start_makes_a_key_and_keeps_it_beside_the_database(tmp_path: Path) -> None:
    keys = secret_keys_of(at(tmp_path))

    assert 1 == len(keys)
    assert len(keys[0]) >= 43
    assert 0o600 == stat.S_IMODE((tmp_path / "books.key").stat().st_mode)
    assert keys == secret_keys_of(at(tmp_path))
    assert ["books.key"] == [path.name for path in tmp_path.iterdir()]


def test_processes_that_begin_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: secret_keys_of(at(tmp_path / "new")), range(16)))

    assert 1 == len(keys)


def test_a_lost_key_is_not_replaced_in_silence(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_bytes(b"books")

    with pytest.raises(InvalidSettings, match="backup"):
        secret_keys_of(at(tmp_path))
    assert not (tmp_path / "books.key").exists()


def test_an_empty_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "books.key").touch()

    with pytest.raises(InvalidSettings, match="empty"):
        secret_keys_of(at(tmp_path))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidSettings, match=r"books\.key"):
        secret_keys_of(at(tmp_path / "file"))


def test_a_stated_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Settings(secret_keys=("a", "b"), database_file=tmp_path / "books.db")

    assert ("a", "b") == secret_keys_of(settings)
    assert key_file(settings) is None
    assert not list(tmp_path.iterdir())


def test_books_in_memory_have_a_key_that_ends_with_them() -> None:
    settings = Settings(persistence="memory", database_file=None)

    assert secret_keys_of(settings) != secret_keys_of(settings)


def test_each_purpose_has_its_own_key() -> None:
    assert 3 == len({derived("secret", "clicks"), derived("secret", "connections"), derived("other", "clicks")})
    assert derived("secret", "clicks") == derived("secret", "clicks")
