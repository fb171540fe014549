//! # plimsoll-label
