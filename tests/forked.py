"""What a fork of a test runs: the code it was given, without the tests' habit to make errors of warnings."""

import sys
import warnings

warnings.simplefilter("ignore")
program = sys.argv.pop(1)
exec(program, {"__name__": "__main__"})
