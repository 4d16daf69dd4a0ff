package argon2

// Occupy takes every slot and returns what gives them back.
func Occupy(p *Passwords) (release func()) {
	for range p.Slots() {
		p.slots <- struct{}{}
	}
	return func() {
		for range p.Slots() {
			<-p.slots
		}
	}
}

// Cost is what decides how long Verify of a hash takes.
func Cost(hash string) [5]int {
	h, _ := parseOrUnmatched(hash)
	return [...]int{int(h.memory), int(h.iterations), int(h.threads), len(h.salt), len(h.key)}
}

// Hashed is how often p has hashed.
func Hashed(p *Passwords) uint64 { return p.garbage.Load() }
