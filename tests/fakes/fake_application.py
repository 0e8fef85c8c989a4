"""The application with the fake steps instead of its own; workers in tests run this."""

import sys
from types import SimpleNamespace

import fake_steps

from music_gui.steps import registry


def install(set_item, modules):
    """Put the fake steps where the registry finds them."""
    for name, step in fake_steps.STEPS.items():
        module = f"fake_step_{name.replace('-', '_')}"
        set_item(registry.STEP_MODULES, name, module)
        set_item(modules, module, SimpleNamespace(STEP=step))


if __name__ == "__main__":
    from music_gui.cli import main

    install(dict.__setitem__, sys.modules)
    sys.exit(main(sys.argv[1:]))
