//! A moment, and its writing as `strftime` writes it.

use std::fmt::{self, Write as _};

/// A moment on the proleptic Gregorian calendar, without time zone. Templates take "now" from here,
/// never from the clock, so that a prompt is the same tomorrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// A moment that the calendar does not have, or a format that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MomentError {
    /// No such day.
    #[error("{year:04}-{month:02}-{day:02} is no day of the calendar")]
    Day {
        /// The year.
        year: u16,
        /// The month.
        month: u8,
        /// The day.
        day: u8,
    },
    /// No such time.
    #[error("{hour:02}:{minute:02}:{second:02} is no time of day")]
    Time {
        /// The hour.
        hour: u8,
        /// The minute.
        minute: u8,
        /// The second.
        second: u8,
    },
    /// A directive that is not known.
    #[error("`%{directive}` is no directive of strftime known here")]
    Directive {
        /// What stands after the percent sign; empty at the end of the format.
        directive: String,
    },
}

impl minijinja::value::Object for Moment {}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How a number is filled up to its width.
#[derive(Clone, Copy)]
enum Fill {
    Zeros,
    Spaces,
    Nothing,
}

/// The date that `strftime_now` gives in every chat of a run: 1 January 2025, midnight.
///
/// It is fixed so that prompts, and with them answers and cached work, do not change from day to day. Templates that
/// print today's date see this one. It belongs to a model's identity where its template reads it.
pub const TEMPLATE_DATE: Moment = Moment { year: 2025, month: 1, day: 1, hour: 0, minute: 0, second: 0 };

impl fmt::Display for Moment {
    /// As ISO 8601 without a zone: `2025-01-01T00:00:00`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

impl Moment {
    /// Midnight at the start of a day. Years run from 1 to 9999.
    ///
    /// # Errors
    /// If the calendar has no such day.
    pub fn date(year: u16, month: u8, day: u8) -> Result<Self, MomentError> {
        let known = (1..=9999).contains(&year) && (1..=12).contains(&month);
        if !known || day == 0 || day > days_in_month(year, month) {
            return Err(MomentError::Day { year, month, day });
        }
        Ok(Self { year, month, day, hour: 0, minute: 0, second: 0 })
    }

    /// The same day at another time.
    ///
    /// # Errors
    /// If a day has no such time.
    pub fn at(self, hour: u8, minute: u8, second: u8) -> Result<Self, MomentError> {
        if hour > 23 || minute > 59 || second > 59 {
            return Err(MomentError::Time { hour, minute, second });
        }
        Ok(Self { hour, minute, second, ..self })
    }

    /// The moment in a format of C's `strftime`, in the C locale, as Python's
    /// `datetime.strftime` gives it on Linux (`%-d` and `%_d` included).
    ///
    /// # Errors
    /// If a directive is not known.
    ///
    /// ```
    /// use plimsoll_engine::chat::Moment;
    /// let day = Moment::date(2024, 7, 26).unwrap();
    /// assert_eq!(day.format("%d %b %Y, a %A").unwrap(), "26 Jul 2024, a Friday");
    /// ```
    pub fn format(self, format: &str) -> Result<String, MomentError> {
        let mut text = String::with_capacity(format.len() + 16);
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let unknown = |directive: String| MomentError::Directive { directive };
            let mut directive = chars.next().ok_or_else(|| unknown(String::new()))?;
            let fill = match directive {
                '-' => Some(Fill::Nothing),
                '_' => Some(Fill::Spaces),
                '0' => Some(Fill::Zeros),
                _ => None,
            };
            if fill.is_some() {
                let flag = directive;
                directive = chars.next().ok_or_else(|| unknown(flag.to_string()))?;
            }
            self.directive(&mut text, directive, fill).ok_or_else(|| unknown(directive.to_string()))?;
        }
        Ok(text)
    }

