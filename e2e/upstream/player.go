package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"
)

// player writes one answer with the pace and the faults its script asks for,
// and books how it ended.
type player struct {
	w      http.ResponseWriter
	ctx    context.Context
	script *script
	entry  *entry
	gates  *turnstiles
}

// wait pauses for d and reports whether the client is still there; if not, the
// call is booked as aborted.
func (p *player) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		p.entry.abort()
		return false
	}
}

// admitted waits at the script's turnstile, if it has one, and reports whether
// the client is still there; if not, the call is booked as aborted.
func (p *player) admitted() bool {
	if p.script.gate == 0 || p.gates.pass(p.ctx, p.script.gate) {
		return true
	}
	p.entry.abort()
	return false
}

// send writes b at once, or byte by byte if the script drips, and reports
// whether the client took it; if not, the call is booked as aborted.
func (p *player) send(b []byte) bool {
	if !p.script.drip {
		return p.put(b)
	}
	for i := range b {
		if !p.put(b[i:i+1]) || !p.wait(p.script.gap) {
			return false
		}
	}
	return true
}

func (p *player) put(b []byte) bool {
	_, err := p.w.Write(b)
	if err == nil {
		err = http.NewResponseController(p.w).Flush()
	}
	if err != nil || p.ctx.Err() != nil {
		p.entry.abort()
		return false
	}
	return true
}

// last writes the end of an answer. It is booked first and left to the server
// to flush, so that who has read it finds it counted.
func (p *player) last(b []byte, u Usage) {
	if p.script.drip && len(b) > 0 {
		if !p.send(b[:len(b)-1]) {
			return
		}
		b = b[len(b)-1:]
	}
	p.entry.complete(u)
	if _, err := p.w.Write(b); err != nil || p.ctx.Err() != nil {
		p.entry.abort()
	}
}

// broken breaks the connection if the script says so.
func (p *player) broken() bool {
	switch {
	case p.script.reset:
		p.entry.cut()
		reset(p.w)
		return true
	case p.script.cut:
		p.entry.cut()
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
	return false
}

// reset closes the connection with a TCP reset where it can.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is reset instead
	}
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

// big sends one line of the scripted length.
func (p *player) big() bool {
	block := bytes.Repeat([]byte("x"), 64<<10)
	if !p.put([]byte("data: ")) {
		return false
	}
	for range p.script.bigLine * 16 {
		if !p.put(block) {
			return false
		}
	}
	return p.put([]byte("\n\n"))
}

// stream sends f as server-sent events.
func (p *player) stream(f form) {
	p.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	p.w.Header().Set("Cache-Control", "no-cache")
	for _, b := range f.head() {
		if !p.send(b) {
			return
		}
	}
	half := p.script.chunks / 2
	for i := 0; ; i++ {
		if i == half && !p.middle() {
			return
		}
		if i >= p.script.chunks && !p.script.endless {
			break
		}
		if i > 0 && !p.wait(p.script.gap) {
			return
		}
		if !p.admitted() || !p.send(f.chunk(i)) {
			return
		}
	}
	if !p.admitted() {
		return
	}
	for _, b := range f.tail() {
		if !p.send(b) {
			return
		}
	}
	if p.script.noDone {
		p.entry.cut()
		return
	}
	p.last(f.terminal(), f.reported())
}

// middle does what the script has for the middle of a stream and reports
// whether to go on.
func (p *player) middle() bool {
	if p.broken() {
		return false
	}
	if p.script.malformed && !p.send([]byte("data: {\"id\":\"x\",\"choices\":[{{\n\n")) {
		return false
	}
	return p.script.bigLine == 0 || p.big()
}

// json sends f as one JSON object.
func (p *player) json(f form) {
	p.w.Header().Set("Content-Type", "application/json")
	if p.script.endless {
		p.forever()
		return
	}
	b := f.object()
	if p.script.malformed {
		b = b[:len(b)-len(b)/4]
	}
	p.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if p.script.cut || p.script.reset {
		if p.send(b[:len(b)/2]) && p.admitted() {
			p.broken()
		}
		return
	}
	p.last(b, f.reported())
}

// forever sends a JSON string that never ends, in small pieces only if there is
// a gap between them: whoever waits for much of it is not to wait for writes.
func (p *player) forever() {
	if !p.put([]byte(`{"id":"endless","text":"`)) {
		return
	}
	piece := []byte("and on and on ")
	if p.script.gap == 0 {
		piece = bytes.Repeat(piece, 1000)
	}
	for p.put(piece) && p.wait(p.script.gap) {
	}
}
