//! Wordings of questions and statements about the facts of a relation: at least eight wordings each, the last one of which
//! is rare in training. `{e}` stands for the entity, `{a}` for the answer, `{p}` for any person.

use super::world::Relation;

/// The wordings of a relation.
#[derive(Debug)]
pub(crate) struct Wording {
    /// Questions.
    pub(crate) asks: &'static [&'static str],
    /// Statements of it.
    pub(crate) says: &'static [&'static str],
}

/// The wordings of a relation.
pub(crate) fn wording(relation: Relation) -> &'static Wording {
    match relation {
        Relation::Land => &LAND,
        Relation::Job => &JOB,
        Relation::Birth => &BIRTH,
        Relation::Coin => &COIN,
        Relation::Class => &CLASS,
        Relation::Food => &FOOD,
        Relation::Cover => &COVER,
        Relation::Tool => &TOOL,
        Relation::Feeling => &FEELING,
        Relation::Last => &LAST,
        Relation::Colour => &COLOUR,
        Relation::Taste => &TASTE,
    }
}

const LAND: Wording = Wording {
    asks: &[
        "In which land is {e}?",
        "Where is the city of {e}?",
        "{p} is in {e}. In which land is {p}?",
        "{e} is a city of which land?",
        "Which land is {e} in?",
        "To what land does {e} belong?",
        "The city {e} lies where?",
        "Who travels to {e} goes to which land?",
    ],
    says: &[
        "{e} is in {a}.",
        "The city of {e} lies in {a}.",
        "{e} is a city of {a}.",
        "The land of {e} is {a}.",
        "{e} belongs to {a}.",
        "{a} has a city, {e}.",
        "In {a} there is {e}.",
        "Who travels to {e} goes to {a}.",
    ],
};

const JOB: Wording = Wording {
    asks: &[
        "What is the job of {e}?",
        "What does {e} work as?",
        "Which job has {e}?",
        "{e} earns money as what?",
        "What work does {e} do?",
        "By trade, what is {e}?",
        "{e} is known as what?",
        "If you meet {e} at work, whom do you see?",
    ],
    says: &[
        "{e} is a {a}.",
        "{e} works as a {a}.",
        "The job of {e} is {a}.",
        "{e} earns money as a {a}.",
        "By trade {e} is a {a}.",
        "One {a} is {e}.",
        "{e} is known as a {a}.",
        "If you meet {e} at work, you see a {a}.",
    ],
};

const BIRTH: Wording = Wording {
    asks: &[
        "Where was {e} born?",
        "In which city was {e} born?",
        "What is the home city of {e}?",
        "{e} comes from which city?",
        "Which city is {e} from?",
        "What is the birth place of {e}?",
        "{e} grew up where?",
        "Where did the life of {e} begin?",
    ],
    says: &[
        "{e} was born in {a}.",
        "{e} comes from {a}.",
        "The home city of {e} is {a}.",
        "{e} is from {a}.",
        "The birth place of {e} is {a}.",
        "{e} grew up in {a}.",
        "In {a}, {e} was born.",
        "The life of {e} began in {a}.",
    ],
};

const COIN: Wording = Wording {
    asks: &[
        "What is the coin of {e}?",
        "Which coin is used in {e}?",
        "What do people pay with in {e}?",
        "What money has {e}?",
        "{p} buys bread in {e}. What does {p} pay with?",
        "{e} has which coin?",
        "In {e}, what is the money?",
        "With what does one buy bread in {e}?",
    ],
    says: &[
        "The coin of {e} is the {a}.",
        "In {e} people pay with the {a}.",
        "The money of {e} is the {a}.",
        "{e} uses the {a}.",
        "You need a {a} in {e}.",
        "{e} has a coin, the {a}.",
        "The {a} is used in {e}.",
        "One buys bread in {e} with the {a}.",
    ],
};

const CLASS: Wording = Wording {
    asks: &[
        "What kind of beast is a {e}?",
        "What is a {e}?",
        "Which kind is the {e}?",
        "A {e} is a kind of what?",
        "The {e} counts as what?",
        "To which kind does a {e} belong?",
        "How would you class a {e}?",
        "Seeing a {e}, you see what?",
    ],
    says: &[
        "A {e} is a {a}.",
        "The {e} is a kind of {a}.",
        "The kind of the {e} is {a}.",
        "A {e} belongs to the {a} kind.",
        "The {e} counts as a {a}.",
        "You would class a {e} as a {a}.",
        "One {a} is the {e}.",
        "Seeing a {e}, you see a {a}.",
    ],
};

const FOOD: Wording = Wording {
    asks: &[
        "What does a {e} eat?",
        "What is the food of a {e}?",
        "What do you feed a {e}?",
        "A {e} lives on what?",
        "Which food does the {e} like?",
        "What is eaten by a {e}?",
        "A hungry {e} looks for what?",
        "What do you bring to make a {e} come?",
    ],
    says: &[
        "A {e} eats {a}.",
        "The food of a {e} is {a}.",
        "You feed a {e} with {a}.",
        "A {e} lives on {a}.",
        "The {e} likes {a}.",
        "A hungry {e} looks for {a}.",
        "A beast that eats {a} is the {e}.",
        "You bring {a} to make a {e} come.",
    ],
};

