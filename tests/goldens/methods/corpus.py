"""Made-up questions of the four answer kinds, how they are asked, and chats for the tiny model to learn from.

Everything follows from a seed. `goldens.py` asks the questions, `model.py` learns from chats about others.
"""

import hashlib
import json
import random

LABELS = "ABCD"
WORDS = {
    "colour": ["red", "blue", "green", "grey", "white", "brown"],
    "animal": ["cat", "seal", "gull", "crab", "horse", "otter"],
    "tool": ["saw", "hammer", "drill", "file", "plane", "wrench"],
    "fruit": ["pear", "plum", "fig", "lime", "melon", "grape"],
    "boat": ["ferry", "canoe", "sloop", "barge", "yawl", "punt"],
}
NAMES = ["Mara", "Ivo", "Lena", "Tom", "Ada", "Nils", "Ruth", "Omar"]
SHIPS = ["Dove", "Star", "Heron", "Wave", "Moon", "Pearl"]

TRUE = ["True", " True", "true", " true", "TRUE", " TRUE"]
FALSE = ["False", " False", "false", " false", "FALSE", " FALSE"]
ASK_PLAIN = "Answer the question."
ASK_BOTH = "Answer the question and say how sure you are."
ASK_TRUE = "Is the answer correct? Reply with True or False only."
ASK_SURE = "How likely is it that the answer is correct? Reply with a number from 0 to 1."

# What a model may write when it is asked how sure it is: what can be read, and what cannot.
SURE = ["0.8", "85%", "0.95", "I am 90% sure.", "Probability: 0.7", "very sure", "0.6 or 0.7", "at least 0.5", "85",
        "1", "9/10", "40 %"]


def of_kind(kind, rng):
    """A question of a kind: context, text, choices, the right answers."""
    if kind == "choice":
        name = rng.choice(sorted(WORDS))
        right = rng.choice(WORDS[name])
        others = rng.sample([w for k in sorted(WORDS) if k != name for w in WORDS[k]], 3)
        words = rng.sample([right, *others], 4)
        choices = [{"label": label, "text": word} for label, word in zip(LABELS, words)]
        return None, f"Which word is a {name}?", choices, [LABELS[words.index(right)]]
    if kind == "number":
        one, two = rng.randint(1, 20), rng.randint(1, 20)
        return None, f"How many are {one} and {two}?", [], [str(one + two)]
    if kind == "boolean":
        name = rng.choice(sorted(WORDS))
        word = rng.choice(WORDS[rng.choice(sorted(WORDS))])
        return None, f"Is a {word} a {name}?", [], ["yes" if word in WORDS[name] else "no"]
    name, ship, other = rng.choice(NAMES), rng.choice(SHIPS), rng.choice(NAMES)
    context = f"{name} sails the {ship}. {other} stays at home."
    ask = rng.choice(["Who sails?", "What is the ship called?", "What does the sea say?"])
    gold = {"Who sails?": name, "What is the ship called?": ship, "What does the sea say?": "nothing"}[ask]
    return context, ask, [], [gold]


def question(index, kind, rng):
    """A question in the form of `core::Question`."""
    context, text, choices, gold = of_kind(kind, rng)
    content = json.dumps([context, text, choices])
    return {
        "question_id": f"harbour/test/{index}", "dataset": f"harbour_{kind}", "domain": "made_up", "split": "test",
        "answer_kind": kind, "context": context, "question": text, "choices": choices, "gold": gold, "subject": None,
        "cluster_id": None, "source_file": "corpus.py", "source_row": index,
        "content_hash": hashlib.sha256(content.encode()).hexdigest(),
    }


def asked(question):
    """The text of a question as a user asks it."""
    lines = [question["context"]] if question["context"] else []
    lines.append("Question: " + question["question"])
    lines += [f"{choice['label']}. {choice['text']}" for choice in question["choices"]]
    return "\n".join(lines)


