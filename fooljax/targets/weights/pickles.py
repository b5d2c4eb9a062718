"""Reads pickles of any origin without unpickling: nothing in them is imported, called or believed.

A pickle is a program for a small machine, and Python's runs whatever it says. This one knows the same
instructions, but makes plain values only (`pickle_instructions`). The memory that the values may take is
bounded by the size of the file, and so is the number of instructions (`pickle_machine`).
"""

import struct
from typing import Any

from fooljax.targets.weights.pickle_instructions import INSTRUCTIONS
from fooljax.targets.weights.pickle_machine import Machine, PickleError

_STOP = ord(".")


def next_value(machine: Machine) -> Any:
    """Reads the next pickle.

    Args:
      machine: reads on from its byte `at`.
    Raises:
      PickleError: what follows is no pickle, or has instructions that no data needs, or too many.
    """
    machine.stack, machine.marks, machine.memo = [], [], {}
    try:
        while True:
            code = machine.content[machine.at]
            if code == _STOP:
                machine.at += 1
                return machine.stack.pop()
            if code not in INSTRUCTIONS:
                raise PickleError(f"found the pickle instruction {code:#04x}, which no data needs")
            size, memory, act = INSTRUCTIONS[code]
            machine.at += 1
            argument = machine.argument(size)
            machine.spend(memory)
            act(machine, argument)
    except PickleError:
        raise
    except (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise PickleError(f"found a damaged pickle, near its byte {machine.at:,}") from error
