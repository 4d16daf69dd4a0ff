// Package bench measures what matters to those who wait: each operation beside
// the limit it cannot pass, in one run, so that the ratio of the two can be
// read on any machine.
//
// Every benchmark measures the limit and ours in turns, several times, and
// reports medians. It measures for its own fixed time, whatever -benchtime says,
// and needs Linux, PostgreSQL's programs and nginx. Nothing leaves 127.0.0.1.
//
// The tests count what can be counted exactly and needs no clock: round trips
// to the database, and allocations.
package bench
