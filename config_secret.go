package coffer

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	minSecret       = 32 // characters
	secretFile      = "jwt-secret"
	generatedSecret = 48 // random bytes: 64 characters of base64
	makeSecret      = "make one with: openssl rand -base64 48"
)

// SecretFile returns where development keeps the secret it has generated.
func (c *Config) SecretFile() string { return filepath.Join(c.DataDir, secretFile) }

func (c *Config) checkSecret(p *problems) {
	const key = "auth.jwt_secret"
	secret := c.Auth.JWTSecret
	switch {
	case secret == "":
		p.add(!c.IsProduction(), key, "is required in production; %s", makeSecret)
	case len(secret) < minSecret:
		p.add(false, key, "has %d characters, it needs at least %d; %s", len(secret), minSecret, makeSecret)
	default:
		p.add(!c.IsProduction() || !isWeak(secret), key, "is easy to guess; %s", makeSecret)
	}
}

// guessable are parts of secrets that people copy from examples or type. None
// is likely in 32 random characters.
var guessable = []string{
	"changeme", "changethis", "replaceme", "replacethis", "replacewith", "yoursecret", "mysecret", "supersecret", "topsecret",
	"jwtsecret", "secretkey", "password", "insecure", "example", "development", "placeholder",
	"0123456789", "1234567890", "abcdefghij", "qwertyuiop",
}

// isWeak reports a secret that is guessed and not searched for: few different
// characters, a short text repeated, or words of examples.
func isWeak(secret string) bool {
	if secret == "" {
		return false
	}
	const fewest = 8 // 32 random hexadecimal digits have fewer once in 10⁹
	distinct := []rune(secret)
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) < fewest {
		return true
	}
	// A text that is found in its own double other than at the ends is a repetition.
	if strings.Contains((secret + secret)[1:2*len(secret)-1], secret) {
		return true
	}
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(secret))
	return slices.ContainsFunc(guessable, func(word string) bool { return strings.Contains(letters, word) })
}

// LoadSecret makes sure there is a secret: in development a missing one is read
// from SecretFile, which is made if it is not there. It returns an error if
// others than the owner may read the file. Programs that start together get
// the same secret.
func (c *Config) LoadSecret() error {
	if c.Auth.JWTSecret != "" || c.IsProduction() {
		return nil
	}
	secret, err := readSecret(c.SecretFile())
	if errors.Is(err, fs.ErrNotExist) {
		if err = createSecret(c.SecretFile()); err == nil {
			secret, err = readSecret(c.SecretFile())
		}
	}
	if err != nil {
		return fmt.Errorf("the generated secret: %w", err)
	}
	c.Auth.JWTSecret = secret
	return nil
}

func readSecret(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file; remove it", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read or changed by others (mode %04o); run: chmod 600 %s, and remove it if others have read it", path, info.Mode().Perm(), path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(data))
	if len(secret) < minSecret {
		return "", fmt.Errorf("%s is cut or empty; remove it, which ends every session", path)
	}
	return secret, nil
}

// createSecret writes a new secret to path at once and durably, unless one is
// there: of programs that start together the first one's stays.
func createSecret(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+secretFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var b [generatedSecret]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(b[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes names in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
