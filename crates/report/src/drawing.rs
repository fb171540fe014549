//! From marks to SVG. The plotting library draws panels; this module says in which colours, and puts panels side by
//! side.
//!
//! Colours are those of Okabe and Ito, which colour-blind readers can tell apart; every line that stands beside others
//! has a dash pattern of its own, too. A colour is written as its light form, and a style sheet replaces it in the dark:
//! a viewer without style sheets shows the light form.

mod ink;
mod panel;
mod sheet;

pub(crate) use ink::{Ink, dark_rules};
pub(crate) use panel::{Axis, Panel, PlotMark, Tick, inner};
pub(crate) use sheet::{Drawn, sheet, standalone};
