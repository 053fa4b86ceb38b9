from __future__ import annotations

import gzip
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fittingroom.data.sources as sources
from fittingroom.data.cache import alone, array_path, cache_folder, read
from fittingroom.data.catalog import FILE_NAMES, DebianPackage
from fittingroom.data.idx import UnwritableError
from fittingroom.data.sources import fill_cache
from fittingroom.errors import DataError, DataNotFoundError
from helpers import tiny_dataset
from helpers.local_server import answer

LOCAL_RESULTS = {".lock"} | {f"{name}{ending}" for name in FILE_NAMES for ending in (".npy", ".json")}


def check_cache_holds_tiny():
    """All four files, verified, and nothing half-written."""
    folder = cache_folder("tiny")
    for file, array in zip(tiny_dataset.TINY.files, tiny_dataset.ARRAYS, strict=True):
        np.testing.assert_array_equal(read(folder, file).array, array)
    assert not list(folder.glob(".partial-*"))


def sources_of_tiny():
    return {read(cache_folder("tiny"), file).source for file in tiny_dataset.TINY.files}


def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    "place", ["home/.keras/datasets/tiny", "home/data/Tiny/raw", "workplace/data/Tiny/raw", "workplace/Tiny/raw"]
)
@pytest.mark.parametrize("gzipped", [True, False])
def test_what_other_libraries_have_is_taken_without_the_network(tiny, tmp_path, no_network, lines, place, gzipped):
    tiny_dataset.write_files(tmp_path / place, gzipped=gzipped)
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()
    assert any(line.startswith("Taking train-images-idx3-ubyte") for line in lines)


def test_files_put_into_the_cache_by_hand_are_taken_first(tiny, tmp_path, no_network, lines):
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    tiny_dataset.write_files(cache_folder("tiny"), gzipped=False)
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()
    assert all("put by hand" in source for source in sources_of_tiny())
    assert len(list(cache_folder("tiny").glob("*-ubyte"))) == 4


def test_a_bad_file_of_another_library_is_named_in_a_line_and_passed_over(tiny, tmp_path, no_network, lines):
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny", tiny_dataset.OTHER_ARRAYS)
    tiny_dataset.write_files(tmp_path / "home/data/Tiny/raw")
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()
    assert any(line.startswith("Not taken: ") and "of Other (by its SHA-256)" in line for line in lines)
    assert all("torchvision" in source for source in sources_of_tiny())


def test_a_folder_of_another_library_that_cannot_be_searched_is_passed_over(tiny, tmp_path, monkeypatch, lines):
    keras = tmp_path / "home/.keras/datasets/tiny"
    tiny_dataset.write_files(tmp_path / "home/data/Tiny/raw")
    exists = Path.exists

    def refuse(self):
        if self.parent == keras:
            raise PermissionError(13, "Permission denied")
        return exists(self)

    monkeypatch.setattr(Path, "exists", refuse)
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()
    assert any(line.startswith("Not searched: ") and "Permission denied" in line for line in lines)


def test_an_unpacked_file_is_taken_where_the_gzipped_one_beside_it_is_bad(tiny, tmp_path, no_network, lines):
    folder = tiny_dataset.write_files(tmp_path / "home/data/Tiny/raw", gzipped=False)
    (folder / f"{FILE_NAMES[0]}.gz").write_bytes(b"\x1f\x8b")
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()


def test_a_truncated_file_in_our_cache_is_replaced_from_elsewhere_and_not_failed_on(tiny, tmp_path, no_network, lines):
    bad = cache_folder("tiny") / f"{FILE_NAMES[0]}.gz"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x40" + bytes(64))[:30])
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    fill_cache(tiny, lines.append)
    check_cache_holds_tiny()
    assert not bad.exists()
    assert f"Replacing {bad}." in lines


def test_a_truncated_array_in_our_cache_is_replaced(tiny, tmp_path, no_network):
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    fill_cache(tiny, print)
    path = array_path(cache_folder("tiny"), tiny.files[0])
    path.write_bytes(path.read_bytes()[:100])
    fill_cache(tiny, print)
    check_cache_holds_tiny()


