package picture

import (
	"encoding/binary"
)

const (
	// Upright is the orientation of most pictures.
	Upright        = 1
	orientationTag = 0x0112
)

// OrientationOf returns the orientation that a TIFF structure, which EXIF is,
// has in its first directory; else 1.
func OrientationOf(tiff []byte) int {
	const header, entry = 8, 12
	if len(tiff) < header {
		return Upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return Upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return Upright
	}
	n := int64(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + i*entry
		if e+entry > int64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[e:]) == orientationTag {
			if o := int(order.Uint16(tiff[e+8:])); o >= 1 && o <= 8 {
				return o
			}
		}
	}
	return Upright
}

// TIFFWith returns a TIFF structure that says the orientation and nothing else:
// where a picture was taken, and with what, is not for those it is shown to.
func TIFFWith(orientation int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01")
	b = binary.BigEndian.AppendUint16(b, orientationTag)
	b = append(b, 0, 3, 0, 0, 0, 1)                                // one short
	b = binary.BigEndian.AppendUint16(b, uint16(orientation))      //nolint:gosec // 1 to 8
	return append(b, 0, 0 /* the rest of the value */, 0, 0, 0, 0) // no other directory
}
