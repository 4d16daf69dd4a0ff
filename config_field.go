package coffer

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// field reads and shows one field of a Config.
type field interface {
	set(s string) error
	get() any
}

type (
	word[T ~string] struct{ p *T }
	number          int
	toggle          bool
	duration        time.Duration
	list            []string
	networks        []netip.Prefix
)

func text[T ~string](p *T) field { return word[T]{p} }

func (w word[T]) set(s string) error {
	*w.p = T(s)
	return nil
}

func (w word[T]) get() any { return string(*w.p) }

func (n *number) set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", s)
	}
	*n = number(v)
	return nil
}

func (n *number) get() any { return int(*n) }

func (t *toggle) set(s string) error {
	v, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", s)
	}
	*t = toggle(v)
	return nil
}

func (t *toggle) get() any { return bool(*t) }

func (d *duration) set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write a number and its unit, such as 90s, 15m or 720h", s)
	}
	*d = duration(v)
	return nil
}

// get writes 1h0m0s as 1h, which is how people write it.
func (d *duration) get() any {
	s := time.Duration(*d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *list) set(s string) error {
	*l = list(items(s))
	return nil
}

func (l *list) get() any { return append([]string{}, *l...) }

func (n *networks) set(s string) error {
	var all networks
	for _, item := range items(s) {
		prefix, err := netip.ParsePrefix(item)
		if addr, e := netip.ParseAddr(item); e == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is not a network; write it as 10.0.0.0/8 or 2001:db8::/32", item)
		}
		all = append(all, prefix.Masked())
	}
	*n = all
	return nil
}

func (n *networks) get() any {
	out := make([]string, len(*n))
	for i, p := range *n {
		out[i] = p.String()
	}
	return out
}

// items splits a list as the environment has it: by commas, without blanks.
func items(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// plainText returns the text of a value that YAML has given a type. It refuses
// those whose text is lost, as that of a secret of digits only.
func plainText(raw any) (string, error) {
	switch v := raw.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool, int, int64, uint64:
		return fmt.Sprint(v), nil
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			t, err := plainText(item)
			if _, nested := item.([]any); err != nil || nested {
				return "", errors.New("must be a list of texts")
			}
			texts[i] = t
		}
		return strings.Join(texts, ","), nil
	case map[string]any:
		return "", errors.New("must be one value, not a section")
	}
	return "", errors.New("must be text: write it in quotes")
}
