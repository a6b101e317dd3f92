package lite

import (
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

const pointerSize = int(unsafe.Sizeof(uintptr(0)))

// at is a place outside of Go's heap. go vet takes the plain conversion for a
// mistake, which it would be on Go's heap.
func at(p uintptr) *byte { return *(**byte)(unsafe.Pointer(&p)) } //nolint:gosec // see above

// load returns the pointer at p.
func load(p uintptr) uintptr { return *(*uintptr)(unsafe.Pointer(at(p))) } //nolint:gosec // as at

// bytes returns n bytes at p. They are SQLite's.
func bytes(p uintptr, n int) []byte { return unsafe.Slice(at(p), n) } //nolint:gosec // as at

// arena is memory for the texts of one statement.
type arena struct {
	blocks []uintptr // the first is kept
	next   uintptr
	left   int
}

const arenaBlock = 64 << 10

// reset gives back all but the first block. Nothing that was put may be read
// after it.
func (a *arena) reset(tls *libc.TLS) {
	if len(a.blocks) == 0 {
		return
	}
	for _, p := range a.blocks[1:] {
		libc.Xfree(tls, p)
	}
	a.blocks = a.blocks[:1]
	a.next, a.left = a.blocks[0], arenaBlock
}

func (a *arena) free(tls *libc.TLS) {
	for _, p := range a.blocks {
		libc.Xfree(tls, p)
	}
	*a = arena{}
}

// room returns where n bytes may be put, nil if there is no memory.
func (a *arena) room(tls *libc.TLS, n int) uintptr {
	if n > a.left {
		size := arenaBlock
		if len(a.blocks) > 0 {
			size = max(size, n)
		} else if n > size {
			if a.room(tls, 1) == 0 { // so that the first block has the common size
				return 0
			}
			return a.room(tls, n)
		}
		p := libc.Xmalloc(tls, types.Size_t(size))
		if p == 0 {
			return 0
		}
		a.blocks = append(a.blocks, p)
		a.next, a.left = p, size
	}
	p := a.next
	a.next += uintptr(n)
	a.left -= n
	return p
}

// text puts s and returns where it is.
func (c *Conn) text(s string) (uintptr, error) {
	p := c.texts.room(c.tls, len(s)+1) // an empty one has a place too: it is not NULL
	if p == 0 {
		return 0, c.fail(sqlite3.SQLITE_NOMEM)
	}
	copy(bytes(p, len(s)), s)
	return p, nil
}
