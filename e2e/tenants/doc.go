// Package tenants proves that no operation lets anybody at what is not theirs.
//
// It reads every operation from the documents under openapi/ and has a row for
// each, in the file of its tag (rows_keys_test.go, …). A plain go test fails
// while an operation has no row, or a row has no operation; with the tag e2e
// the rows are played against a running server, on both databases: with
// another account's credential, with IDs of other accounts, of nothing, of
// deleted objects and malformed ones, by a member where an administrator is
// needed, by somebody who is no operator, with no credential, with one that
// has ended, with a key where a session is needed and the other way round.
// What is refused must be refused in one and the same way, tell nothing and
// change nothing, and the same call by who may make it must go through, so
// that no refusal is for a mistake in the row.
//
// # To add an operation
//
// Write its row in the file of its tag, under the operation's name:
//
//	"POST /api/things/{id}/open": {names: ids{"id": "thing"}, body: `{"wide":true}`, good: 200, member: 403},
//
// names says, for each {placeholder} of the path, the query or the body, what
// kind of object it names; "=text" stands for that text. good is the status
// for an administrator of the object's account, member that for a member of
// it who does not own the object, own that for one who does, if it is another.
// An operation is the operators' alone if the row says staff; good is then what
// one of them gets, and everybody of an account is refused. Where several calls of one operation are to be looked at, add words in brackets to the
// name: "PUT /api/limits/{whose} (of)". A new file's table goes into tables.
//
// A new kind of object goes into kinds: how to make one by calls of the API,
// how to delete it, and what its IDs look like. A column that an operation
// cannot have is left out by naming it in except with the reason; what follows
// from the document (an operation that names nothing has no foreign ID) needs
// none. A list is one that takes a cursor: there must be at least two of what
// it lists in world.furnish.
package tenants
