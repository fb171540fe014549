//! The backends against a server on this machine and recordings made by the tests; nothing here leaves it.

#[cfg(test)]
mod errors;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod money;
#[cfg(test)]
mod non_finite;
#[cfg(test)]
mod real;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod shared;
