"""Writes goldens.json: chats as transformers renders them.

Families: the templates beside this script, each with many chats. Features: one-line templates, each about
one thing that templates do. All texts are made up. Run by hand when either changes:

    python crates/engine/tests/goldens/chat/write.py
"""

import datetime
import json
import pathlib

import jinja2
import tokenizers
import transformers
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from chats import CHATS, TOOLS, DOCUMENTS
from features import DIFFERENT, FEATURES

assert transformers.__version__.startswith("5."), transformers.__version__
assert jinja2.__version__ == "3.1.6", jinja2.__version__
assert tokenizers.__version__.startswith("0.23."), tokenizers.__version__

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2025, 2, 6, 15, 4, 9)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = Clock

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
model = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=model, **SPECIAL)


def rendered(template, chat):
    """The text, or why there is none: `raised` with its message, or `fails`."""
    arguments = dict(chat.get("variables", {}))
    tools = arguments.pop("tools", None)
    documents = arguments.pop("documents", None)
    try:
        return {
            "text": tokenizer.apply_chat_template(
                chat["messages"],
                tools=tools,
                documents=documents,
                chat_template=template,
                add_generation_prompt=chat["add_generation_prompt"],
                tokenize=False,
                **arguments,
            )
        }
    except jinja2.exceptions.TemplateError as error:
        if type(error) is jinja2.exceptions.TemplateError:
            return {"raised": str(error)}
        return {"fails": type(error).__name__}
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, SyntaxError) as error:
        return {"fails": type(error).__name__}


def variants():
    for name, messages in CHATS.items():
        for prompt in (False, True):
            yield {"name": name, "messages": messages, "add_generation_prompt": prompt}
    for name in ("one question", "system first", "several turns"):
        for extra in (
            {"tools": TOOLS},
            {"documents": DOCUMENTS},
            {"tools": TOOLS, "documents": DOCUMENTS, "controls": {"citations": True, "length": "short"}},
            {"date_string": "1 Jan 2001", "enable_thinking": False},
        ):
            yield {
                "name": f"{name}, {', '.join(extra)}",
                "messages": CHATS[name],
                "add_generation_prompt": True,
                "variables": extra,
            }


def main():
    families = []
    for path in sorted((HERE / "templates").glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        families.append({"template": path.name, "results": [rendered(source, chat) for chat in variants()]})
    features = []
    for source in FEATURES:
        chat = {"messages": CHATS["features"], "add_generation_prompt": True, "variables": {"tools": TOOLS}}
        features.append({"source": source, "differs": DIFFERENT.get(source), **rendered(source, chat)})
    goldens = {
        "versions": {"transformers": transformers.__version__, "jinja2": jinja2.__version__},
        "special": SPECIAL,
        "now": NOW.isoformat(),
        "chats": list(variants()),
        "families": families,
        "feature_chat": {"messages": CHATS["features"], "add_generation_prompt": True, "variables": {"tools": TOOLS}},
        "features": features,
    }
    text = json.dumps(goldens, ensure_ascii=False, indent=1)
    (HERE / "goldens.json").write_text(text + "\n", encoding="utf-8")
    kinds = [next(iter(set(result) & {"text", "raised", "fails"})) for f in families for result in f["results"]]
    print({kind: kinds.count(kind) for kind in set(kinds)}, len(features), "features")


if __name__ == "__main__":
    main()
