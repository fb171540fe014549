//! Alignment, routing curves and transfer: judges, never fits by itself.
