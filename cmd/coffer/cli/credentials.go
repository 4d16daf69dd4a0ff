package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed-755a8038/coffer/client"
)

// login is what is kept of a sign-in at a server.
type login struct {
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresAt    time.Time `json:"expires_at"`
	Email        string    `json:"email"`
	Org          uuid.UUID `json:"org_id"` // which commands are about
	OrgName      string    `json:"org_name"`
}

func (l login) credentials() client.Credentials {
	return client.Credentials{AccessToken: l.AccessToken, RefreshToken: l.RefreshToken, ExpiresAt: l.ExpiresAt}
}

// logins are those at all servers.
type logins struct {
	Current string           `json:"current"` // the server that commands use
	Servers map[string]login `json:"servers"`
}

// credentialsFile is where logins are kept, for the user alone.
type credentialsFile struct{ path string }

func openCredentials() (*credentialsFile, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, &Error{Code: ExitError, What: "there is no place for credentials: " + err.Error(), Next: "set HOME"}
	}
	return &credentialsFile{filepath.Join(dir, "coffer", "credentials.json")}, nil
}

func (f *credentialsFile) read() (logins, error) {
	all := logins{Servers: map[string]login{}}
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	// what cannot be read is not shown: there are tokens in it
	if json.Unmarshal(text, &all) != nil {
		return all, &Error{Code: ExitError, What: f.path + " cannot be read", Next: "remove it and sign in again: coffer login"}
	}
	if all.Servers == nil {
		all.Servers = map[string]login{}
	}
	return all, nil
}

// change replaces the file by a changed one, while no other process does.
func (f *credentialsFile) change(ctx context.Context, edit func(all *logins)) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return f.changeLocked(edit)
}

func (f *credentialsFile) changeLocked(edit func(all *logins)) error {
	all, err := f.read()
	if err != nil {
		return err
	}
	edit(&all)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(f.path, append(text, '\n'))
}

const (
	onlyMine    = 0o600
	onlyMineDir = 0o700
)

// writeWhole replaces a file by one that only the user may read, all of it or
// nothing.
func writeWhole(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, onlyMineDir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

const (
	lockPause    = 20 * time.Millisecond
	lockPatience = time.Minute
)

// lock keeps other processes from changing the file, and from renewing tokens
// that are in it.
func (f *credentialsFile) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(f.path), onlyMineDir); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, onlyMine)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(lockPatience); ; {
		held, err := tryLock(file)
		if err == nil && held {
			return func() { _ = file.Close() }, nil // which lets go of it
		}
		if err == nil && time.Now().After(end) {
			err = &Error{Code: ExitConflict, What: "another coffer holds " + f.path + ".lock", Next: "wait until it has ended"}
		}
		if err == nil {
			err = sleep(ctx, lockPause)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
}

// auth keeps somebody signed in: tokens are renewed by one process at a time, and
// by none that another one has renewed.
func (f *credentialsFile) auth(server string, l login) *client.Auth {
	auth := client.NewAuth(l.credentials())
	auth.Lock = func(ctx context.Context) (client.Credentials, func(), error) {
		unlock, err := f.lock(ctx)
		if err != nil {
			return client.Credentials{}, nil, err
		}
		all, err := f.read()
		if err != nil {
			unlock()
			return client.Credentials{}, nil, err
		}
		return all.Servers[server].credentials(), unlock, nil
	}
	auth.Save = func(c client.Credentials) error {
		return f.changeLocked(func(all *logins) {
			now := all.Servers[server]
			now.AccessToken, now.RefreshToken, now.ExpiresAt = c.AccessToken, c.RefreshToken, c.ExpiresAt
			all.Servers[server] = now
		})
	}
	return auth
}

// cleanServer returns the one spelling of a server's address.
func cleanServer(server string) (string, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(server), "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", badServer(errors.New("this is not the address of a server")) // which is not shown: it could have a password in it
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", badServer(fmt.Errorf("the address of %s has more than a server and a path", u.Host))
	}
	u.Host = strings.ToLower(u.Host)
	return u.String(), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
