package argon2

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What a stored hash may ask for. The bounds leave room for other parameters
// than today's without letting one hash take the machine.
const (
	maxMemoryKiB  = 64 * 1024
	maxIterations = 10
	maxThreads    = 4
	maxSaltBytes  = 64
	maxKeyBytes   = 64
)

// phc is a hash as the PHC string format writes it:
// $argon2id$v=19$m=19456,t=2,p=1$salt$key, in base64 without padding.
type phc struct {
	memory     uint32 // KiB
	iterations uint32
	threads    uint8
	salt, key  []byte
}

var encoding = base64.RawStdEncoding.Strict()

// String returns the PHC string.
func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.iterations, h.threads,
		encoding.EncodeToString(h.salt), encoding.EncodeToString(h.key))
}

// parse reads a PHC string and reports whether it is an Argon2id hash within
// the bounds.
func parse(s string) (phc, bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, false
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return phc{}, false
	}
	m, okM := parameter(params[0], "m=", maxMemoryKiB)
	t, okT := parameter(params[1], "t=", maxIterations)
	p, okP := parameter(params[2], "p=", maxThreads)
	salt, errSalt := encoding.DecodeString(parts[4])
	key, errKey := encoding.DecodeString(parts[5])
	ok := okM && okT && okP && errSalt == nil && errKey == nil && m >= 8*p &&
		len(salt) >= 8 && len(salt) <= maxSaltBytes && len(key) >= saltBytes && len(key) <= maxKeyBytes
	return phc{memory: m, iterations: t, threads: uint8(p), salt: salt, key: key}, ok //nolint:gosec // p is at most maxThreads
}

// parameter reads a positive number up to limit after its prefix.
func parameter(s, prefix string, limit uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && n <= uint64(limit)
}
