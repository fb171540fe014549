//! # plimsoll-ingest
