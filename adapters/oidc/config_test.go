package oidc_test

import (
	"testing"

	"github.com/seed-755a8038/coffer/adapters/oidc"
)

func TestConfigurationsThatCannotBeSafeAreRefused(t *testing.T) {
	external := func(e oidc.ExternalIssuer) oidc.Config { return oidc.Config{External: []oidc.ExternalIssuer{e, e}[:1]} }
	provider := func(p oidc.Provider) oidc.Config { return oidc.Config{Providers: []oidc.Provider{p}} }
	goodExternal := oidc.ExternalIssuer{Issuer: "https://a.example/", Audience: "coffer"}
	goodProvider := oidc.Provider{Name: "a", Issuer: "https://a.example", ClientID: "coffer"}
	newTokens(t, external(goodExternal), &clock{})
	newProviders(t, provider(goodProvider), &clock{})
	for name, cfg := range map[string]oidc.Config{
		"tokens for everybody": external(oidc.ExternalIssuer{Issuer: "https://a.example"}),
		"an empty party":       external(oidc.ExternalIssuer{Issuer: "https://a.example", AuthorizedParties: []string{""}}),
		"no issuer":            external(oidc.ExternalIssuer{Audience: "coffer"}),
		"an issuer over http":  external(oidc.ExternalIssuer{Issuer: "http://a.example", Audience: "coffer"}),
		"keys over http":       external(oidc.ExternalIssuer{Issuer: "https://a.example", Audience: "coffer", JWKSURL: "http://10.0.0.1/"}),
		"one issuer twice":     {External: []oidc.ExternalIssuer{goodExternal, goodExternal}},
	} {
		if _, err := oidc.NewTokens(cfg, &clock{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for name, change := range map[string]func(*oidc.Provider){
		"no name":        func(p *oidc.Provider) { p.Name = "" },
		"a path":         func(p *oidc.Provider) { p.Name = "../a" },
		"upper case":     func(p *oidc.Provider) { p.Name = "A" },
		"no client":      func(p *oidc.Provider) { p.ClientID = "" },
		"no issuer":      func(p *oidc.Provider) { p.Issuer = "" },
		"http":           func(p *oidc.Provider) { p.Issuer = "http://a.example" },
		"a file":         func(p *oidc.Provider) { p.Issuer = "file:///etc/passwd" },
		"a password":     func(p *oidc.Provider) { p.Issuer = "https://u:p@a.example" },
		"not an address": func(p *oidc.Provider) { p.Issuer = "https://" },
	} {
		p := goodProvider
		change(&p)
		if _, err := oidc.NewProviders(provider(p), &clock{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := oidc.NewProviders(oidc.Config{Providers: []oidc.Provider{goodProvider, goodProvider}}, &clock{}); err == nil {
		t.Error("one name twice is accepted")
	}
}
