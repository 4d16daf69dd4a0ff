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
