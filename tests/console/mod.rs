//! What the console decides, by value: (model, message) to (model, effects).

mod prompts;
mod read_only;
mod rows;
