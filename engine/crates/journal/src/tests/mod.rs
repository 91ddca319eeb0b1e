//! What the journal promises, driven through its own front door.

mod cleanup;
mod commit;
mod consumer;
mod damage;
mod files;
mod kill;
mod lock;
mod order;
mod retry;
mod settle;
mod site;
mod steps;
