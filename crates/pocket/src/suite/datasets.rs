//! The datasets of the suite, one file each. To add one: a file here and a line in `ADAPTERS`.

mod beasts;
mod endings;
mod facts;
mod feelings;
mod myths;
mod quiz;
mod steps;
mod stories;
mod subjects;
mod sums;
mod talk;
mod tools;
mod which;
mod yesno;

use plimsoll_ingest::Dataset;

use super::adapter::Adapter;
use super::generator::Generator;

/// Every dataset, by domain.
static ADAPTERS: [Adapter; COUNT] = [
    Adapter(&sums::SumQuestions),
    Adapter(&steps::TwoSteps),
    Adapter(&stories::Stories),
    Adapter(&quiz::Quiz),
    Adapter(&facts::FactQuestions),
    Adapter(&tools::Tools),
    Adapter(&feelings::Feelings),
    Adapter(&which::Which),
    Adapter(&endings::Endings),
    Adapter(&myths::Myths),
    Adapter(&yesno::YesNo),
    Adapter(&beasts::Beasts),
    Adapter(&talk::Talk),
    Adapter(&subjects::Subjects),
];

/// How many there are.
const COUNT: usize = 14;

/// The same as `ingest` takes them.
static AS_DATASETS: [&dyn Dataset; COUNT] = as_datasets();

/// Every dataset of the suite, by domain.
pub static DATASETS: &[&dyn Dataset] = &AS_DATASETS;

const fn as_datasets() -> [&'static dyn Dataset; COUNT] {
    let mut all = [&ADAPTERS[0] as &dyn Dataset; COUNT];
    let mut index = 1;
    while index < COUNT {
        all[index] = &ADAPTERS[index];
        index += 1;
    }
    all
}

/// The number of the dataset with this id.
pub(super) fn number(id: &str) -> Option<usize> {
    ADAPTERS.iter().position(|adapter| adapter.0.info().id == id)
}

/// The maker of a dataset.
pub(super) fn generator(number: usize) -> &'static dyn Generator {
    ADAPTERS[number].0
}
