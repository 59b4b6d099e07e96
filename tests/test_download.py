"""A machine with a network and no data: a server on this machine stands where Keras's does."""

import hashlib
import importlib.util
import io
import os
import pickle
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from thesis_lib import data, download, sources

Answer = Callable[[BaseHTTPRequestHandler, threading.Event], None]


def sending(content: bytes, *, claimed: int | None = None, status: int = 200) -> Answer:
    """Answer with a content, whatever length the head claims."""

    def answer(request: BaseHTTPRequestHandler, end: threading.Event) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if claimed is None else claimed))
        request.end_headers()
        request.wfile.write(content)

    return answer


def silent(request: BaseHTTPRequestHandler, end: threading.Event) -> None:
    end.wait()


def stalling(request: BaseHTTPRequestHandler, end: threading.Event) -> None:
    sending(b"PK\x03\x04", claimed=11_490_434)(request, end)
    request.wfile.flush()
    end.wait()


def dripping(request: BaseHTTPRequestHandler, end: threading.Event) -> None:
    sending(b"", claimed=11_490_434)(request, end)
    while not end.wait(0.05):
        request.wfile.write(b"PK")
        request.wfile.flush()


def npz(**changes: np.ndarray) -> bytes:
    """Return a file of Keras's layout; nothing in it is MNIST's."""
    arrays = {
        "x_train": np.zeros((5, 28, 28), np.uint8),
        "y_train": np.zeros(5, np.uint8),
        "x_test": np.zeros((5, 28, 28), np.uint8),
        "y_test": np.zeros(5, np.uint8),
    }
    file = io.BytesIO()
    np.savez(file, **(arrays | changes))
    return file.getvalue()


@pytest.fixture(scope="module")
def real_npz(mnist: data.Dataset) -> bytes:
    labels = {key: getattr(mnist, key).astype(np.uint8) for key in ("y_train", "y_test")}
    return npz(x_train=mnist.x_train, x_test=mnist.x_test, **labels)


