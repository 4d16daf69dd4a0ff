package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/seed-755a8038/coffer"
	"github.com/seed-755a8038/coffer/cmd/coffer/cli"
)

// Where a value comes from.
const (
	fromDefault     = "default"
	fromFile        = "file"
	fromEnvironment = "environment"
)

// places are where a configuration file is looked for, in this order.
var places = []string{"./coffer.yaml", "/etc/coffer/coffer.yaml"}

// loader reads the configuration: the environment before the file, the file
// before the defaults.
type loader struct {
	file    string // from --config
	secrets []string
}

// loaded is a configuration and where each of its values comes from.
type loaded struct {
	coffer.Config

	sources  map[string]string // by key
	file     string            // empty: none was found
	warnings []string
}

// warn writes the warnings, one on each line.
func (l *loaded) warn(w io.Writer) {
	for _, line := range l.warnings {
		_, _ = fmt.Fprintln(w, "coffer: warning: "+line) // no reason to stop
	}
}

// load returns a resolved configuration. Everything that is wrong with it is in
// one usageError.
func (l *loader) load() (*loaded, error) {
	out, err := l.read()
	if err != nil {
		return nil, &usageError{err}
	}
	return out, nil
}

// loadWithSecret is load for commands that need the keys of the server: in
// development it makes the secret that is missing.
func (l *loader) loadWithSecret() (*loaded, error) {
	out, err := l.load()
	if err != nil {
		return nil, err
	}
	if err := out.LoadSecret(); err != nil {
		return nil, &usageError{err}
	}
	l.secrets = append(l.secrets, out.Auth.JWTSecret)
	return out, nil
}

func (l *loader) read() (*loaded, error) {
	file, path, err := l.openFile()
	if err != nil {
		return nil, err
	}
	out := &loaded{Config: coffer.DefaultConfig(), sources: make(map[string]string), file: path}
	problems := unknownKeys(file, path)
	for _, s := range coffer.Settings() {
		// Bound one by one: AutomaticEnv and Unmarshal together miss what only
		// the environment has. An empty variable counts as absent.
		if err := file.BindEnv(s.Key, s.Env()); err != nil {
			return nil, fmt.Errorf("bind %s: %w", s.Env(), err)
		}
		source := fromDefault
		switch {
		case os.Getenv(s.Env()) != "":
			source = fromEnvironment
		case file.Get(s.Key) != nil:
			source = fromFile
		}
		out.sources[s.Key] = source
		if source == fromDefault {
			continue
		}
		if err := s.Set(&out.Config, file.Get(s.Key)); err != nil {
			problems = append(problems, err)
		}
	}
	if out.Auth.JWTSecret == "" && !out.IsProduction() {
		out.sources["auth.jwt_secret"] = "generated into " + out.SecretFile()
	}
	l.secrets = append(l.secrets, secretsOf(&out.Config)...)
	if err := errors.Join(append(problems, out.Resolve())...); err != nil {
		return nil, listed(err)
	}
	out.warnings = append(out.Warnings(), unknownVariables()...)
	return out, nil
}

// openFile returns what the configuration file says; nothing if there is none
// and none was asked for.
func (l *loader) openFile() (*viper.Viper, string, error) {
	v := viper.New()
	path := l.file
	if path == "" {
		i := slices.IndexFunc(places, func(p string) bool {
			_, err := os.Stat(p)
			return !errors.Is(err, fs.ErrNotExist)
		})
		if i < 0 {
			return v, "", nil
		}
		path = places[i]
	}
	v.SetConfigFile(path)
	v.SetConfigType("yaml") // whatever the file is called
	if err := v.ReadInConfig(); err != nil {
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, "", fmt.Errorf("configuration file: %w", err)
		}
		return nil, "", fmt.Errorf("configuration file %s: %w", path, err)
	}
	return v, path, nil
}

// unknownKeys returns one error that names every key of the file nobody knows.
func unknownKeys(file *viper.Viper, path string) []error {
	known := make(map[string]bool)
	for _, s := range coffer.Settings() {
		known[s.Key] = true
		for key := s.Key; strings.Contains(key, "."); {
			key = key[:strings.LastIndex(key, ".")]
			known[key] = known[key] || file.Get(key) == nil // a section may be empty
		}
	}
	var unknown []string
	for _, key := range file.AllKeys() {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if unknown == nil {
		return nil
	}
	slices.Sort(unknown)
	return []error{fmt.Errorf("%s: unknown: %s (coffer config lists what there is)", path, strings.Join(unknown, ", "))}
}

// unknownVariables warns of variables that look like settings and are none. It
// is no error: an orchestrator may add variables of a service called coffer.
func unknownVariables() []string {
	known := make(map[string]bool)
	for _, s := range coffer.Settings() {
		known[s.Env()] = true
	}
	for _, name := range cli.Variables {
		known[name] = true // of those who use a server
	}
	var out []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "COFFER_") && !known[name] {
			out = append(out, name+": no setting has this name, so it has no effect")
		}
	}
	slices.Sort(out)
	return out
}

// listed puts several problems below each other.
func listed(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var lines []string
	for _, e := range joined.Unwrap() {
		lines = append(lines, strings.Split(e.Error(), "\n")...)
	}
	if len(lines) == 1 {
		return fmt.Errorf("configuration: %s", lines[0])
	}
	return fmt.Errorf("the configuration has %d problems:\n  %s", len(lines), strings.Join(lines, "\n  "))
}
