"""What a process finds out about its threads and GPUs."""

from fooljax.environment import cpu_threads, graphics_cards


def test_threads_are_those_that_xla_has(monkeypatch):
    for name in ("PJRT_NPROC", "NPROC"):
        monkeypatch.delenv(name, raising=False)
    assert cpu_threads() >= 1
    monkeypatch.setenv("NPROC", "3")
    assert cpu_threads() == 3
    monkeypatch.setenv("PJRT_NPROC", "1")
    assert cpu_threads() == 1


def test_gpus_are_those_that_the_user_left_in_sight(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-8f2")
    assert graphics_cards() == ["3", "GPU-8f2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert graphics_cards() == []