def test_mirrors_are_asked_where_this_disk_has_nothing(tiny_mirror, with_mirrors, lines):
    fill_cache(with_mirrors(tiny_mirror.url), lines.append)
    check_cache_holds_tiny()
    assert sources_of_tiny() == {tiny_mirror.url}
    assert {path.name for path in cache_folder("tiny").iterdir()} == LOCAL_RESULTS


def test_only_what_is_missing_is_fetched(tiny_mirror, with_mirrors, tmp_path, lines):
    folder = tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    (folder / f"{FILE_NAMES[3]}.gz").unlink()
    fill_cache(with_mirrors(tiny_mirror.url), lines.append)
    check_cache_holds_tiny()
    assert tiny_mirror.asked == [f"/{FILE_NAMES[3]}.gz"]


def test_a_mirror_that_cannot_be_reached_is_left_at_once_for_all_files(tiny_mirror, with_mirrors, lines):
    dead = f"http://127.0.0.1:{unused_port()}/"
    fill_cache(with_mirrors(dead, tiny_mirror.url), lines.append)
    check_cache_holds_tiny()
    assert [line for line in lines if line.startswith(f"Fetching {dead}")] == [f"Fetching {dead}{FILE_NAMES[0]}.gz"]
    assert any("cannot be reached" in line and f"Leaving {dead}" in line for line in lines)


def test_a_file_that_one_mirror_lacks_comes_from_the_next(tiny_mirror, with_mirrors, lines):
    body = tiny_mirror.files.pop(f"/{FILE_NAMES[2]}.gz")
    tiny_mirror.files[f"/second/{FILE_NAMES[2]}.gz"] = body
    fill_cache(with_mirrors(tiny_mirror.url, f"{tiny_mirror.url}second/"), lines.append)
    check_cache_holds_tiny()
    assert tiny_mirror.asked[-1] == f"/second/{FILE_NAMES[2]}.gz"
    assert len(tiny_mirror.asked) == 5


@pytest.mark.parametrize("body", [b"<html>log in</html>", gzip.compress(b"<html>", mtime=0), b"", b"\x1f\x8b\x08"])
def test_what_is_no_data_is_never_kept(tiny_mirror, with_mirrors, lines, body):
    tiny_mirror.files[f"/{FILE_NAMES[1]}.gz"] = body
    with pytest.raises(DataNotFoundError, match=rf"Tiny: no source has .*{FILE_NAMES[1]}.gz"):
        fill_cache(with_mirrors(tiny_mirror.url), lines.append)
    assert not array_path(cache_folder("tiny"), tiny_dataset.TINY.files[1]).exists()
    assert not list(cache_folder("tiny").glob("*.gz"))
    assert not list(cache_folder("tiny").glob(".partial-*"))


def test_offline_never_touches_the_network(with_mirrors, no_network, monkeypatch, lines):
    monkeypatch.setenv("FITTINGROOM_OFFLINE", "1")
    known = replace(with_mirrors("http://127.0.0.1:1/"), debian=DebianPackage("p", "f"))
    with pytest.raises(DataNotFoundError, match="FITTINGROOM_OFFLINE is set, so the network was not asked"):
        fill_cache(known, lines.append)
    assert lines == []


def test_offline_set_to_0_is_online(monkeypatch):
    monkeypatch.setenv("FITTINGROOM_OFFLINE", "0")
    assert not sources.is_offline()


def test_without_any_source_the_four_names_and_the_exact_folder_are_named_and_files_put_there_are_taken(
    with_mirrors, lines
):
    known = with_mirrors(f"http://127.0.0.1:{unused_port()}/")
    with pytest.raises(DataNotFoundError) as caught:
        fill_cache(known, lines.append)
    message = str(caught.value)
    assert all(f"{name}.gz" in message for name in FILE_NAMES)
    assert f"into {cache_folder('tiny')} and try again" in message
    assert "cannot be reached" in message
    assert "\n" not in message
    tiny_dataset.write_files(cache_folder("tiny"))
    fill_cache(known, lines.append)
    check_cache_holds_tiny()


