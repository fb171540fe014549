"""Made-up chats."""


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


def call(name, arguments, identity="abcdef123"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


CHATS = {
    "one question": [user("What is a plimsoll line?")],
    "system first": [system("You know ships."), user("What is a plimsoll line?")],
    "several turns": [
        system("Answer in one word."),
        user("2 + 2?"),
        assistant("Four."),
        user("And 3 + 3?"),
        assistant(" Six. "),
        user("  Thanks!\n"),
    ],
    "ends with the model": [user("Hello"), assistant("Hello, you.")],
    "empty texts": [system(""), user(""), assistant(""), user("")],
    "white space": [user(" \n\t lead\u00a0and trail \u2003\n"), assistant("\n\nx\n\n"), user("\u001c y \u001f")],
    "other scripts": [system("你好。"), user("¿Qué? ñ 🙂 e\u0301 \u200d"), assistant("日本語"), user("العربية")],
    "quotes and braces": [user("{{ 'x' }} {% if %} \"q\" \\n </s> <|im_end|> [INST]"), assistant("{# c #}"), user("}")],
    "long": [user("word " * 500), assistant("reply " * 200), user("more")],
    "wrong order": [user("a"), user("b")],
    "model first": [assistant("I begin."), user("Go on.")],
    "unknown role": [user("a"), {"role": "critic", "content": "b"}],
    "late system": [user("a"), assistant("b"), system("c"), user("d")],
    "two systems": [system("a"), system("b"), user("c")],
    "only system": [system("Nobody asks.")],
    "thoughts in the text": [user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c"), assistant("<think>x</think>d")],
    "thoughts beside": [user("a"), assistant("b", reasoning_content="why"), user("c"), assistant("d", thinking="how\n")],
    "null content": [user("a"), {"role": "assistant", "content": None}, user("b")],
    "parts": [
        {"role": "system", "content": [{"type": "text", "text": "Look."}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is it? "}]},
    ],
    "a call": [
        user("How deep is the harbour?"),
        assistant("", tool_calls=[call("depth", {"place": "harbour", "unit": "m", "at": 3.0})]),
        {"role": "tool", "name": "depth", "content": "7.5", "tool_call_id": "abcdef123"},
        assistant("7.5 m."),
        user("Thanks"),
    ],
    "two calls": [
        user("Both harbours?"),
        {
            "role": "assistant",
            "tool_calls": [
                call("depth", {"place": "Göteborg", "b": [1, 2, {"c": None}], "a": True}, "abcdefgh1"),
                call("depth", {"z": 1e20, "place": "Århus 🙂", "a": 1.5e-7}, "abcdefgh2"),
            ],
        },
        {"role": "tool", "content": "7", "tool_call_id": "abcdefgh1"},
        {"role": "tool", "content": {"content": 8}, "tool_call_id": "abcdefgh2"},
    ],
    "a call with a short id": [user("a"), {"role": "assistant", "tool_calls": [call("f", "{}", "x")]}],
    "features": [
        {"role": "system", "content": "  Be brief.\n"},
        {"role": "user", "content": "Hello, World! élan", "n": 3, "x": 2.5, "flag": True, "nothing": None},
        {"role": "assistant", "content": "a,b,,c", "list": [3, 1, 2], "map": {"b": 1, "a": "two", "items": [1]}},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}]},
    ],
}

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "depth",
            "description": "Depth of a\nharbour's \"water\" <m>",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "which harbour"},
                    "unit": {"type": "string", "enum": ["m", "ft"]},
                    "tags": {"type": "array", "items": {"type": "integer"}, "description": ""},
                    "empty": {},
                    "none": {"default": None, "minimum": 0.5, "maximum": 1e16, "nested": [[], {}]},
                },
                "required": ["place"],
            },
            "return": {"type": "number"},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]

DOCUMENTS = [{"title": "Åland", "text": "Islands.\nMany."}, {"text": "Second 'document'", "title": "B"}]
