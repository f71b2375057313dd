# Prints what python-dotenv reads from the file it is given, as `env -0` would, with interpolation as by default.

import sys
from dotenv import dotenv_values

for name, value in dotenv_values(sys.argv[1]).items():
    sys.stdout.buffer.write(f"{name}={value}".encode() + b"\0")
