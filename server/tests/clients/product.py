"""The product as it runs in production, beside a server that plays OpenAI: both on the loopback interface."""

import http.server
import json
import os
import secrets
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

BINARY = os.environ["TALLYSTICK"]
SERVER = os.environ["TALLYSTICK_TEST_DATABASE_URL"]
START_LIMIT = 60
# 600 input, 400 from the cache, 70 output and 30 of reasoning, of gpt-4o-2024-08-06 at $2.50, $1.25 and $10 per million.
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 100,
    "total_tokens": 1100,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 30},
}
COST = "0.003000000000"
# Of claude-sonnet-4-5 at $3, $0.30 and $15 per million: Anthropic's input leaves the cache out.
CLAUDE_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 0,
    "output_tokens": 100,
}
CLAUDE_COST = "0.003420000000"
SECRET = "SECRET"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers every chat in the same way, as OpenAI or Anthropic, with an id of its own."""

    answered = 0

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        Provider.answered += 1
        self.answer(self.message() if self.path.endswith("/messages") else self.completion())

    def completion(self):
        message = {"role": "assistant", "content": f"{SECRET} answer"}
        return {
            "id": f"chatcmpl-{Provider.answered}",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": USAGE,
            "service_tier": "default",
        }

    def message(self):
        return {
            "id": f"msg_{Provider.answered}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "text", "text": f"{SECRET} answer"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": CLAUDE_USAGE,
        }

    def answer(self, answer):
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start_provider():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/v1"


class Product:
    """A migrated database, the running server, and organizations with their keys."""

    def __init__(self):
        name = f"clients_{secrets.token_hex(6)}"
        subprocess.run([os.environ.get("CREATEDB", "createdb"), f"--maintenance-db={SERVER}", name], check=True)
        head, _, query = SERVER.partition("?")
        database = head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": database,
            "PUBLIC_URL": self.url,
            # Nobody is written to here.
            "SMTP_URL": "smtp://127.0.0.1:9",
            "RUST_LOG": "warn",
        }
        self.run("migrate")
        self.child = subprocess.Popen([BINARY, "serve", "--addr", f"127.0.0.1:{port}"], env=self.environment)
        give_up = time.monotonic() + START_LIMIT
        while not self.answers():
            if self.child.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("tallystick does not answer")
            time.sleep(0.05)

    def run(self, *arguments):
        done = subprocess.run([BINARY, *arguments], env=self.environment, check=True, stdout=subprocess.PIPE)
        return done.stdout.decode().strip()

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/readyz").status == 200
        except OSError:
            return False

    def stop(self):
        self.child.terminate()
        self.child.wait(30)

    def organization(self, name):
        return Organization(
            self,
            self.run(
                "bootstrap",
                *("--email", f"{name}@example.com", "--password", "correct horse battery staple"),
                *("--organization", name, "--project", "main"),
            ),
        )


class Organization:
    """An organization as its key sees it."""

    def __init__(self, product, key):
        self.product, self.key, self.url = product, key, product.url

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def post(self, path, headers, body):
        headers = {**headers, "x-api-key": self.key}
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()

    def rows(self):
        return self.get("/v1/events?limit=200")["events"]

    def events(self):
        """Every event with all that is known of it, oldest first."""
        return [self.get(f"/v1/events/{row['event_key']}") for row in reversed(self.rows())]

    def rejected(self):
        return self.get("/v1/events/rejected?limit=200")["rejected"]
