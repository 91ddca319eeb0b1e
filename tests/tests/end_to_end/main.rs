//! End to end through the built programs: a stand-in cloud on one side, the
//! spool that ssmsend reads (or a Logstash) on the other, and in between
//! nothing but `caso-extract` and `caso` as an operator starts them.
//!
//! Most cases run in every cloud of [`clouds`]: plain, and with two projects,
//! pages of three, and a flavor, a server and a user that vanish between pages.

mod addresses;
mod ams;
mod attacks;
mod auditor;
mod check;
mod clouds;

mod configuration;
mod counters;
mod cures;
mod defects;
mod demo;
mod documents;
mod durable;
mod endpoints;
mod energy;
mod every_type;
mod fairness;
mod filters;
mod first_day;
mod golden;
mod greendigit;
mod histories;
mod hostile;
mod init;
mod inventory;
mod kills;
mod limits;
mod lists;
mod log_file;
mod logins;
mod lost_projects;
mod messengers;
mod month_ends;
mod night;
mod nova;
mod old_journal;
mod otlp;
mod outages;
mod packing;
mod places;
mod preview;
mod projects;
mod put_back;
mod queue;
mod regions;
mod remembered;
mod republish;
mod requests;
mod scaffolds;
mod scopes;
mod skipped;
mod status;
mod storage;
mod support;
mod tls;
mod transcripts;
mod trust;
mod waiting_month;
mod windows;
mod words;
