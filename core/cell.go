package core

import "strings"

// PlainCell returns text in a form that no spreadsheet takes for a formula: of
// what might be one, the first character is an apostrophe.
func PlainCell(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}
