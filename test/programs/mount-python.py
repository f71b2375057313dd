# Prints what python-dotenv reads from the mounted file it is given, as `env -0` would. It opens the file itself: some
# versions take no named pipe by its path.

import sys
from dotenv import dotenv_values

with open(sys.argv[1], encoding="utf-8") as file:
    for name, value in dotenv_values(stream=file).items():
        sys.stdout.buffer.write(f"{name}={value}".encode() + b"\0")
