// Package ledger is the arithmetic of credits: lots that expire, holds that
// set credits aside, and the append-only entries that explain every balance.
//
// All amounts are int64 microcredits; one credit is [Credit]. [Apply] is the
// only function that changes a state, and it is pure: a store loads a [State]
// under a lock, applies a batch of [Op], and writes what [State.Changes]
// returns, in one transaction.
//
// It keeps true, for each account:
//   - a lot's Remaining is the sum of its entries, and 0 ≤ Held ≤ Remaining (L5);
//   - the lot that expires first is spent first, ties by grant time, then ID (L3);
//   - an expired lot lends nothing, whether a sweep has been by or not (L10);
//   - a request is held once, settled or released once, and never both (L4);
//   - no scope has more debited and held in a month than its limit says (L12),
//     but for what a hold of the month before still takes, and none is granted
//     more requests and tokens than a minute's at once and what flows back;
//   - a client's own name stands for one request, from its hold until a day after
//     that, unless the hold was released (W7);
//   - a correction is booked once for its request, takes no credit that is held,
//     and brings no lot above what was granted or below nothing (L11);
//   - a refused op leaves every figure as it was (L6).
//
// It does not know prices or gates, and it never reads a clock.
package ledger
