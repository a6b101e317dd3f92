// Package spend turns the ledger's steps into committed rows: holds, settles
// and releases of many requests go through one writer per replica, which
// commits them in batches (group commit).
//
// It keeps true that
//   - a hold is acknowledged only once it is durable (W5), and one whose
//     caller stopped waiting is released, not forgotten;
//   - a terminal step is retried for as long as the process lives;
//   - a replica that lost its lease ends its work as errors and goes on under
//     a new identity, and the holds of a dead one are resolved by
//     ledger.Hold.Resolution (L9), each exactly once;
//   - every queue is bounded: past it a caller gets a fault of kind Unavailable.
//
// It does not know prices, gates or HTTP.
package spend
