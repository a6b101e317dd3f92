// Package inference knows OpenAI's wire forms; nothing else in the house parses
// or writes them.
//
// It reads a request once and strictly ([Scan]), finds the usage of a whole
// answer ([ResponseUsage]), cuts a stream into frames ([FrameReader]), tells
// what each frame is and adds up what it used ([Meter]), and writes OpenAI's
// error shape ([ErrorBody], [ErrorFrame]).
//
// What it keeps true:
//
//   - A request that passes Scan can be read in one way only: no duplicate keys
//     at any depth, no case-folded twins of the keys that are read here, no
//     invalid UTF-8 or lone surrogates, bounded depth. So the upstream reads what
//     we priced.
//   - A request is forwarded byte for byte, save one splice that asks a chat
//     stream for its usage (W6).
//   - The frames that end a stream are recognised before a client can see them
//     (HOTPATH 15), and nothing that is not a clean end looks like one (W5).
//
// It is not a model of the API: fields it does not need stay unread, unvalidated
// and untouched. It does no I/O of its own, keeps no text of prompts or answers,
// and knows nothing of prices or credits.
package inference
