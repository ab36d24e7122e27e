//! The runner through the real binary: what is killed, what is answered, what is thrown at it.

mod answers;
mod chance;
mod failpoints;
mod loss;
mod moving;