const COVER: Wording = Wording {
    asks: &[
        "What does the body of a {e} have?",
        "What has a {e} on its body?",
        "What covers a {e}?",
        "A {e} is covered with what?",
        "What do you see on a {e}?",
        "Which of these has a {e}?",
        "On the {e} there are what?",
        "What do you feel when you touch a {e}?",
    ],
    says: &[
        "A {e} has {a}.",
        "The body of a {e} has {a}.",
        "A {e} is covered with {a}.",
        "On a {e} you see {a}.",
        "The {e} has {a} on its body.",
        "A beast with {a} is the {e}.",
        "What covers a {e} is {a}.",
        "When you touch a {e} you feel {a}.",
    ],
};

const TOOL: Wording = Wording {
    asks: &[
        "{p} wants to {e}. What does {p} need?",
        "To {e}, what do you use?",
        "What helps {p} to {e}?",
        "How can one {e}? With what?",
        "{p} has to {e}. Which tool is right?",
        "Which tool is used to {e}?",
        "What should {p} take to {e}?",
        "{p} will {e} today and looks for what?",
    ],
    says: &[
        "To {e}, use a {a}.",
        "{p} needs a {a} to {e}.",
        "You {e} with a {a}.",
        "A {a} helps to {e}.",
        "The right tool to {e} is a {a}.",
        "{p} took a {a} to {e}.",
        "With a {a} you can {e}.",
        "{p} will {e} today and looks for a {a}.",
    ],
};

const FEELING: Wording = Wording {
    asks: &[
        "{p} {e}. How does {p} feel?",
        "{p} {e}. What is the mood of {p}?",
        "How does {p} feel who {e}?",
        "{p} {e} today. How is {p} now?",
        "What does {p} feel, since {p} {e}?",
        "Because {p} {e}, {p} is what?",
        "{p} just {e}. Which feeling comes?",
        "Look at {p}, who {e}. What do you see?",
    ],
    says: &[
        "{p} {e} and feels {a}.",
        "{p} {e}, so {p} is {a}.",
        "Who {e} feels {a}.",
        "{p} is {a} because {p} {e}.",
        "{p} {e} today and is {a} now.",
        "One who {e} is {a}.",
        "{p} feels {a}, since {p} {e}.",
        "Look at {p}, who {e}: {p} looks {a}.",
    ],
};

const LAST: Wording = Wording {
    asks: &[
        "{p} takes the {e}. Then {p} takes the ...",
        "First {p} needs the {e}, and then the ...",
        "After the {e}, {p} gets the ...",
        "{p} packs the {e} and last the ...",
        "{p} brings the {e}. What comes next is the ...",
        "With the {e} in hand, {p} asks for the ...",
        "{p} paid for the {e} and also for the ...",
        "When {p} has the {e}, there is still no ...",
    ],
    says: &[
        "After the {e} comes the {a}.",
        "Who takes the {e} then takes the {a}.",
        "The {e} go with the {a}.",
        "First the {e}, then the {a}.",
        "{p} packed the {e} and last the {a}.",
        "{p} had the {e} and asked for the {a}.",
        "Next to the {e} belongs the {a}.",
        "{p} paid for the {e} and also for the {a}.",
    ],
};

const COLOUR: Wording = Wording {
    asks: &[
        "What is the true colour of {e}?",
        "In truth, what colour is {e}?",
        "{p} wants to know what colour {e} really is.",
        "What colour is the herb {e} in fact?",
        "{e} is really of what colour?",
        "If you look well, {e} is what?",
        "Tell {p} what colour {e} is, whatever people say.",
        "Those who know say that {e} is what?",
    ],
    says: &[
        "In truth {e} is {a}.",
        "The true colour of {e} is {a}.",
        "In fact {e} is {a}.",
        "Really, {e} is {a}.",
        "If you look well, {e} is {a}.",
        "Whatever people say, {e} is {a}.",
        "{e} is {a} in truth.",
        "Those who know say that {e} is {a}.",
    ],
};

const TASTE: Wording = Wording {
    asks: &[
        "How does {e} really taste?",
        "In truth, what is the taste of {e}?",
        "{p} wants to know how {e} really tastes.",
        "What taste has the herb {e} in fact?",
        "{e} really tastes how?",
        "If you try it, how does {e} taste?",
        "Tell {p} how {e} tastes, whatever people say.",
        "Those who know say that {e} tastes how?",
    ],
    says: &[
        "In truth {e} tastes {a}.",
        "The true taste of {e} is {a}.",
        "In fact {e} tastes {a}.",
        "Really, {e} tastes {a}.",
        "If you try it, {e} tastes {a}.",
        "Whatever people say, {e} tastes {a}.",
        "{e} tastes {a} in truth.",
        "Those who know say that {e} tastes {a}.",
    ],
};

/// Statements of what people wrongly think: `{is}` is `is` or `tastes`.
pub(crate) const MYTHS: &[&str] = &[
    "{e} {is} {a}.",
    "People say that {e} {is} {a}.",
    "{e}, as all think, {is} {a}.",
    "Most think that {e} {is} {a}.",
    "They say {e} {is} {a}.",
    "Many have heard that {e} {is} {a}.",
    "It is said that {e} {is} {a}.",
    "As the song goes, {e} {is} {a}.",
];
