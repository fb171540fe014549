//! Which chunks a worker answers.

use std::time::Duration;

use crate::failure::Failure;

/// Which chunks a worker answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Whatever is missing and not leased by another worker. A worker is lost if it makes no progress for so long.
    Leased(Duration),
    /// One part of `count`, without leases: nobody else answers it.
    Part {
        /// The part, from 0.
        index: usize,
        /// The number of parts.
        count: usize,
    },
}

impl Share {
    /// A part.
    ///
    /// # Errors
    /// A usage failure unless the index is below the count.
    pub fn part(index: usize, count: usize) -> Result<Self, Failure> {
        if index < count {
            return Ok(Self::Part { index, count });
        }
        Err(Failure::usage(format!(
            "part {index} of {count}: parts are counted from 0, so the last is {}",
            match count {
                0 => "none".to_owned(),
                count => format!("{}/{count}", count - 1),
            }
        )))
    }

    /// Reads `i/n`, parts counted from 0.
    ///
    /// # Errors
    /// A usage failure for a text that is none.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let (index, count) = numbers
            .ok_or_else(|| Failure::usage(format!("`{text}` is no part; write 0/4, 1/4, 2/4 or 3/4")))?;
        Self::part(index, count)
    }

    /// The part that a batch system gave this process, if one did: an array job of SLURM (`SLURM_ARRAY_TASK_ID`, `_MIN`,
    /// `_COUNT`, `_STEP`), or an indexed job of Kubernetes (`JOB_COMPLETION_INDEX`, and `JOB_COMPLETIONS`, which the job
    /// must set itself).
    ///
    /// # Errors
    /// A usage failure for variables that contradict each other.
    pub fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Failure> {
        let numbered = |name: &str| -> Result<Option<usize>, Failure> {
            let Some(text) = variable(name) else { return Ok(None) };
            let parsed = number(&text);
            parsed.map(Some).ok_or_else(|| Failure::usage(format!("{name}: `{text}` is no number")))
        };
        if let Some(task) = numbered("SLURM_ARRAY_TASK_ID")? {
            let count =
                numbered("SLURM_ARRAY_TASK_COUNT")?.ok_or_else(|| missing("SLURM_ARRAY_TASK_COUNT"))?;
            let (first, step) = (
                numbered("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0),
                numbered("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1),
            );
            let steps = task.checked_sub(first).filter(|offset| step > 0 && offset % step == 0);
            let index = steps.map(|offset| offset / step).filter(|index| *index < count);
            let index = index.ok_or_else(|| {
                Failure::usage(format!(
                    "SLURM_ARRAY_TASK_ID: task {task} is none of {count} that begin at {first} in steps of {step}; number \
                     the array without gaps (--array=0-{}), or give --shard",
                    count.saturating_sub(1)
                ))
            })?;
            return Self::part(index, count).map(Some);
        }
        let Some(index) = numbered("JOB_COMPLETION_INDEX")? else { return Ok(None) };
        let count = numbered("JOB_COMPLETIONS")?.ok_or_else(|| missing("JOB_COMPLETIONS"))?;
        Self::part(index, count).map(Some)
    }

    /// Whether a worker with this share answers a shard.
    pub(super) const fn has(self, shard: usize) -> bool {
        match self {
            Self::Leased(_) => true,
            Self::Part { index, count } => shard % count == index,
        }
    }
}

fn missing(name: &str) -> Failure {
    Failure::usage(format!(
        "{name} is not set, so the number of workers is not known; set it, or give --shard I/N (or --shard none for leases)"
    ))
}

/// Digits alone: neither a sign nor spaces.
fn number(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Option<Share>, Failure> {
        Share::from_environment(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn part(index: usize, count: usize) -> Share {
        Share::Part { index, count }
    }

    #[test]
    fn parts_are_disjoint_and_together_everything() {
        for count in 1..20 {
            for shard in 0..100 {
                let having = (0..count).filter(|index| part(*index, count).has(shard));
                assert_eq!(having.count(), 1, "shard {shard} of {count} parts");
            }
            let sizes: Vec<usize> = (0..count)
                .map(|index| (0..100).filter(|shard| part(index, count).has(*shard)).count())
                .collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }

    #[test]
    fn a_part_is_written_as_a_fraction() {
        assert_eq!(Share::parse("0/1").unwrap(), part(0, 1));
        assert_eq!(Share::parse("11/12").unwrap(), part(11, 12));
        for text in [
            "",
            "1",
            "/",
            "1/",
            "/2",
            "2/2",
            "0/0",
            "-1/2",
            "+1/2",
            " 1/2",
            "1/2/3",
            "a/b",
            "99999999999999999999/2",
        ] {
            assert!(Share::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn arrays_of_slurm_begin_anywhere() {
        let array = |id: &'static str, min: &'static str, count: &'static str, step: &'static str| {
            from(&[
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_COUNT", count),
                ("SLURM_ARRAY_TASK_STEP", step),
            ])
        };
        assert_eq!(array("0", "0", "4", "1").unwrap(), Some(part(0, 4)));
        assert_eq!(array("8", "5", "4", "1").unwrap(), Some(part(3, 4)));
        assert_eq!(array("9", "1", "5", "4").unwrap(), Some(part(2, 5)));
        for (id, min, count, step) in
            [("9", "5", "4", "1"), ("4", "5", "4", "1"), ("6", "5", "4", "2"), ("5", "5", "4", "0")]
        {
            assert!(array(id, min, count, step).is_err(), "{id} {min} {count} {step}");
        }
        assert!(from(&[("SLURM_ARRAY_TASK_ID", "1")]).is_err(), "nobody knows of how many");
        assert_eq!(from(&[]).unwrap(), None);
    }

    #[test]
    fn indexed_jobs_say_how_many_they_are() {
        let job = [("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "3")];
        assert_eq!(from(&job).unwrap(), Some(part(2, 3)));
        assert!(from(&job[..1]).is_err());
        assert!(from(&[("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "3")]).is_err());
    }
}
