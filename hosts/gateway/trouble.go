package gateway

import (
	"log/slog"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// troubles tells operators of requests that are refused because a part of the
// service is unavailable: in the log which part and why, once a second and kind at
// most, however many they are.
type troubles struct {
	log   *slog.Logger
	count func(code, part string) // may be nil

	mu   sync.Mutex
	told map[trouble]*telling
}

// trouble is a kind of refusal. There are few: codes and parts are words of ours.
type trouble struct{ code, part string }

type telling struct {
	at       time.Time
	requests int // since then
}

// tellEvery is how often a kind of trouble is told of.
const tellEvery = time.Second

func newTroubles(log *slog.Logger, count func(code, part string)) *troubles {
	return &troubles{log: log, count: count, told: map[trouble]*telling{}}
}

// note takes a refusal at a time.
func (t *troubles) note(f *fault.Error, now time.Time) {
	if t.count != nil {
		t.count(f.Code, f.Part)
	}
	if n := t.due(trouble{f.Code, f.Part}, now); n > 0 {
		t.log.Warn("requests are refused: the service is unavailable", "code", f.Code, "part", f.Part, "requests", n, "cause", f.Err)
	}
}

// due returns how many refusals there were since the last time that was told, 0 if
// that was just now.
func (t *troubles) due(kind trouble, now time.Time) (requests int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.told[kind]
	if last == nil {
		last = &telling{}
		t.told[kind] = last
	}
	last.requests++
	if age := now.Sub(last.at); 0 <= age && age < tellEvery {
		return 0
	}
	requests = last.requests
	last.at, last.requests = now, 0
	return requests
}
