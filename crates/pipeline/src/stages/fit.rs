//! `fit`: thresholds of every series. A few series at a time, so that all cores have work while few sorted copies are
//! alive.

use plimsoll_core::{ScoreSeries, ScoreTable};
use plimsoll_fit::{DatasetSelection, FitSpec, FittedMethod, PreparedSeries, fit_method};
use plimsoll_router::thresholds::Method;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::calibration::CalibrationWriter;
use crate::failure::Failure;
use crate::method_identity::MethodIdentities;
use crate::observer::Observer;
use crate::series_name::series_name;
use crate::stage::Stage;

/// Series that are fitted at the same time: each holds a sorted copy of its rows.
const MAX_TOGETHER: usize = 4;

/// What is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Fitting<'a> {
    /// The scores.
    pub table: &'a ScoreTable,
    /// How each series is drawn and fitted.
    pub spec: &'a FitSpec,
    /// What the methods of the series are.
    pub identities: MethodIdentities<'a>,
}

impl Fitting<'_> {
    /// Fits every series: one entry each, in the order of the table. `writer` takes their draws.
    ///
    /// # Errors
    /// A stage failure for a calibration table that cannot be written.
    pub fn run(
        &self,
        mut writer: Option<&mut CalibrationWriter>,
        observer: &dyn Observer,
    ) -> Result<Vec<Method>, Failure> {
        let progress = observer.steps(Stage::Fit, self.table.series.len() as u64);
        let mut methods = Vec::with_capacity(self.table.series.len());
        let together = rayon::current_num_threads().clamp(1, MAX_TOGETHER);
        for group in self.table.series.chunks(together) {
            let fitted: Vec<FittedMethod> = group
                .par_iter()
                .map(|series| {
                    progress.message(&series_name(series));
                    let fitted = self.fit(series);
                    progress.step();
                    fitted
                })
                .collect();
            for (series, fitted) in group.iter().zip(fitted) {
                if let Some(writer) = &mut writer {
                    writer.write(self.table, series, &fitted.draw)?;
                }
                methods.push(fitted.method);
            }
        }
        Ok(methods)
    }

    fn fit(&self, series: &ScoreSeries) -> FittedMethod {
        let prepared = PreparedSeries::new(&self.table.questions, series);
        let all = DatasetSelection::all(self.table.questions.datasets().len());
        fit_method(&prepared, &all, self.spec, &self.identities.get(series))
    }
}
