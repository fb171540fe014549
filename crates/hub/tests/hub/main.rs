//! The crate against a hub on this machine; nothing here leaves it.

#[cfg(test)]
mod access;
#[cfg(test)]
mod cached;
#[cfg(test)]
mod choosing;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod fixture;
