//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// callTime bounds one request.
const callTime = 30 * time.Second

// conn is one keep-alive connection that sends requests made ready before and
// reads answers with as little work as it takes to judge them.
type conn struct {
	address string
	net     net.Conn
	reader  *bufio.Reader
	body    []byte
	first   time.Time // when the first byte of the body came
}

// reply is how an answer was judged.
type reply struct {
	whole bool // status 200 and all of it
	first time.Time
	what  string // what is wrong with it
}

func (c *conn) close() {
	if c.net != nil {
		_ = c.net.Close()
		c.net = nil
	}
}

// call sends one request and reads its answer, dialling first if need be.
func (c *conn) call(request []byte, marker string) reply {
	status, err := c.exchange(request)
	if err != nil {
		c.close()
		return reply{what: err.Error()}
	}
	if status != 200 || !bytes.Contains(c.body, []byte(marker)) {
		return reply{what: fmt.Sprintf("status %d: %.200s", status, c.body)}
	}
	return reply{whole: true, first: c.first}
}

func (c *conn) exchange(request []byte) (int, error) {
	if c.net == nil {
		conn, err := net.DialTimeout("tcp", c.address, 5*time.Second)
		if err != nil {
			return 0, err
		}
		c.net, c.reader = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	if err := c.net.SetDeadline(time.Now().Add(callTime)); err != nil {
		return 0, err
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, err
	}
	return c.read()
}

func (c *conn) read() (int, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("status line %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("status line %q", line)
	}
	length, last := int64(-1), false
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	c.body, c.first = c.body[:0], time.Time{}
	if length >= 0 {
		err = c.take(length)
	} else {
		err = c.chunks()
	}
	if err == nil && last {
		c.close()
	}
	return status, err
}

// chunks reads a chunked body.
func (c *conn) chunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 64)
		if err != nil {
			return errors.New("neither a length nor chunks")
		}
		if err := c.take(size); err != nil {
			return err
		}
		if _, err := c.reader.Discard(2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// take appends n bytes to the body.
func (c *conn) take(n int64) error {
	if n > 0 && c.first.IsZero() {
		if _, err := c.reader.Peek(1); err != nil {
			return err
		}
		c.first = time.Now()
	}
	have := len(c.body)
	if need := have + int(n); need > cap(c.body) {
		c.body = append(make([]byte, 0, 2*need), c.body...)
	}
	c.body = c.body[:have+int(n)]
	_, err := io.ReadFull(c.reader, c.body[have:])
	return err
}
