"""Keeps the small model's answer iff its confidence is at least the threshold, otherwise asks the large one.

ORIGIN_LINES

Put this file beside the proxy's config.yaml, whose model_list has both models, and name it there:

    litellm_settings:
      callbacks: plimsoll_callback.plimsoll

Clients ask the small model. Its log-probabilities are asked for, and taken out of the reply unless the client wanted them. The
decision stands in the reply's header x-plimsoll-route. A streamed reply is not touched: a text cannot be taken back.
"""

import math

import litellm
from litellm.integrations.custom_logger import CustomLogger

METHOD = METHOD_NAME
THRESHOLD_ID = POINT_ID
THRESHOLD = THRESHOLD_VALUE
SLM = SLM_NAME
LLM = LLM_NAME
# What the point was not fitted for: such requests are deferred.
UNSUPPORTED = ("tools", "tool_choice", "functions", "response_format")


def confidence(logprobs):
    """The confidence of an answer's tokens, natural logs; None = missing."""
    if not logprobs or any(not isinstance(x, (int, float)) or math.isnan(x) or x > 1e-4 for x in logprobs):
        return None
    if METHOD == "perplexity":
        value = math.exp(math.fsum(logprobs) / len(logprobs))
    elif METHOD == "average_token_probability":
        value = math.fsum(math.exp(x) for x in logprobs) / len(logprobs)
    else:
        value = math.exp(min(logprobs))
    return min(max(value, 0.0), 1.0)


def decide(value):
    """Route and reason."""
    if value is None:
        return "llm", "missing"
    return ("slm", "at_or_above") if value >= THRESHOLD else ("llm", "below")


def listed(response):
    """The log-probabilities that a reply lists; None without them."""
    choices = getattr(response, "choices", None) or []
    content = getattr(getattr(choices[0], "logprobs", None), "content", None) if len(choices) == 1 else None
    return [token.logprob for token in content] if content else None


class Plimsoll(CustomLogger):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        if data.get("model") == SLM and not data.get("stream"):
            data.setdefault("metadata", {})["plimsoll_wanted_logprobs"] = bool(data.get("logprobs"))
            data["logprobs"] = True
        return data

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        if data.get("model") != SLM or data.get("stream"):
            return response
        wanted = (data.get("metadata") or {}).get("plimsoll_wanted_logprobs", True)
        if any(data.get(key) for key in UNSUPPORTED) or (data.get("n") or 1) > 1:
            route, reason = "llm", "unsupported_request"
        else:
            route, reason = decide(confidence(listed(response)))
        if route == "llm":
            response = await self.large(data, wanted)
        elif not wanted:
            response.choices[0].logprobs = None
        hidden = getattr(response, "_hidden_params", None)
        if isinstance(hidden, dict):
            headers = hidden.setdefault("additional_headers", {})
            headers["x-plimsoll-route"] = f"{route}; {reason}; {THRESHOLD_ID}"
        return response

    async def large(self, data, wanted):
        """The large model's answer to the same request."""
        from litellm.proxy.proxy_server import llm_router

        kept = ("messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "n", "user")
        request = {key: data[key] for key in kept + UNSUPPORTED if data.get(key) is not None}
        if wanted:
            request["logprobs"] = True
        ask = llm_router.acompletion if llm_router is not None else litellm.acompletion
        return await ask(model=LLM, **request)


plimsoll = Plimsoll()
