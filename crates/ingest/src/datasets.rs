//! The datasets of the paper, one file each. To add one: a file here, a line in [`DATASETS`], and a
//! synthetic fixture in its native form under `tests/fixtures`.

mod aqua;
mod boolq;
mod commonsense_qa;
mod coqa;
mod domain;
mod gsm8k;
mod hellaswag;
mod mmlu;
mod multiarith;
mod openbookqa;
mod piqa;
mod social_iqa;
mod svamp;
mod truthfulqa;
mod winogrande;

use crate::dataset::Dataset;

/// Every built-in dataset.
pub const DATASETS: &[&dyn Dataset] = &[
    &aqua::Aqua,
    &gsm8k::Gsm8k,
    &multiarith::MultiArith,
    &svamp::Svamp,
    &commonsense_qa::CommonsenseQa,
    &hellaswag::HellaSwag,
    &openbookqa::OpenBookQa,
    &piqa::Piqa,
    &truthfulqa::TruthfulQa,
    &winogrande::WinoGrande,
    &boolq::BoolQ,
    &social_iqa::SocialIqa,
    &coqa::Coqa,
    &mmlu::Mmlu,
];

/// The dataset with this id.
pub fn dataset(id: &str) -> Option<&'static dyn Dataset> {
    DATASETS.iter().copied().find(|dataset| dataset.id() == id)
}
