package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

type healthcheckCommand struct{}

// Run asks for /healthz.
func (healthcheckCommand) Run(ctx context.Context, in *instance) error {
	host, port, err := net.SplitHostPort(in.cli.Settings.Listen)
	if err != nil {
		return configError{errors.New("ARCHIBOT_LISTEN is host:port, such as 127.0.0.1:8080")}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	return nil
}

type versionCommand struct{}

// version is set by the release build: -ldflags "-X main.version=…".
var version = "dev"

// Run prints version, revision and compiler.
func (versionCommand) Run(in *instance) error {
	revision := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	if in.cli.JSON {
		return json.NewEncoder(in.Out).Encode(map[string]string{"version": version, "revision": revision, "go": runtime.Version()})
	}
	_, err := fmt.Fprintf(in.Out, "archibotchat %s (revision %s, %s)\n", version, revision, runtime.Version())
	return err
}
