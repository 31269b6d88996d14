"""LiteLLM's side of `cargo xtask bench rating`: prices cases, as often as each line of standard input says.

Arguments: a file of cases as JSON lines, and the file to write those to that LiteLLM prices.
"""

import itertools
import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm import cost_per_token  # noqa: E402
from litellm.types.utils import CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper, Usage  # noqa: E402

PROVIDERS = {"aws": "bedrock", "google": "gemini", "x-ai": "xai", "moonshotai": "moonshot", "together": "together_ai",
             "voyageai": "voyage", "fireworks": "fireworks_ai"}


def usage(case):
    """The usage object that LiteLLM's own code would hand to its calculator."""
    said, flavor = case["usage"], case["flavor"]
    if flavor == "chat":
        inside, outside = said.get("prompt_tokens_details") or {}, said.get("completion_tokens_details") or {}
        total, answer, written = said["prompt_tokens"], said.get("completion_tokens", 0), inside.get("cache_write_tokens", 0)
    elif flavor == "responses":
        inside, outside = said.get("input_tokens_details") or {}, said.get("output_tokens_details") or {}
        total, answer, written = said["input_tokens"], said.get("output_tokens", 0), inside.get("cache_write_tokens", 0)
    elif flavor in ("default", "anthropic") and "cache_read_input_tokens" in said and "iterations" not in said:
        written = said.get("cache_creation_input_tokens", 0)
        inside, outside = {"cached_tokens": said["cache_read_input_tokens"]}, {}
        total, answer = said["input_tokens"] + said["cache_read_input_tokens"] + written, said.get("output_tokens", 0)
    else:
        return None
    return Usage(
        prompt_tokens=total,
        completion_tokens=answer,
        total_tokens=total + answer,
        prompt_tokens_details=PromptTokensDetailsWrapper(
            cached_tokens=inside.get("cached_tokens", 0), cache_creation_tokens=written
        ),
        completion_tokens_details=CompletionTokensDetailsWrapper(reasoning_tokens=outside.get("reasoning_tokens", 0)),
    )


def call(case):
    """The arguments, if LiteLLM prices the case."""
    used = usage(case)
    if used is None or "override" in (case.get("context") or {}):
        return None
    arguments = {
        "model": case["model"],
        "custom_llm_provider": PROVIDERS.get(case["provider"], case["provider"]),
        "usage_object": used,
    }
    try:
        return arguments if sum(cost_per_token(**arguments)) > 0 else None
    except Exception:
        return None


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    calls = []
    with open(sys.argv[2], "w", encoding="utf-8") as priced:
        for case in cases:
            arguments = call(case)
            if arguments:
                calls.append(arguments)
                priced.write(json.dumps(case) + "\n")
    print("ready", len(calls), flush=True)
    for line in sys.stdin:
        for arguments in itertools.islice(itertools.cycle(calls), int(line)):
            cost_per_token(**arguments)
        print("done", flush=True)


main()
