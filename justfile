# `just` alone lists the commands. Each works from a fresh clone after `just setup`.

export OMP_WAIT_POLICY := "PASSIVE"
bin := justfile_directory() / ".venv/bin"

_default:
    @just --list

# Make .venv and install the package with its development tools
setup:
    test -x "{{bin}}"/python || python3 -m venv .venv
    "{{bin}}"/pip install -c constraints.txt -e ".[dev]"

# Run everything that continuous integration runs
check:
    VIRTUAL_ENV="{{justfile_directory()}}/.venv" .ci/run

# Format and apply the safe fixes
fix:
    "{{bin}}"/ruff check --fix-only .
    "{{bin}}"/ruff format .

# Run pytest with the arguments passed on
test *arguments:
    "{{bin}}"/pytest {{arguments}}

# Paint the thumbnail of every look anew, from the demo shot
thumbnails:
    "{{bin}}"/stillbrush looks thumbnail --overwrite

# Build the wheel, list its contents, and run the tests against an installed copy
wheel:
    rm -rf build dist
    "{{bin}}"/pip wheel --no-deps --wheel-dir dist .
    "{{bin}}"/python -m zipfile --list dist/*.whl
    "{{bin}}"/python -m venv dist/venv
    dist/venv/bin/pip install -c constraints.txt "$(echo dist/*.whl)[dev]"
    dist/venv/bin/pytest

# Run the tests in a real ComfyUI: `just comfy PATH PYTHON`
comfy path python="python3":
    STILLBRUSH_COMFYUI="{{path}}" STILLBRUSH_COMFYUI_PYTHON="{{python}}" "{{bin}}"/pytest -m "comfy or browser" tests/hosts

# Build the example workflows anew in a real frontend: `just examples PATH PYTHON`
examples path python="python3":
    STILLBRUSH_COMFYUI="{{path}}" STILLBRUSH_COMFYUI_PYTHON="{{python}}" "{{bin}}"/python tests/support/examples.py

# Make the pictures of examples and tutorial anew, when a look was trained anew: `just pictures PATH PYTHON`
pictures path python="python3":
    STILLBRUSH_COMFYUI="{{path}}" STILLBRUSH_COMFYUI_PYTHON="{{python}}" "{{bin}}"/python tests/support/thumbnails.py
