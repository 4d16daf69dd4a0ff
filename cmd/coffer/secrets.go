package main

import (
	"net/url"
	"strings"

	"github.com/seed-755a8038/coffer"
)

// shortestSecret is what is worth hiding; shorter texts occur by chance.
const shortestSecret = 4

// secretsOf returns the texts of a configuration that no message may repeat.
func secretsOf(c *coffer.Config) []string {
	out := []string{c.Auth.JWTSecret, c.S3.SecretAccessKey}
	for _, p := range c.Auth.Providers {
		out = append(out, p.ClientSecret)
	}
	if u, err := url.Parse(c.Database.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		out = append(out, password, url.QueryEscape(password), url.PathEscape(password))
	}
	return out
}

// hideSecrets is the last stop before the terminal: an error from a library may
// quote what it was given.
func (l *loader) hideSecrets(message string) string {
	for _, secret := range l.secrets {
		if len(secret) >= shortestSecret {
			message = strings.ReplaceAll(message, secret, "(hidden)")
		}
	}
	return message
}
