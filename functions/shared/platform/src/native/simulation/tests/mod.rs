mod database;
mod faults;
mod http;
mod schedule;
