//! Particular situations, each over many seeds.

mod budget_race;
mod claim_storm;
mod crash;
mod crash_at_every_port_call;
mod decision_maker;
mod documents;
mod double_payment;
mod exhausted;
mod stuck_agent;
mod waits;
