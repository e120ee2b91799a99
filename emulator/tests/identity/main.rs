//! Signing in by every door, in every region, and what a token opens until it runs out or is taken back.

mod access;
mod admin;
mod cloud;
mod regions;
mod v1;
mod v2;
mod v3;