def test_debians_package_is_the_last_source(with_mirrors, monkeypatch, lines):
    known = replace(with_mirrors(f"http://127.0.0.1:{unused_port()}/"), debian=DebianPackage("tiny-data", "usr/tiny"))

    def unpack(package, work, log):
        assert package == "tiny-data"
        tiny_dataset.write_files(work / "root" / "usr" / "tiny")
        return work / "root"

    monkeypatch.setattr(sources.debian, "is_possible", lambda: True)
    monkeypatch.setattr(sources.debian, "unpack", unpack)
    fill_cache(known, lines.append)
    check_cache_holds_tiny()
    assert sources_of_tiny() == {"Debian's package tiny-data"}


def test_on_another_system_debians_package_is_passed_over_with_a_reason(tiny, monkeypatch, lines):
    monkeypatch.setattr(sources.debian, "is_possible", lambda: False)
    with pytest.raises(DataNotFoundError, match="No apt-get and dpkg-deb on this machine"):
        fill_cache(replace(tiny, debian=DebianPackage("p", "f")), lines.append)


def test_a_fault_of_the_package_is_part_of_the_last_message(tiny, monkeypatch, lines):
    def unpack(package, work, log):
        raise DataError("Debian: no such package.")

    monkeypatch.setattr(sources.debian, "is_possible", lambda: True)
    monkeypatch.setattr(sources.debian, "unpack", unpack)
    with pytest.raises(DataNotFoundError, match=r"What was tried: Debian: no such package"):
        fill_cache(replace(tiny, debian=DebianPackage("p", "f")), lines.append)


def test_a_full_disk_ends_the_search_at_once(tiny_mirror, with_mirrors, monkeypatch, lines):
    def fill(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fittingroom.data.cache.np.save", fill)
    with pytest.raises(DataError, match=r"could not be written, received 'No space left on device'. Free 200 MB"):
        fill_cache(with_mirrors(tiny_mirror.url), lines.append)
    assert len(tiny_mirror.asked) == 1
    assert {path.name for path in cache_folder("tiny").iterdir()} == {".lock"}


def full_disk(*arguments, **options):
    raise UnwritableError("the disk is full")


def test_a_disk_that_fills_up_during_a_download_ends_the_search_at_once(with_mirrors, monkeypatch, lines):
    monkeypatch.setattr(sources, "download", full_disk)
    with pytest.raises(UnwritableError, match="the disk is full"):
        fill_cache(with_mirrors("https://a.invalid/", "https://b.invalid/"), lines.append)
    assert lines == []


def test_a_disk_that_fills_up_while_a_package_is_unpacked_ends_the_search(tiny, monkeypatch, lines):
    monkeypatch.setattr(sources.debian, "is_possible", lambda: True)
    monkeypatch.setattr(sources.debian, "unpack", full_disk)
    with pytest.raises(UnwritableError, match="the disk is full"):
        fill_cache(replace(tiny, debian=DebianPackage("p", "f")), lines.append)


SECOND = """
import sys
sys.path.insert(0, {tests!r})
from dataclasses import replace
from helpers import tiny_dataset
from fittingroom.data import load
tiny_dataset.install(replace(tiny_dataset.TINY, mirrors=(sys.argv[1],)))
print(load("tiny", log=print).train.images.sum())
"""


def test_two_processes_that_fetch_at_once_both_end_well_and_only_one_fetches(tiny_mirror, tmp_path):
    first = f"/{FILE_NAMES[0]}.gz"
    body = tiny_mirror.files[first]

    def slowly(handler):
        tiny_mirror.ended.wait(0.2)
        answer(body)(handler)

    tiny_mirror.answers[first] = slowly
    script = SECOND.format(tests=str(Path(__file__).parent.parent))
    command = [sys.executable, "-c", script, tiny_mirror.url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    words = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert [line.splitlines()[-1] for line in words] == [str(tiny_dataset.ARRAYS[0].sum())] * 2
    assert sorted(tiny_mirror.asked) == sorted(f"/{name}.gz" for name in FILE_NAMES)
    check_cache_holds_tiny()


def test_a_process_that_waits_says_so(tiny, tmp_path, lines):
    folder = cache_folder("tiny")
    holder = f"""
import sys
from pathlib import Path
from fittingroom.data.cache import alone
with alone(Path({str(folder)!r}), print):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"

        def log(line):
            lines.append(line)
            process.stdin.close()

        with alone(folder, log):
            pass
        process.wait()
    assert lines == [f"Waiting for another process that is filling {folder}."]
