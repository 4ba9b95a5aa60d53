"""A lock is cut into its packages, and those that differ by place are told from the others."""

from __future__ import annotations

from launch.lock import BY_VERSION, PACKAGE

TEXT = """\
torch==2.13.0 \\
    --hash=sha256:aa
torchvision==0.29.1 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
cuda-toolkit==13.0.3 ; sys_platform == 'linux'
nvidia-cublas==13.1 ; sys_platform == 'linux'
"""


def test_a_package_keeps_its_hashes_and_pytorch_goes_with_cuda() -> None:
    found = PACKAGE.findall(TEXT)
    assert "".join(found) == TEXT
    by_version = [one.split("==")[0] for one in found if BY_VERSION.match(one)]
    assert by_version == ["torch", "cuda-toolkit", "nvidia-cublas"]
