package coffer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestProvidersAreReadFromTextAndYAML(t *testing.T) {
	const text = ` [{"name": "work", "label": "Work", "issuer": "https://login.example.com", "client_id": "coffer", "client_secret": "s3cr3t",
		"scopes": ["email"], "claims": {"email": "mail", "email_verified": "xms_edov", "name": "nick"}}] `
	yaml := []any{map[string]any{
		"name": "work", "label": "Work", "issuer": "https://login.example.com", "client_id": "coffer", "client_secret": "s3cr3t",
		"scopes": []any{"email"}, "claims": map[string]any{"email": "mail", "email_verified": "xms_edov", "name": "nick"},
	}}
	want := ProviderConfig{"work", "Work", "https://login.example.com", "coffer", "s3cr3t", []string{"email"}, ClaimsConfig{"mail", "xms_edov", "nick"}}
	s := setting(t, "auth.providers")
	for _, raw := range []any{text, yaml} {
		c := DefaultConfig()
		if err := s.Set(&c, raw); err != nil || len(c.Auth.Providers) != 1 || fmt.Sprint(c.Auth.Providers[0]) != fmt.Sprint(want) {
			t.Errorf("%+v, %v", c.Auth.Providers, err)
		}
		if err := c.Resolve(); err != nil {
			t.Error(err)
		}
		if shown := fmt.Sprint(s.Get(&c)); strings.Contains(shown, "s3cr3t") || !strings.Contains(shown, "(hidden)") || !strings.Contains(shown, "client_id:coffer") {
			t.Errorf("shown as %s", shown)
		}
	}
	for _, raw := range []any{
		"work", "{", `{"name": "work"}`, `[{"nam": "work"}]`, `[{"name": 7}]`, `[] []`, `["work"]`, "s3cr3t",
		7,
		map[string]any{"name": "work"},
		[]any{"work"},
		[]any{map[string]any{"client_secret": 5}},
		[]any{map[any]any{1: 2}},
	} {
		c := DefaultConfig()
		if err := s.Set(&c, raw); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%v: %v", raw, err)
		}
	}
	for _, none := range []any{"", "[]", nil, []any{}} {
		c := DefaultConfig()
		if err := s.Set(&c, none); err != nil || len(c.Auth.Providers) != 0 || fmt.Sprint(s.Get(&c)) != "[]" {
			t.Errorf("%v: %v", none, err)
		}
	}
}

func TestProvidersThatCannotBeSafeAreProblems(t *testing.T) {
	c := production()
	c.Auth.Providers = []ProviderConfig{{Name: "work", Issuer: "http://login.example.com", ClientID: "coffer"}}
	c.Auth.ExternalIssuers = []ExternalIssuerConfig{{Issuer: "https://tenant.example.com/"}}
	got := problemsOf(t, c.Resolve())
	if want := []string{"COFFER_AUTH_PROVIDERS", "COFFER_AUTH_EXTERNAL_ISSUERS"}; !slices.Equal(got, want) {
		t.Errorf("problems: %q, want %q", got, want)
	}
	c.Auth.Providers[0].Issuer = "https://login.example.com"
	c.Auth.ExternalIssuers[0].AuthorizedParties = []string{"app"}
	if err := c.Resolve(); err != nil {
		t.Error(err)
	}
}
