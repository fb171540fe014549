//! English words of the world. What follows from a class has the index of the class.

/// Classes of beasts.
pub(super) const CLASSES: &[&str] = &["bird", "fish", "snake", "moth", "cat", "bear", "frog", "crab"];
/// What they eat.
pub(super) const FOODS: &[&str] = &["seeds", "weeds", "eggs", "leaves", "mice", "berries", "flies", "worms"];
/// What covers them.
pub(super) const COVERS: &[&str] = &["feathers", "fins", "scales", "wings", "fur", "wool", "slime", "shell"];
pub(crate) const JOBS: &[&str] = &[
    "baker", "smith", "farmer", "singer", "doctor", "hunter", "sailor", "teacher", "painter", "miner",
    "tailor", "judge",
];
pub(super) const TOOLS: &[&str] =
    &["hammer", "saw", "needle", "brush", "spade", "rope", "ladder", "knife", "hook", "net", "pump", "torch"];
/// What is done with stuffs.
pub(super) const DEEDS: &[&str] = &["cut", "move", "clean", "lift", "join", "split"];
/// How it feels.
pub(super) const FEELINGS: &[&str] =
    &["happy", "sad", "angry", "afraid", "proud", "calm", "ashamed", "jealous"];
/// What happens to things.
pub(super) const EVENTS: &[&str] = &["lost", "found", "broke", "sold", "won", "gave away"];
/// Things that are had, lost and taken.
pub(crate) const THINGS: &[&str] = &[
    "drum", "lamp", "book", "ring", "cup", "boat", "bell", "coat", "key", "map", "pot", "hat", "box", "kite",
    "doll", "flute",
];
/// What is counted.
pub(crate) const FRUITS: &[&str] = &["plums", "figs", "nuts", "beans", "pears", "limes", "grapes", "roots"];
pub(super) const COLOURS: &[&str] = &["red", "blue", "green", "white", "black", "yellow", "brown", "pink"];
pub(super) const TASTES: &[&str] = &["sweet", "sour", "bitter", "salty", "hot", "mild", "fresh", "stale"];
/// Comparatives and their opposites, the most frequent first.
pub(crate) const QUALITIES: &[(&str, &str)] = &[
    ("older", "younger"),
    ("taller", "shorter"),
    ("faster", "slower"),
    ("richer", "poorer"),
    ("stronger", "weaker"),
    ("louder", "quieter"),
    ("braver", "meeker"),
    ("wiser", "duller"),
    ("kinder", "crueler"),
    ("fatter", "thinner"),
    ("neater", "messier"),
    ("busier", "lazier"),
];

/// Every word above that is an answer or stands in a passage.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    let lists = [CLASSES, FOODS, COVERS, JOBS, TOOLS, FEELINGS, THINGS, COLOURS, TASTES, FRUITS];
    let qualities = QUALITIES.iter().flat_map(|(more, less)| [*more, *less]);
    lists.into_iter().flatten().copied().chain(qualities)
}