    /// Writes one directive, or is `None` where it is not known.
    fn directive(self, text: &mut String, directive: char, fill: Option<Fill>) -> Option<()> {
        if let Some((value, width, usual)) = self.number(directive) {
            let fill = fill.unwrap_or(usual);
            // Writing into a string does not fail.
            return match fill {
                Fill::Zeros => write!(text, "{value:0width$}"),
                Fill::Spaces => write!(text, "{value:width$}"),
                Fill::Nothing => write!(text, "{value}"),
            }
            .ok();
        }
        let month = MONTHS[usize::from(self.month) - 1];
        let weekday = WEEKDAYS[usize::from(self.weekday())];
        match directive {
            'B' => text.push_str(month),
            'b' | 'h' => text.push_str(&month[..3]),
            'A' => text.push_str(weekday),
            'a' => text.push_str(&weekday[..3]),
            'p' => text.push_str(if self.hour < 12 { "AM" } else { "PM" }),
            '%' => text.push('%'),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            // A moment without time zone has nothing to say here.
            'z' | 'Z' => {}
            _ => text.push_str(&self.format(composed(directive)?).ok()?),
        }
        Some(())
    }

    /// Value, width and usual fill of the directives that are numbers.
    fn number(self, directive: char) -> Option<(u32, usize, Fill)> {
        let hour12 = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        let weekday = u32::from(self.weekday());
        let day_of_year = self.day_of_year();
        let zeros = |value: u32, width: usize| Some((value, width, Fill::Zeros));
        match directive {
            'd' => zeros(self.day.into(), 2),
            'e' => Some((self.day.into(), 2, Fill::Spaces)),
            'm' => zeros(self.month.into(), 2),
            'y' => zeros(u32::from(self.year) % 100, 2),
            'Y' => Some((self.year.into(), 4, Fill::Nothing)),
            'C' => zeros(u32::from(self.year) / 100, 2),
            'H' => zeros(self.hour.into(), 2),
            'k' => Some((self.hour.into(), 2, Fill::Spaces)),
            'I' => zeros(hour12.into(), 2),
            'l' => Some((hour12.into(), 2, Fill::Spaces)),
            'M' => zeros(self.minute.into(), 2),
            'S' => zeros(self.second.into(), 2),
            'f' => zeros(0, 6),
            'j' => zeros(day_of_year, 3),
            'w' => zeros(weekday, 1),
            'u' => zeros(if weekday == 0 { 7 } else { weekday }, 1),
            'U' => zeros((day_of_year + 6 - weekday) / 7, 2),
            'W' => zeros((day_of_year + 6 - (weekday + 6) % 7) / 7, 2),
            _ => None,
        }
    }

    fn day_of_year(self) -> u32 {
        let before: u32 = (1..self.month).map(|month| u32::from(days_in_month(self.year, month))).sum();
        before + u32::from(self.day)
    }

    /// 0 is Sunday.
    fn weekday(self) -> u8 {
        let year = u32::from(self.year) - 1;
        // 1 January of the year 1 was a Monday.
        let days = year * 365 + year / 4 - year / 100 + year / 400 + self.day_of_year();
        (days % 7) as u8
    }
}

/// The directives that stand for others.
fn composed(directive: char) -> Option<&'static str> {
    Some(match directive {
        'F' => "%Y-%m-%d",
        'D' | 'x' => "%m/%d/%y",
        'T' | 'X' => "%H:%M:%S",
        'R' => "%H:%M",
        'r' => "%I:%M:%S %p",
        'c' => "%a %b %e %H:%M:%S %Y",
        _ => return None,
    })
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_outside_the_calendar_are_refused() {
        for (year, month, day) in [(0, 1, 1), (10_000, 1, 1), (2023, 0, 1), (2023, 13, 1), (2023, 2, 29)] {
            assert!(Moment::date(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        for (year, month, day) in [(2024, 2, 29), (2000, 2, 29), (1, 1, 1), (9999, 12, 31)] {
            assert!(Moment::date(year, month, day).is_ok(), "{year}-{month}-{day}");
        }
        assert!(Moment::date(1900, 2, 29).is_err());
        assert!(Moment::date(2024, 1, 1).unwrap().at(24, 0, 0).is_err());
    }

    #[test]
    fn unknown_directives_are_errors_that_name_them() {
        let day = Moment::date(2024, 7, 26).unwrap();
        assert_eq!(day.format("%Q").unwrap_err().to_string(), "`%Q` is no directive of strftime known here");
        assert!(day.format("100%").is_err());
        assert!(day.format("%-").is_err());
    }
}
