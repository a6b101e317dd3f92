//go:build unix

package idp

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Browser is somebody at the provider's pages, without scripts: it keeps
// cookies, follows redirects there, and fills in forms.
type Browser struct {
	idp    *IDP
	client *http.Client
}

// NewBrowser returns a browser that has never been there.
func (p *IDP) NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	return &Browser{p, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// At returns the same browser, cookies and all, at another provider.
func (b *Browser) At(p *IDP) *Browser { return &Browser{p, b.client} }

// SignIn goes to address and signs in as user, if asked. It returns where the
// provider sends the browser in the end, which is elsewhere.
func (b *Browser) SignIn(t testing.TB, address, user string) *url.URL {
	t.Helper()
	return b.through(t, address, url.Values{"user": {user}, "do": {"sign-in"}})
}

// Cancel goes to address and says no.
func (b *Browser) Cancel(t testing.TB, address string) *url.URL {
	t.Helper()
	return b.through(t, address, url.Values{"do": {"cancel"}})
}

// SignOut goes to address and confirms.
func (b *Browser) SignOut(t testing.TB, address string) *url.URL {
	t.Helper()
	return b.through(t, address, url.Values{"logout": {"yes"}})
}

var (
	action = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// through follows redirects within the provider and answers its forms with
// what was given, until it is sent elsewhere.
func (b *Browser) through(t testing.TB, address string, answers url.Values) *url.URL {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	var form url.Values
	for range 12 {
		page, next := b.visit(t, at, form)
		if next != nil {
			if !strings.HasPrefix(next.String(), b.idp.Issuer+"/") {
				return next
			}
			at, form = next, nil
			continue
		}
		if strings.Contains(page, "role=\"alert\"") {
			t.Fatalf("the provider objects: %s", page)
		}
		to := action.FindStringSubmatch(page)
		if to == nil {
			t.Fatalf("no form at %s: %s", at.Path, page)
		}
		form = url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(page, -1) {
			form.Set(field[1], field[2])
		}
		for name, value := range answers {
			form[name] = value
		}
		if at, err = at.Parse(to[1]); err != nil {
			t.Fatalf("idp: %v", err)
		}
	}
	t.Fatalf("the provider leads in circles: %s", at)
	return nil
}

// visit gets a page, or posts a form to it; it returns the page, or where it
// sends the browser.
func (b *Browser) visit(t testing.TB, at *url.URL, form url.Values) (string, *url.URL) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, at.String(), body)
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatalf("visit the provider: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("visit the provider: %v", err)
	}
	if next, err := res.Location(); err == nil {
		return "", next
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s at %s: %s", res.Status, at.Path, text)
	}
	return string(text), nil
}
