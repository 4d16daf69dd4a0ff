package core

import (
	"strings"
	"testing"
)

func TestOnlyKeysOfAnOrgsVersionsAreThose(t *testing.T) {
	org := OrgID{1}
	for _, key := range []string{BlobKey(org, AssetID{2}, 1, "a b.txt"), BlobKey(org, AssetID{2}, 1, "v3"), BlobKey(org, AssetID{2}, 12, "..a")} {
		if !IsVersionKey(org, key) {
			t.Errorf("%q is none", key)
		}
	}
	asset := org.String() + "/" + AssetID{2}.String()
	for name, key := range map[string]string{
		"another org's":         BlobKey(OrgID{3}, AssetID{2}, 1, "a"),
		"out of the org":        org.String() + "/../" + OrgID{3}.String() + "/a",
		"out of the asset":      asset + "/..",
		"the same place":        asset + "/.",
		"an empty part":         asset + "//a",
		"no name":               asset + "/",
		"no asset":              org.String() + "/x/a",
		"absolute":              "/" + asset + "/a",
		"deeper":                asset + "/v2/a/b",
		"not a version":         asset + "/w2/a",
		"a marked copy":         MarkedKey(org, AssetID{2}, [16]byte{3}),
		"staged":                StagingKey(UploadID{3}),
		"the mark of the store": "coffer-installation",
		"NUL":                   asset + "/a\x00",
		"not UTF-8":             asset + "/\xff",
		"too long":              asset + "/" + strings.Repeat("x", 1024),
	} {
		if IsVersionKey(org, key) {
			t.Errorf("%s: %q is one", name, key)
		}
	}
}

func TestTheWordsOfAnItemAreThoseOfAllItsTexts(t *testing.T) {
	got := ItemWords("A cat", []string{"Pet"}, map[string]any{"b": []any{"sat", 1.5}, "a": "cat"})
	if strings.Join(got, " ") != "a cat pet sat" {
		t.Errorf("%q", got)
	}
}
