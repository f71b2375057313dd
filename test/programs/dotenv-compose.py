# Prints the environment of one service, as `env -0` would, from what `docker-compose config` writes: YAML, with every
# dollar doubled.

import sys
import yaml

services = yaml.safe_load(sys.stdin.buffer)["services"]
for name, value in services[sys.argv[1]].get("environment", {}).items():
    sys.stdout.buffer.write(f"{name}={value}".replace("$$", "$").encode() + b"\0")
