// Package relay carries one admitted request through its money and its work:
// estimate, hold, upstream, answer, settle.
//
// It keeps true that
//   - nothing is shown to a client before the hold is durable, and nothing is
//     sent upstream before, unless the account has so much that a refusal is
//     unlikely (W5, HOTPATH 13);
//   - an answer in one piece has all that it can cost set aside; a stream has a
//     chunk of it and asks for the next one in time, so that what an account
//     cannot pay for is at most a chunk, or what an upstream did unseen
//     (HOTPATH 10); where there is no more the stream ends as an error;
//   - usage is the upstream's figure as far as the call can have caused it, and
//     counted here for what no figure covers (W6);
//   - an upstream that refuses or fails before it did work costs nothing (L7);
//   - the end of an answer (a JSON body, the usage chunk and [DONE] of a chat,
//     the terminal event of a response) is withheld until its debit is durable
//     (HOTPATH 15), so that what a client takes for complete is paid for; of a
//     JSON answer too large to be kept, all but its last bytes is passed on;
//   - a cut is passed on as an error, never as a clean end (HOTPATH 17);
//   - work whose gate closes is cut at once (K5);
//   - a client that leaves pays for what the upstream produced (L9);
//   - a job that its client named is run once: whatever was debited by itself can
//     be given again for a day, byte for byte, a cut as a cut; what cost nothing
//     frees its name (W7, HOTPATH 18);
//   - bodies in memory stay under one budget (W10).
//
// It knows no HTTP: a host gives it a [Sink] to write to.
package relay
