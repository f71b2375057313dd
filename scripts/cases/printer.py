# Prints each secret of its environment in each way of a plan, in one write and in two, between lines that say which it
# is: on both streams. It runs below the tool that is to mask it. A second write comes when the first was taken away.

import base64, binascii, fcntl, hashlib, hmac, html, json, os, pprint, quopri, socket, stat, struct, subprocess, sys
import tempfile, termios, threading, time, unicodedata, urllib.parse, zlib

# A way that takes longer hangs.
DEADLINE_S = 20
TAKEN_POLL_S = 0.0002

OUT, ERR = 1, 2


def taken(fd):
    """Waits until the other end has read all that was written: a pipe and a socket say so in ways of their own."""
    ask = termios.TIOCOUTQ if stat.S_ISSOCK(os.fstat(fd).st_mode) else termios.FIONREAD
    until = time.monotonic() + DEADLINE_S
    while True:
        try:
            left = struct.unpack("i", fcntl.ioctl(fd, ask, b"\0" * 4))[0]
        except OSError:
            return
        if left == 0:
            return
        if time.monotonic() > until:
            raise TimeoutError("nobody reads")
        time.sleep(TAKEN_POLL_S)


def write(fd, data):
    while data:
        data = data[os.write(fd, data):]


def echo_server():
    """HTTP on a loopback port: the answer is the request itself, as servers for debugging give it."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = server.accept()
            with client:
                asked = client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(asked) + asked)

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def base(number, digits):
    """The digits of a number, first the highest."""
    text = ""
    while number > 0:
        number, digit = divmod(number, len(digits))
        text = digits[digit] + text
    return text


def printed(way, value, environment, folder):
    """What the way prints of the value, on each of the two streams."""
    if way["language"] == "python":
        given = eval(way["code"], {**globals(), "v": value.decode(), "b": value})
        return (given if isinstance(given, bytes) else given.encode()), b""
    argv = {
        "shell": ["bash", "-c", way["code"]],
        "perl": ["perl", "-e", way["code"]],
        "node": [environment["NODE"], "-e", way["code"]],
    }[way["language"]]
    env = {**environment, "V": value.decode()}
    done = subprocess.run(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S)
    return done.stdout, done.stderr


def pieces(data, writes, is_cut):
    """The same bytes, as they are to be written one after the other."""
    if writes == "bytes":
        return [data[at : at + 1] for at in range(len(data))] or [b""]
    if writes == "thirds":
        third = len(data) // 3
        return [data[:third], data[third : 2 * third], data[2 * third :]]
    half = len(data) // 2
    return [data[:half], data[half:]] if is_cut else [data]


def show(streams, writes, is_cut, mark):
    frame = b"\n@@ %s @@\n" % mark
    out, err = streams
    if writes == "streams in turn":
        out, err = out[0::2], out[1::2]
    if writes == "a half on each":
        out, err = out[: len(out) // 2], out[len(out) // 2 :]
    for fd, data in ((OUT, out), (ERR, err)):
        writes_of = pieces(data, writes, is_cut)
        writes_of[0] = frame + writes_of[0]
        writes_of[-1] += b"\n@@ end @@\n"
        # No case shares a reading with the one before it.
        for piece in writes_of:
            taken(fd)
            write(fd, piece)


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "PORT": str(echo_server()),
        "NODE": plan["node"],
        "PY": sys.executable,
    }
    values = {shape: os.environb[name.encode()] for shape, name in plan["variables"].items()}
    # So that nobody compares what a tool made of another value.
    digests = {shape: hashlib.sha256(b"of the table" + value).hexdigest() for shape, value in values.items()}
    write(OUT, json.dumps(digests).encode())
    with tempfile.TemporaryDirectory() as folder:
        for at, way in enumerate(plan["ways"]):
            for shape, value in values.items():
                streams = printed(way, value, {**environment, "HOME": folder}, folder)
                for is_cut in (False, True):
                    mark = "%d %s %s" % (at, shape, "cut" if is_cut else "whole")
                    show(streams, way["writes"], is_cut, mark.encode())


main()
