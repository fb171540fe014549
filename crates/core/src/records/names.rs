//! The closed sets of names that rows hold.

use crate::named::named_enum;

named_enum! {
    /// Why a question is in the calibration set.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DrawPart {
        /// Drawn in proportion to its bin; enters guarantees.
        Proportional = "proportional",
        /// Drawn to make its bin non-empty.
        Extra = "extra",
    }
}

named_enum! {
    /// On what a calibration map was fitted that gave a row its probability.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum MapScheme {
        /// On every other dataset: what happens to a new dataset.
        LeaveOneDatasetOut = "leave_one_dataset_out",
        /// On four fifths of the clusters, by a seeded hash: what happens to new questions of known datasets.
        FiveFold = "five_fold",
        /// On the data of a thresholds file, whatever they were.
        File = "file",
    }
}

named_enum! {
    /// What the average improvement in quality has on its axis.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum CostAxis {
        /// US dollars.
        Usd = "usd",
        /// Share of questions sent to the LLM.
        RoutingRatio = "routing_ratio",
    }
}

named_enum! {
    /// What is held out of a fit.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum HoldOut {
        /// One dataset at a time.
        #[default]
        Dataset = "dataset",
        /// One domain at a time.
        Domain = "domain",
    }
}

named_enum! {
    /// Whether making a score needed labels of the dataset that it scores.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub enum InDomainLabels {
        /// It did, as a probe that is trained on rows of the same dataset does.
        True = "true",
        /// It did not: the method sees no labels, or none of this dataset.
        False = "false",
        /// The scores were made elsewhere.
        #[default]
        Unknown = "unknown",
    }
}
