// Package picture reads the heads of pictures: what they are, how large, how they
// are turned, and what decoding them will take. It decodes none, and believes no
// size that it has not looked at.
package picture

// Canvas is a picture as it is stored, with the way to turn it for people.
type Canvas struct {
	W, H        int
	Orientation int // of EXIF, 1 to 8; others are 1
}

// Seen returns the size as people see it.
func (c Canvas) Seen() (w, h int) {
	const turned = 5 // and those after it
	if c.Orientation >= turned && c.Orientation <= 8 {
		return c.H, c.W
	}
	return c.W, c.H
}

// Turn returns where a stored point is seen, as a row of each axis: x, y and 1.
func (c Canvas) Turn() (x, y [3]int) {
	right, down := [3]int{1, 0, 0}, [3]int{0, 1, 0}
	left, up := [3]int{-1, 0, c.W - 1}, [3]int{0, -1, c.H - 1}
	switch c.Orientation {
	case 2:
		return left, down
	case 3:
		return left, up
	case 4:
		return right, up
	case 5:
		return down, right
	case 6:
		return up, right
	case 7:
		return up, left
	case 8:
		return down, left
	}
	return right, down
}
