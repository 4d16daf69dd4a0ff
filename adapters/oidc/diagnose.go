package oidc

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-755a8038/coffer/ports"
)

// Diagnose asks each provider for its addresses and its keys.
func (p *Providers) Diagnose(ctx context.Context) []ports.Finding {
	var out []ports.Finding
	for _, n := range p.names {
		at := p.byName[n.Name]
		_, _, err := at.oauth(ctx, "")
		if err == nil {
			err = at.issuer.reach(ctx)
		}
		out = append(out, finding("sign-in provider "+n.Name, at.cfg.Issuer, err))
	}
	return out
}

// Diagnose asks each issuer for its keys.
func (t *Tokens) Diagnose(ctx context.Context) []ports.Finding {
	var out []ports.Finding
	for _, name := range slices.Sorted(maps.Keys(t.issuers)) {
		out = append(out, finding("issuer of tokens", name, t.issuers[name].issuer.reach(ctx)))
	}
	return out
}

// reach reports whether the issuer's keys can be had.
func (i *issuer) reach(ctx context.Context) error {
	_, err := i.keys.get(ctx, false)
	return err
}

func finding(check, issuer string, err error) ports.Finding {
	if err != nil {
		return ports.Finding{Check: check, Detail: issuer + " does not answer as it should, so nobody gets in by it: " + brief(err).Error()}
	}
	return ports.Finding{Check: check, OK: true, Detail: issuer + " answers"}
}
