package openaiupstream

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Key is the service's credential at the upstream. It prints as [redacted]
// wherever it is formatted, logged or marshalled.
type Key string

const redacted = "[redacted]"

// String returns [redacted].
func (Key) String() string { return redacted }

// GoString returns [redacted].
func (Key) GoString() string { return redacted }

// Format writes [redacted], whatever the verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns [redacted].
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// Config says where the upstream is and how long to wait for it. A limit of 0
// takes its default.
type Config struct {
	Name    string // in logs, metrics and the provider list
	BaseURL string // absolute, http or https, its path ends in /v1
	Key     Key

	Connect      time.Duration // for TCP, and again for TLS; 3 s
	FirstByte    time.Duration // from the call to the whole head of the answer; 120 s
	IdleChunk    time.Duration // longest silence inside an answer; 60 s
	MaxErrorBody int64         // bytes read of an error; 64 KiB
}

// String returns the name and the address, never the key.
func (c Config) String() string { return "openaiupstream " + c.Name + " at " + c.address() }

// LogValue returns the configuration without the key.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("name", c.Name), slog.String("base_url", c.address()),
		slog.Duration("connect", c.Connect), slog.Duration("first_byte", c.FirstByte),
		slog.Duration("idle_chunk", c.IdleChunk), slog.Int64("max_error_body", c.MaxErrorBody),
	)
}

// address is the base URL without what could be a credential.
func (c Config) address() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return "an invalid address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	return errors.Join(
		check(c.Name != "", "the upstream needs a name"),
		c.validateURL(),
		check(c.Key != "", "the upstream's key is empty"),
		check(!strings.ContainsFunc(string(c.Key), unprintable), "the upstream's key holds spaces or characters outside printable ASCII"),
		check(c.Connect >= 0 && c.FirstByte >= 0 && c.IdleChunk >= 0, "the upstream's time limits must not be negative"),
		check(c.MaxErrorBody >= 0, "the upstream's limit for error bodies must not be negative"),
	)
}

// validateURL names no part of the address: it may hold a credential.
func (c Config) validateURL() error {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("the upstream's base URL is no absolute http or https address")
	}
	return errors.Join(
		check(!strings.ContainsFunc(u.Host, unprintable), "the host of the upstream's base URL must be written in ASCII, international names in their xn-- form"),
		check(strings.HasSuffix(u.Path, "/v1"), "the upstream's base URL must end in /v1"),
		check(u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "",
			"the upstream's base URL must hold no user, query or fragment"),
	)
}

func check(ok bool, message string) error {
	if ok {
		return nil
	}
	return errors.New(message)
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

// withDefaults returns c with its zero limits filled in.
func (c Config) withDefaults() Config {
	c.Connect = orDefault(c.Connect, 3*time.Second)
	c.FirstByte = orDefault(c.FirstByte, 120*time.Second)
	c.IdleChunk = orDefault(c.IdleChunk, 60*time.Second)
	c.MaxErrorBody = orDefault(c.MaxErrorBody, 64<<10)
	return c
}

func orDefault[T time.Duration | int64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
