package core

import (
	"errors"
	"strings"
	"testing"
)

func TestPortableName(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt": "a.txt", `a<b>:"|?*\.txt`: "a_b_______.txt", "a.": "a_", "a. .": "a___", "...": "___", "CON": "_CON", "con.txt": "_con.txt",
		"Nul.tar.gz": "_Nul.tar.gz", "com1": "_com1", "COM¹.x": "_COM¹.x", "lpt0": "_lpt0", "console": "console", "com10": "com10", ".con": ".con",
		"aux .h": "_aux .h", "CONIN$": "_CONIN$", "é 中": "é 中", "-rf": "-rf",
		"con." + strings.Repeat("x", 251): "_con." + strings.Repeat("x", 241),
	} {
		if got := PortableName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestNoTwoPortableNamesAreTheSame(t *testing.T) {
	p := NewPortableNames()
	for _, c := range [][2]string{
		{"a.txt", "a.txt"},
		{"A.TXT", "A (1).TXT"},
		{"a (1).txt", "a (1) (1).txt"},
		{"a?", "a_"},
		{"a*", "a_ (1)"},
		{"É", "É"},
		{"é", "é (1)"},
		{"CON", "_CON"},
		{"_con", "_con (1)"},
		{".profile", ".profile"},
		{".Profile", ".Profile (1)"},
	} {
		if got := p.Add(c[0]); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
}

func FuzzPortableName(f *testing.F) {
	f.Add("a. ")
	f.Add("con.tar.gz")
	f.Fuzz(func(t *testing.T, raw string) {
		name, err := CleanNodeName("name", raw, asIs)
		if err != nil {
			return
		}
		p := NewPortableNames()
		first := p.Add(name)
		for _, safe := range []string{first, p.Add(name)} {
			if safe == "" || len(safe) > MaxNameBytes || strings.ContainsAny(safe, `<>:"/|?*\`) || strings.TrimRight(safe, ". ") != safe ||
				PortableName(safe) != safe {
				t.Errorf("%q becomes %q", name, safe)
			}
			if _, err := CleanNodeName("name", safe, asIs); err != nil {
				t.Errorf("%q becomes %q: %v", name, safe, err)
			}
		}
		if len(p.used) != 2 {
			t.Errorf("%q twice is one name", name)
		}
	})
}

func TestSplitName(t *testing.T) {
	for in, want := range map[string][2]string{
		"a.txt": {"a", ".txt"}, "a.tar.gz": {"a.tar", ".gz"}, ".bashrc": {".bashrc", ""}, "a": {"a", ""}, "a.": {"a", "."}, "a .txt": {"a", ".txt"},
		"a." + strings.Repeat("x", 31): {"a", "." + strings.Repeat("x", 31)}, "a." + strings.Repeat("x", 32): {"a." + strings.Repeat("x", 32), ""},
		strings.Repeat("é", 125) + ".txt": {strings.Repeat("é", 121), ".txt"},
	} {
		if stem, ext := SplitName(KindAsset, in); stem != want[0] || ext != want[1] {
			t.Errorf("%q: %q and %q, want %q", in, stem, ext, want)
		}
	}
	if stem, ext := SplitName(KindFolder, "v1.2"); stem != "v1.2" || ext != "" {
		t.Errorf("a folder: %q and %q", stem, ext)
	}
}

func TestSplitPath(t *testing.T) {
	deep := strings.Repeat("a/", 64)
	for in, want := range map[string]string{
		"": "", "/": "", "a": "a", "/a/b": "a|b", "a/b/": "a|b", "/cafe\u0301/x y": "café|x y", deep: strings.TrimSuffix(strings.ReplaceAll(deep, "/", "|"), "|"),
	} {
		got, err := SplitPath("query.path", in, composed)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"a//b", "/a/./b", "..", "a/../b", "a/ b", "a\x00", "\xff", deep + "a", strings.Repeat("x", 256)} {
		if got, err := SplitPath("query.path", bad, composed); err == nil || !strings.Contains(fieldsOf(t, err), "query.path") {
			t.Errorf("%q is accepted as %q: %v", bad, got, err)
		}
	}
}

func fieldsOf(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Fields) != 1 {
		t.Fatalf("%#v", err)
	}
	return e.Fields[0].Location
}