def prompts(question, index):
    """The prompt that asks for an answer, and the one that asks for a confidence too: `core::Prompt`."""
    system = [{"role": "system", "text": "You are at sea."}] if index % 3 == 0 else []
    text = asked(question)
    # p(True) in a second turn for every other question, else in a chat of its own.
    own = "Proposed answer: {answer}\n" + ASK_TRUE
    p_true = {"id": "p_true", "template": ASK_TRUE, "continues": True}
    if index % 2:
        p_true = {"id": "p_true", "template": text + "\n" + own, "continues": False}
    main = {
        "version": "1", "messages": system + [{"role": "user", "text": text + "\n" + ASK_PLAIN}],
        "follow_ups": [p_true, {"id": "verbalization_2s", "template": ASK_SURE, "continues": True}],
        "true_strings": TRUE, "false_strings": FALSE,
    }
    both = {
        "version": "1", "messages": system + [{"role": "user", "text": text + "\n" + ASK_BOTH}], "follow_ups": [],
        "true_strings": TRUE, "false_strings": FALSE,
    }
    return main, both


def trait(question):
    """What the forms of an answer depend on, so that a model can learn to be sure of some of them."""
    text = question["question"]
    for index, name in enumerate(sorted(WORDS)):
        if f"a {name}?" in text:
            return index
    if question["answer_kind"] == "number":
        return int(text.split()[3]) % 5
    return SHIPS.index(question["context"].split(".")[0].split()[-1])


def mostly(options, place, rng):
    """The option of a place, now and then another one."""
    return options[place % len(options)] if rng.random() < 0.8 else rng.choice(options)


def answer(question, rng):
    """What a model that is right most of the time may write, in one of several forms."""
    right = rng.random() < 0.7
    gold = question["gold"][0]
    form = trait(question)
    if question["answer_kind"] == "choice":
        choice = next(c for c in question["choices"] if c["label"] == gold) if right else rng.choice(question["choices"])
        label, word = choice["label"], choice["text"]
        forms = [label, f"The answer is {label}.", word, f"Answer: {label}. {word}", "I do not know.", f"({label})"]
        return mostly(forms, form, rng)
    if question["answer_kind"] == "number":
        number = gold if right else str(rng.randint(1, 40))
        return mostly([number, f"The answer is {number}.", f"It makes {number}"], form, rng)
    if question["answer_kind"] == "boolean":
        word = gold if right else rng.choice(["yes", "no"])
        return mostly([word.capitalize(), word.capitalize() + ".", f"The answer is {word}."], form, rng)
    if gold == "nothing":
        return mostly(["", "The sea says that the wind is cold and the sky is grey and the gulls are loud and the"
                           " nets are old and the ropes are wet and the day is long."], form, rng)
    name = gold if right else rng.choice(NAMES + SHIPS)
    return mostly([name, f"It is {name}."], form, rng)


def chats(rng):
    """The chats about one question: lists of (role, text)."""
    index = rng.randrange(6)
    asks = question(index, rng.choice(["choice", "number", "boolean", "span"]), rng)
    main, both = prompts(asks, index)
    says = answer(asks, rng)
    first = [(m["role"], m["text"]) for m in main["messages"]]
    form = trait(asks) + len(asks["answer_kind"])
    is_true = rng.random() < [0.95, 0.1, 0.6, 0.3, 0.8, 0.02][form % 6]
    yes = mostly(["True", "true", "TRUE"] if is_true else ["False", "false"], form // 2, rng)
    yield [*first, ("assistant", says), ("user", ASK_SURE), ("assistant", mostly(SURE, form, rng))]
    p_true = main["follow_ups"][0]
    before = [*first, ("assistant", says)] if p_true["continues"] else []
    yield [*before, ("user", p_true["template"].replace("{answer}", says.strip(), 1)), ("assistant", yes)]
    sure = mostly(["Confidence: " + text for text in SURE] + ["I am sure."], 3 * form, rng)
    yield [*[(m["role"], m["text"]) for m in both["messages"]], ("assistant", f"Answer: {says}\n{sure}")]
