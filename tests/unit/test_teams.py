"""Several processes train one network: same weights in each, one writes, and runs go on exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from support.commands import ENVIRONMENT, ROOT
from support.training import tiny_request

from stillbrush.core.errors import BadInput
from stillbrush.core.training.session import Session
from stillbrush.core.training.team import ALONE, Team

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")

# What one process does: train a whole run, and one that is stopped and gone on with.
WORKER = """
import importlib.util as u, sys
from pathlib import Path
root, folder = Path(sys.argv[1]), Path(sys.argv[2])
s = u.spec_from_file_location("stillbrush", root / "__init__.py")
m = u.module_from_spec(s); sys.modules["stillbrush"] = m; s.loader.exec_module(m)
sys.path.insert(0, str(root / "tests"))
from safetensors.torch import save_file
from support.training import Onlooker, tiny_request
from stillbrush import nodes
from stillbrush.core.errors import Cancelled
from stillbrush.core.training import session
from stillbrush.host_adapters.cli.processes import joined

def train(team, name, knobs, stop=None):
    request = tiny_request(folder, 2, team=team, name=name, knobs=knobs, **PLAIN)
    runs, begin = [], session.Run.__init__
    session.Run.__init__ = lambda self, *a: (begin(self, *a), runs.append(self))[0]
    try:
        session.Session(request).train(Onlooker(stop_after=stop if team.leads else None))
    except Cancelled:
        pass
    session.Run.__init__ = begin
    trainer = runs[0].trainer
    kinds = {"weights": trainer.network.state_dict(), "slots": trainer.slots.tensors()}
    for kind, found in kinds.items():
        plain = {k: v.contiguous() for k, v in found.items()}
        save_file(plain, folder / f"{name}.{kind}.{team.rank}")

with joined() as team:
    for system in ("prior", "recurrent"):
        knobs = KNOBS | {"system": system}
        train(team, f"{system}-whole", knobs)
        train(team, f"{system}-halved", knobs, stop=3)
        train(team, f"{system}-halved", knobs)
"""
KNOBS = {"size": 64, "style_side": 64, "batch": 2}
PLAIN = {"iterations": 6, "sheet_every": 100}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what two processes have trained."""
    made = tmp_path_factory.mktemp("team")
    tiny_request(made)  # writes the material, once
    worker = made / "worker.py"
    worker.write_text(f"KNOBS, PLAIN = {KNOBS}, {PLAIN}\n{WORKER}")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*launcher, "--nproc-per-node", "2", str(worker), str(ROOT), str(made)],
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
        env=os.environ | ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return made


def same(one: Path, other: Path) -> bool:
    a, b = load_file(one), load_file(other)
    return a.keys() == b.keys() and all(
        torch.equal(v.nan_to_num(7e9), b[k].nan_to_num(7e9)) for k, v in a.items()
    )


@pytest.mark.parametrize("system", ["prior", "recurrent"])
def test_all_processes_hold_the_same_weights_and_shots_of_their_own(folder: Path, system: str):
    whole = folder / f"{system}-whole"
    assert same(whole.with_suffix(".weights.0"), whole.with_suffix(".weights.1"))
    assert not same(whole.with_suffix(".slots.0"), whole.with_suffix(".slots.1"))


@pytest.mark.parametrize("system", ["prior", "recurrent"])
def test_a_run_of_two_goes_on_where_it_was_stopped(folder: Path, system: str):
    for kind in ("weights", "slots"):
        for rank in (0, 1):
            names = (folder / f"{system}-{way}.{kind}.{rank}" for way in ("whole", "halved"))
            assert same(*names)


def test_one_process_writes_and_another_number_of_them_is_refused(folder: Path):
    log = folder / "looks" / "prior-halved.training" / "log.jsonl"
    assert len(log.read_text().splitlines()) == PLAIN["iterations"]
    knobs = KNOBS | {"system": "prior"}
    with pytest.raises(BadInput, match="another processes"):
        Session(tiny_request(folder, 2, name="prior-halved", knobs=knobs, **PLAIN))


def test_a_team_of_one_gives_back_what_it_is_given():
    tensors = {"ages": torch.zeros(3)}
    assert ALONE.agree(0.25) == 0.25
    assert ALONE.mean([1.0, 2.0]) == [1.0, 2.0]
    assert ALONE.gather(tensors) is tensors
    network = torch.nn.Linear(1, 1)
    assert ALONE.share(network) is network
    assert Team(1, 2).own({"ages": tensors["ages"], "rank1.ages": torch.ones(3)})["ages"].all()
