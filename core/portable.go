package core

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// PortableName returns a clean node name in a form that is a file name on
// every system: what Windows does not allow becomes "_".
func PortableName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*\`, r) {
			return '_'
		}
		return r
	}, name)
	if trimmed := strings.TrimRight(safe, ". "); trimmed != safe {
		safe = trimmed + strings.Repeat("_", len(safe)-len(trimmed))
	}
	stem, _, _ := strings.Cut(safe, ".")
	if deviceNames[strings.ToUpper(strings.TrimSpace(stem))] {
		safe = "_" + safe
	}
	if len(safe) > MaxNameBytes {
		stem, ext := SplitName(KindAsset, safe)
		safe = strings.TrimRight(stem, ". ") + ext
	}
	return safe
}

// deviceNames are files on Windows wherever they are, whatever comes after a dot.
var deviceNames = func() map[string]bool {
	names := map[string]bool{"CON": true, "PRN": true, "AUX": true, "NUL": true, "CONIN$": true, "CONOUT$": true, "CLOCK$": true}
	for _, digit := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "¹", "²", "³"} {
		names["COM"+digit], names["LPT"+digit] = true, true
	}
	return names
}()

// PortableNames are the names in one folder, none of which another system takes
// for the same as another. It keeps a few bytes of each, for large folders: that
// two hashes are the same by chance costs a number in a name.
type PortableNames struct{ used map[uint64]struct{} }

// NewPortableNames returns the names of an empty folder.
func NewPortableNames() *PortableNames { return &PortableNames{make(map[uint64]struct{})} }

// Add returns the portable form of a clean name, with a number if case or a
// replaced character makes it the same as an earlier one.
func (p *PortableNames) Add(name string) string {
	safe := PortableName(name)
	stem, ext := SplitName(KindAsset, safe)
	for i := 1; !p.take(safe); i++ {
		safe = fmt.Sprintf("%s (%d)%s", stem, i, ext)
	}
	return safe
}

func (p *PortableNames) take(name string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(Fold(name))) // cannot fail
	key := h.Sum64()
	if _, used := p.used[key]; used {
		return false
	}
	p.used[key] = struct{}{}
	return true
}