class Server:
    """What a machine finds at Keras's address."""

    def __init__(self) -> None:
        self.answer: Answer = silent
        self.requests: list[str] = []
        self.end = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                try:
                    outer.answer(self, outer.end)
                except OSError:  # the other side has gone
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.end.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Set up a machine without data whose network leads here, to servers of little patience."""
    here = Server()
    monkeypatch.delenv("THESIS_LIB_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(sources, "_MNIST_URL", f"{here.address}/mnist.npz")
    monkeypatch.setattr(sources, "_CIFAR_URL", f"{here.address}/cifar.tar.gz")
    monkeypatch.setattr(download, "_DECISION_SECONDS", 0.4)
    monkeypatch.setattr(download, "_refused", {})
    sources.mnist.cache_clear()
    yield here
    sources.mnist.cache_clear()
    here.close()


def kept(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "keras").rglob("*") if path.is_file()]


def test_the_addresses_are_keras_s() -> None:
    """Both, and the sum that fixes the pickle in the archive, as this version of Keras has them."""
    folder, _, name = sources._MNIST_URL.rpartition("/")
    spec = importlib.util.find_spec("keras")  # to read it only: importing takes seconds
    keras = Path(spec.submodule_search_locations[0]) / "src" / "datasets"
    mnist, cifar = ((keras / f"{name}.py").read_text("utf-8") for name in ("mnist", "cifar10"))
    assert f'"{folder}/"' in mnist
    assert f'path="{name}"' in mnist
    assert f'"{sources._CIFAR_URL}"' in cifar
    assert f'"{sources._CIFAR_SHA256}"' in cifar
    assert f'"{sources._CIFAR_FILE.removesuffix("_archive")}"' in cifar


def test_mnist_is_downloaded_verified_and_kept(
    mnist: data.Dataset,
    real_npz: bytes,
    server: Server,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answer = sending(real_npz)
    loaded = data.load("mnist", fallback="digits")
    assert (loaded.name, loaded.source) == ("mnist", "the network")
    np.testing.assert_array_equal(loaded.x_test, mnist.x_test)
    assert kept(tmp_path) == ["mnist.npz"]
    sources.mnist.cache_clear()
    assert data.load("mnist").source == "Keras's cache"
    assert server.requests == ["/mnist.npz"]
    assert capfd.readouterr() == ("", "")  # no bar with control characters on a page


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (silent, "no answer|timed out"),
        (stalling, "timed out"),
        (dripping, "slower than 20 kB a second"),
        (sending(b"", status=404), "404"),
        (sending(b"", status=503), "503"),
        (sending(b""), "damaged or another file"),
        (sending(b"<html>Log in to this network</html>"), "damaged or another file"),
        (sending(npz()), "damaged or another file"),
        (sending(npz()[:-30], claimed=len(npz())), "damaged or another file"),
        (sending(npz(x_train=np.array([print], dtype=object))), "damaged or another file"),
    ],
    ids=["silent", "stalls", "drips", "404", "503", "empty", "portal", "other", "cut", "pickle"],
)
def test_a_bad_server_leads_to_the_digits(
    answer: Answer, reason: str, server: Server, tmp_path: Path
) -> None:
    server.answer = answer
    loaded = data.load("mnist", fallback="digits")
    assert loaded.name == "digits"
    assert "**No MNIST was found when this page was built**" in loaded.note
    with pytest.raises(data.DataUnavailable, match=rf"/mnist\.npz .*{reason}.*THESIS_LIB_DATA"):
        data.load("mnist")
    assert server.requests == ["/mnist.npz"]  # a refusal is remembered
    assert kept(tmp_path) == []  # nothing lies in the way of the next process


def test_the_real_file_cut_short_is_refused(
    real_npz: bytes, server: Server, tmp_path: Path
) -> None:
    server.answer = sending(real_npz[: len(real_npz) * 9 // 10], claimed=len(real_npz))
    assert data.load("mnist", fallback="digits").name == "digits"
    assert kept(tmp_path) == []


def test_a_host_that_is_not_there(server: Server) -> None:
    server.close()
    with pytest.raises(data.DataUnavailable, match="could not be downloaded"):
        data.load("mnist")
    assert set(data.pictures().labels) == {"photograph"}


def test_a_name_server_that_never_answers(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        server.end.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(sources, "_MNIST_URL", "https://data.example/mnist.npz")
    monkeypatch.setattr(sources, "_CIFAR_URL", "https://data.example/cifar.tar.gz")
    assert data.load("mnist", fallback="digits").name == "digits"
    assert set(data.pictures().labels) == {"photograph"}


def test_the_decision_falls_within_ten_seconds() -> None:
    # One wait for the answer and one inside the file, the worst that the servers above can do.
    assert 2 * download._DECISION_SECONDS <= 10


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_cache_without_rights(server: Server, tmp_path: Path) -> None:
    (tmp_path / "keras").mkdir(mode=0o500)
    server.answer = sending(npz())
    with pytest.raises(data.DataUnavailable, match="Permission denied"):
        data.load("mnist")


def test_a_file_where_the_cache_should_be(server: Server, tmp_path: Path) -> None:
    (tmp_path / "keras").write_text("mine")
    server.answer = sending(npz())
    with pytest.raises(data.DataUnavailable, match="a folder is needed there, and a file is"):
        data.load("mnist")


def cifar_archive() -> bytes:
    """Return an archive of Keras's layout: in each batch a cat, a frog and a dog of one colour."""
    pixels = np.repeat(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8), 1024, axis=1)
    batch = pickle.dumps({b"data": pixels, b"labels": [3, 6, 5]})
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(batch)
            archive.addfile(member, io.BytesIO(batch))
    return file.getvalue()


def test_cats_and_dogs_are_downloaded_verified_and_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = cifar_archive()
    server.answer = sending(content)
    assert set(data.pictures().labels) == {"photograph"}  # the sum is not CIFAR-10's
    assert kept(tmp_path) == []
    monkeypatch.setattr(sources, "_CIFAR_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(download, "_refused", {})
    before = data.fingerprint()
    for _ in range(2):
        pictures = data.pictures()
        assert pictures.labels.tolist() == ["cat", "dog"]
        assert pictures.images.shape == (2, 32, 32, 3)
        assert pictures.images[:, 0, 0].tolist() == [[1, 2, 3], [7, 8, 9]]
    assert server.requests == ["/cifar.tar.gz"] * 2  # the refused, the taken, and none more
    assert data.fingerprint() != before


def test_a_damaged_archive_in_the_cache_is_never_unpickled(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "keras" / "datasets" / sources._CIFAR_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(cifar_archive())
    with pytest.raises(ValueError, match=r"target_archive is damaged .*CIFAR-10's.*remove it"):
        data.pictures()
    assert path.exists()
